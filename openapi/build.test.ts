import assert from "node:assert/strict";
import { test } from "node:test";
import { buildOpenApiV2, buildOpenApiV3, type OpenApiResource, resourcesByDocument, type Verb } from "./build.ts";
import { loadSchemas } from "./schemas/index.ts";

const schemas = loadSchemas();
const everyVerb: readonly Verb[] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const functionKind = { group: "compute.functionmesh.io", version: "v1alpha1", kind: "Function" };
const functionName = "io.functionmesh.compute.v1alpha1.Function";
const scaleName = "io.k8s.api.autoscaling.v1.Scale";
const meta = (type: string) => `io.k8s.apimachinery.pkg.apis.meta.v1.${type}`;

const functions: OpenApiResource = {
  ...functionKind,
  resource: "functions",
  namespaced: true,
  schemaName: functionName,
  verbs: everyVerb,
  patchTypes: ["application/json-patch+json", "application/merge-patch+json"],
  subresources: [
    { name: "status", kind: functionKind, schemaName: functionName, verbs: ["get", "patch", "update"] },
    {
      name: "scale",
      kind: { group: "autoscaling", version: "v1", kind: "Scale" },
      schemaName: scaleName,
      verbs: ["get", "patch", "update"],
    },
  ],
};
const namespaces: OpenApiResource = {
  group: "",
  version: "v1",
  kind: "Namespace",
  resource: "namespaces",
  namespaced: false,
  schemaName: "io.k8s.api.core.v1.Namespace",
  verbs: everyVerb,
  patchTypes: ["application/merge-patch+json"],
  acceptsProtobuf: true,
  subresources: [],
};
const accessReviews: OpenApiResource = {
  group: "authorization.k8s.io",
  version: "v1",
  kind: "SubjectAccessReview",
  resource: "subjectaccessreviews",
  namespaced: false,
  schemaName: "io.k8s.api.authorization.v1.SubjectAccessReview",
  verbs: ["create"],
  patchTypes: [],
  subresources: [],
};
const everything = [functions, namespaces, accessReviews];

type Json = { [key: string]: Json };

/** The document as a client reads it. */
function asSent(document: object): Json {
  return JSON.parse(JSON.stringify(document));
}

const v3 = asSent(buildOpenApiV3(schemas, [functions]));
const v2 = asSent(buildOpenApiV2(schemas, everything));

function get(document: Json, ...keys: string[]): unknown {
  return keys.reduce<unknown>((node, key) => Object(node)[key], document);
}

function operationsOf(document: Json): { path: string; method: string; operation: Json }[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== "parameters")
      .map(([method, operation]) => ({ path, method, operation })),
  );
}

function referencesIn(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) =>
    key === "$ref" && typeof value === "string" ? [value] : referencesIn(value),
  );
}

function parameterNames(document: Json, path: string, method: string): string[] {
  const list = get(document, "paths", path, method, "parameters");
  return Array.isArray(list) ? list.map(({ name }) => name) : [];
}

const collection = "/apis/compute.functionmesh.io/v1alpha1/namespaces/{namespace}/functions";
const item = `${collection}/{name}`;

// API O-20, O-23
test("paths and operation ids of a namespaced kind", () => {
  const found = operationsOf(v3).map(({ path, method, operation }) => [`${method} ${path}`, operation.operationId]);
  const gv = "ComputeFunctionmeshIoV1alpha1";
  assert.deepEqual(Object.fromEntries(found), {
    "get /apis/compute.functionmesh.io/": "getComputeFunctionmeshIoAPIGroup",
    "get /apis/compute.functionmesh.io/v1alpha1/": `get${gv}APIResources`,
    "get /apis/compute.functionmesh.io/v1alpha1/functions": `list${gv}FunctionForAllNamespaces`,
    [`get ${collection}`]: `list${gv}NamespacedFunction`,
    [`post ${collection}`]: `create${gv}NamespacedFunction`,
    [`delete ${collection}`]: `delete${gv}CollectionNamespacedFunction`,
    [`get ${item}`]: `read${gv}NamespacedFunction`,
    [`put ${item}`]: `replace${gv}NamespacedFunction`,
    [`patch ${item}`]: `patch${gv}NamespacedFunction`,
    [`delete ${item}`]: `delete${gv}NamespacedFunction`,
    [`get ${item}/status`]: `read${gv}NamespacedFunctionStatus`,
    [`put ${item}/status`]: `replace${gv}NamespacedFunctionStatus`,
    [`patch ${item}/status`]: `patch${gv}NamespacedFunctionStatus`,
    [`get ${item}/scale`]: `read${gv}NamespacedFunctionScale`,
    [`put ${item}/scale`]: `replace${gv}NamespacedFunctionScale`,
    [`patch ${item}/scale`]: `patch${gv}NamespacedFunctionScale`,
  });
});

