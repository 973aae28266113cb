import assert from "node:assert/strict";
import { test } from "node:test";
import { isRef, ref, resolve, type Schema, type SchemaOrRef } from "../schema.ts";
import { loadCoreSchemas } from "./load.ts";

const schemas = loadCoreSchemas();
const core = (type: string) => `io.k8s.api.core.v1.${type}`;
const meta = (type: string) => `io.k8s.apimachinery.pkg.apis.meta.v1.${type}`;
const quantity = ref("io.k8s.apimachinery.pkg.api.resource.Quantity");

function schemaOf(name: string): Schema {
  return resolve(schemas, ref(name));
}

function propertyOf(name: string, property: string): SchemaOrRef {
  const schema = schemaOf(name).properties?.[property];
  assert.ok(schema, `${name} has no ${property}`);
  return schema;
}

function withoutDescription({ description: _, ...rest }: SchemaOrRef): SchemaOrRef {
  return rest;
}

/** Every list below a schema's own properties, with where it is. */
function* listsOf(schema: SchemaOrRef, path: string): Generator<[path: string, list: Schema]> {
  if (isRef(schema)) return;
  if (schema.type === "array") yield [path, schema];
  for (const [name, child] of Object.entries(schema.properties ?? {})) yield* listsOf(child, `${path}.${name}`);
  if (schema.items !== undefined) yield* listsOf(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object") yield* listsOf(schema.additionalProperties, `${path}{}`);
}
const lists = [...schemas].flatMap(([name, schema]) => [...listsOf(schema, name)]);

test("every reference leads to a schema", () => {
  for (const schema of schemas.values()) {
    for (const child of Object.values(schema.properties ?? {})) assert.ok(resolve(schemas, child));
  }
});

// API O-46
test("lists by key name keys that their entries have; strategic merge patch goes by such a key, too", () => {
  for (const [path, list] of lists) {
    const mergeKey = list["x-kubernetes-patch-merge-key"];
    const keys = [...(list["x-kubernetes-list-map-keys"] ?? []), ...(mergeKey === undefined ? [] : [mergeKey])];
    if (keys.length === 0) continue;
    assert.ok(list.items, path);
    const entry = resolve(schemas, list.items);
    for (const key of keys) assert.ok(entry.properties?.[key], `${path}: ${key}`);
  }
});

// API O-44
test("lists say how they merge, but those of the few types that are never applied", () => {
  const silent = lists.filter(
    ([path, list]) => list["x-kubernetes-list-type"] === undefined && !/List\.items$/.test(path),
  );
  assert.deepEqual(
    silent.map(([path]) => path),
    [
      "io.k8s.api.authentication.v1.TokenRequestSpec.attestations{}",
      "io.k8s.api.authentication.v1.UserInfo.extra{}",
      "io.k8s.api.authorization.v1.SubjectAccessReviewSpec.extra{}",
      meta("APIResource.verbs"),
    ],
  );
});

const kindCases: Record<string, { group: string; version: string; kind: string }> = {
  [core("Pod")]: { group: "", version: "v1", kind: "Pod" },
  [core("PodList")]: { group: "", version: "v1", kind: "PodList" },
  "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler": {
    group: "autoscaling",
    version: "v1",
    kind: "HorizontalPodAutoscaler",
  },
  "io.k8s.api.events.v1.Event": { group: "events.k8s.io", version: "v1", kind: "Event" },
  [meta("Status")]: { group: "", version: "v1", kind: "Status" },
};
for (const [name, kind] of Object.entries(kindCases)) {
  // API O-40
  test(`${name} carries its group, version and kind`, () => {
    assert.deepEqual(schemaOf(name)["x-kubernetes-group-version-kind"], [kind]);
  });
}

const fieldCases: Record<string, { of: string; field: string; schema: SchemaOrRef }> = {
  "a list by key": {
    of: core("Container"),
    field: "env",
    schema: {
      type: "array",
      items: ref(core("EnvVar")),
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      "x-kubernetes-patch-merge-key": "name",
      "x-kubernetes-patch-strategy": "merge",
      "x-functionmesh-duplicates": "tolerated",
    },
  },
  "a list by two keys": {
    of: core("ServiceSpec"),
    field: "ports",
    schema: {
      type: "array",
      items: ref(core("ServicePort")),
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["port", "protocol"],
      "x-kubernetes-patch-merge-key": "port",
      "x-kubernetes-patch-strategy": "merge",
      "x-functionmesh-duplicates": "tolerated",
    },
  },
  "an atomic list": {
    of: core("Container"),
    field: "command",
    schema: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "atomic" },
  },
  "a set": {
    of: meta("ObjectMeta"),
    field: "finalizers",
    schema: {
      type: "array",
      items: { type: "string" },
      "x-kubernetes-list-type": "set",
      "x-kubernetes-patch-strategy": "merge",
      "x-functionmesh-duplicates": "tolerated",
    },
  },
  "the items of a list kind": {
    of: core("PodList"),
    field: "items",
    schema: { type: "array", items: ref(core("Pod")) },
  },
  "a map of quantities": {
    of: core("ResourceRequirements"),
    field: "limits",
    schema: { type: "object", additionalProperties: quantity },
  },
  "a key with a default": {
    of: core("ContainerPort"),
    field: "protocol",
    schema: { type: "string", enum: ["SCTP", "TCP", "UDP"], default: "TCP" },
  },
  "a default that Go's zero value is, which is none": {
    of: core("ContainerPort"),
    field: "containerPort",
    schema: { type: "integer", format: "int32", "x-functionmesh-always": true },
  },
  "a word of a controller, which is no closed set": {
    of: core("PodStatus"),
    field: "phase",
    schema: { type: "string" },
  },
  "a map of bytes": {
    of: core("Secret"),
    field: "data",
    schema: { type: "object", additionalProperties: { type: "string", format: "byte" } },
  },
  "a list of integers": {
    of: core("PodSecurityContext"),
    field: "supplementalGroups",
    schema: { type: "array", items: { type: "integer", format: "int64" }, "x-kubernetes-list-type": "atomic" },
  },
  "a port by number or name": {
    of: core("HTTPGetAction"),
    field: "port",
    schema: ref("io.k8s.apimachinery.pkg.util.intstr.IntOrString"),
  },
  "a point in time": { of: meta("ObjectMeta"), field: "creationTimestamp", schema: ref(meta("Time")) },
  "a point in time in microseconds": {
    of: "io.k8s.api.coordination.v1.LeaseSpec",
    field: "renewTime",
    schema: ref(meta("MicroTime")),
  },
  "a free-form tree": { of: meta("ManagedFieldsEntry"), field: "fieldsV1", schema: ref(meta("FieldsV1")) },
  "an atomic map": {
    of: core("PodSpec"),
    field: "nodeSelector",
    schema: { type: "object", additionalProperties: { type: "string" }, "x-kubernetes-map-type": "atomic" },
  },
  "a strategy of a reference": {
    of: "io.k8s.api.apps.v1.StatefulSetSpec",
    field: "template",
    schema: { ...ref(core("PodTemplateSpec")), "x-functionmesh-always": true },
  },
};
for (const [name, { of, field, schema }] of Object.entries(fieldCases)) {
  test(`generated: ${name}`, () => assert.deepEqual(withoutDescription(propertyOf(of, field)), schema));
}

test("what Kubernetes requires is required", () => {
  assert.deepEqual(schemaOf(core("Container")).required, ["name"]);
  assert.deepEqual(schemaOf(core("VolumeMount")).required?.toSorted(), ["mountPath", "name"]);
  assert.deepEqual(schemaOf(meta("OwnerReference")).required?.toSorted(), ["apiVersion", "kind", "name", "uid"]);
  assert.equal(schemaOf(core("Pod")).required, undefined);
});

// API O-42
test("types and fields are described", () => {
  for (const type of [core("Pod"), core("PodList"), meta("Status")]) {
    assert.ok(schemaOf(type).description);
    assert.ok(propertyOf(type, "metadata").description);
  }
  assert.ok(propertyOf(core("PodSpec"), "affinity").description, "references, too");
});