test("a cluster-scoped kind has no namespace in its paths", () => {
  const core = asSent(buildOpenApiV3(schemas, [namespaces]));
  assert.deepEqual(Object.keys(core.paths ?? {}), ["/api/v1/", "/api/v1/namespaces", "/api/v1/namespaces/{name}"]);
  assert.equal(get(core, "paths", "/api/v1/namespaces", "get", "operationId"), "listCoreV1Namespace");
  assert.equal(get(core, "paths", "/api/v1/namespaces", "delete", "operationId"), "deleteCoreV1CollectionNamespace");
});

test("only verbs that are served have operations", () => {
  const reviews = asSent(buildOpenApiV3(schemas, [accessReviews]));
  const methods = operationsOf(reviews).map(({ path, method }) => `${method} ${path}`);
  assert.deepEqual(methods, [
    "get /apis/authorization.k8s.io/",
    "get /apis/authorization.k8s.io/v1/",
    "post /apis/authorization.k8s.io/v1/subjectaccessreviews",
  ]);
});

// API O-21, O-22
test("operations name the kind they act upon, as a single object", () => {
  const kindKey = "x-kubernetes-group-version-kind";
  assert.deepEqual(get(v3, "paths", item, "patch", kindKey), functionKind);
  assert.deepEqual(get(v3, "paths", `${item}/scale`, "get", kindKey), {
    group: "autoscaling",
    version: "v1",
    kind: "Scale",
  });
  assert.equal(get(v3, "paths", collection, "delete", "x-kubernetes-action"), "deletecollection");
});

test("operation ids are unique, also where groups have similar names", () => {
  const autoscalers = ["autoscaling", "autoscaling.k8s.io"].map((group): OpenApiResource => {
    return { ...functions, group, version: "v1", subresources: [] };
  });
  const document = asSent(buildOpenApiV2(schemas, [...everything, ...autoscalers]));
  const ids = operationsOf(document).map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
});

// API O-27
test("query parameters belong to the action", () => {
  const writing = ["dryRun", "fieldManager", "fieldValidation"];
  assert.deepEqual(parameterNames(v3, collection, "post"), writing);
  assert.deepEqual(parameterNames(v3, item, "put"), writing);
  assert.deepEqual(parameterNames(v3, item, "patch"), [...writing, "force"]);
  assert.deepEqual(parameterNames(v3, item, "get"), []);
  const list = parameterNames(v3, collection, "get");
  assert.ok(list.includes("watch") && list.includes("sendInitialEvents") && list.includes("allowWatchBookmarks"));
  const deletion = parameterNames(v3, collection, "delete");
  assert.ok(deletion.includes("labelSelector") && deletion.includes("propagationPolicy"));
  assert.ok(!deletion.includes("watch") && !deletion.includes("allowWatchBookmarks"));
});

// API O-25, KB-30
test("kubectl finds fieldValidation without following a reference", () => {
  for (const document of [v2, v3]) {
    for (const { path, method, operation } of operationsOf(document)) {
      if (method !== "patch") continue;
      const parameters: unknown = operation.parameters;
      assert.ok(Array.isArray(parameters) && parameters.some(({ name }) => name === "fieldValidation"), path);
    }
  }
});

// API O-26
test("a PATCH lists the types that are served", () => {
  const types = ["application/json-patch+json", "application/merge-patch+json"];
  assert.deepEqual(Object.keys(Object(get(v3, "paths", `${item}/status`, "patch", "requestBody", "content"))), types);
  assert.deepEqual(get(v2, "paths", item, "patch", "consumes"), types);
});

test("protobuf is announced where bodies may have it", () => {
  const protobuf = "application/vnd.kubernetes.protobuf";
  const consumed = (path: string): unknown => get(v2, "paths", path, "post", "consumes");
  assert.deepEqual(consumed("/api/v1/namespaces"), ["application/json", "application/yaml", protobuf]);
  assert.deepEqual(consumed(collection), ["application/json", "application/yaml"]);
});

// API O-29
test("answers have the codes and the types of the action", () => {
  const codes = (path: string, method: string) => Object.keys(Object(get(v3, "paths", path, method, "responses")));
  assert.deepEqual(codes(collection, "get"), ["200", "401"]);
  assert.deepEqual(codes(collection, "post"), ["200", "201", "202", "401"]);
  assert.deepEqual(codes(item, "patch"), ["200", "201", "401"]);
  assert.deepEqual(codes(item, "delete"), ["200", "202", "401"]);
  const answer = (path: string, method: string) =>
    get(v3, "paths", path, method, "responses", "200", "content", "application/json", "schema", "$ref");
  assert.equal(answer(collection, "get"), `#/components/schemas/${functionName}List`);
  assert.equal(answer(item, "delete"), `#/components/schemas/${meta("Status")}`);
  assert.equal(answer(`${item}/scale`, "put"), `#/components/schemas/${scaleName}`);
});

test("references lead somewhere within the document", () => {
  for (const document of [v2, v3]) {
    for (const reference of new Set(referencesIn(document))) {
      assert.ok(get(document, ...reference.slice(2).split("/")), reference);
    }
  }
});

// API O-55
test("only components that the paths reach are included, and those every client expects", () => {
  const names = Object.keys(Object(get(v3, "components", "schemas")));
  for (const name of [functionName, `${functionName}List`, scaleName, meta("WatchEvent"), meta("DeleteOptions")]) {
    assert.ok(names.includes(name), name);
  }
  for (const name of ["io.functionmesh.compute.v1alpha1.Sink", "io.k8s.api.core.v1.Pod"]) {
    assert.ok(!names.includes(name), name);
  }
});

test("DeleteOptions belongs to every group version of the document", () => {
  const kinds = (document: Json, ...path: string[]) =>
    get(document, ...path, meta("DeleteOptions"), "x-kubernetes-group-version-kind");
  const core = { group: "", version: "v1", kind: "DeleteOptions" };
  const compute = { ...functionKind, kind: "DeleteOptions" };
  assert.deepEqual(kinds(v3, "components", "schemas"), [core, compute]);
  const authorization = { group: "authorization.k8s.io", version: "v1", kind: "DeleteOptions" };
  assert.deepEqual(kinds(v2, "definitions"), [core, authorization, compute]);
});

// API O-43
test("a reference with siblings: allOf in v3, in place in v2", () => {
  const description = "Name, namespace, labels, annotations, owners and what else all objects have in common.";
  assert.deepEqual(get(v3, "components", "schemas", functionName, "properties", "metadata"), {
    description,
    allOf: [{ $ref: `#/components/schemas/${meta("ObjectMeta")}` }],
  });
  assert.deepEqual(get(v2, "definitions", functionName, "properties", "metadata"), {
    description,
    $ref: `#/definitions/${meta("ObjectMeta")}`,
  });
});

// API O-49
test("scalars of two types: oneOf in v3, a string in v2", () => {
  const shape = (document: Json, ...path: string[]) => {
    const { description: _, ...rest } = Object(get(document, ...path));
    return rest;
  };
  const quantity = "io.k8s.apimachinery.pkg.api.resource.Quantity";
  const port = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
  assert.deepEqual(shape(v3, "components", "schemas", quantity), { oneOf: [{ type: "string" }, { type: "number" }] });
  assert.deepEqual(shape(v3, "components", "schemas", port), {
    format: "int-or-string",
    oneOf: [{ type: "integer" }, { type: "string" }],
  });
  assert.deepEqual(shape(v2, "definitions", quantity), { type: "string" });
  assert.deepEqual(shape(v2, "definitions", port), { type: "string", format: "int-or-string" });
});

test("defaults are published in v3 only", () => {
  const minReplicas = ["properties", "spec", "properties", "minReplicas", "default"];
  assert.equal(get(v3, "components", "schemas", functionName, ...minReplicas), 1);
  assert.equal(get(v2, "definitions", functionName, ...minReplicas), undefined);
});

// API O-05
test("the same resources in another order give the same bytes", () => {
  const reversed = [...everything].reverse();
  assert.equal(JSON.stringify(buildOpenApiV2(schemas, reversed)), JSON.stringify(buildOpenApiV2(schemas, everything)));
});

test("a document per group version", () => {
  const documents = [...resourcesByDocument(everything)].map(([key, resources]) => [key, resources.length]);
  assert.deepEqual(documents, [
    ["api/v1", 1],
    ["apis/authorization.k8s.io/v1", 1],
    ["apis/compute.functionmesh.io/v1alpha1", 1],
  ]);
});

test("a resource without a schema is a mistake of ours, found when the document is built", () => {
  assert.throws(() => buildOpenApiV3(schemas, [{ ...functions, schemaName: "none" }]), /no schema named none/);
});
