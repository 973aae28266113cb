import { type Action, type ParameterName, parametersOf } from "./parameters.ts";
import { versionSchemaName } from "./schemas/version.ts";

/** One served resource, as far as the documents tell of it. */
export type OpenApiResource = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural, as in URLs. */
  readonly resource: string;
  readonly namespaced: boolean;
  /** Component name of the kind's schema; its list is `${schemaName}List`. */
  readonly schemaName: string;
  readonly verbs: readonly Verb[];
  readonly subresources: readonly OpenApiSubresource[];
  /** Media types that PATCH accepts, of the object and of its subresources (API O-26). */
  readonly patchTypes: readonly string[];
  /** Bodies may also come as Kubernetes' protobuf. */
  readonly acceptsProtobuf?: boolean;
};

export type OpenApiSubresource = {
  /** Last segment of the path, e.g. `status`. */
  readonly name: string;
  /** Kind of its bodies, e.g. `autoscaling/v1 Scale`. */
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly schemaName: string;
  readonly verbs: readonly Verb[];
};

/** As in discovery. */
export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

export type Method = "get" | "put" | "post" | "delete" | "patch";

/** A path of the documents, in neither version's notation yet. */
export type Route = {
  readonly path: string;
  readonly pathParameters: readonly PathParameter[];
  readonly operations: readonly Operation[];
};
export type PathParameter = { readonly name: "namespace" } | { readonly name: "name"; readonly description: string };

export type Operation = {
  readonly method: Method;
  readonly id: string;
  readonly tag: string;
  readonly description: string;
  readonly action?: Action;
  readonly kind?: { readonly group: string; readonly version: string; readonly kind: string };
  readonly parameters: readonly ParameterName[];
  readonly body?: { readonly schemaName: string; readonly required: boolean; readonly types: readonly string[] };
  readonly answer: {
    readonly schemaName: string;
    readonly codes: readonly string[];
    readonly types: readonly string[];
  };
};

const meta = (type: string) => `io.k8s.apimachinery.pkg.apis.meta.v1.${type}`;
const plainTypes = ["application/json", "application/yaml"];
const protobuf = "application/vnd.kubernetes.protobuf";

/** Routes of all resources and of the discovery documents above them, in order of path. */
export function routesOf(resources: readonly OpenApiResource[]): Route[] {
  const routes = new Map<string, Route>();
  const add = (route: Route) => routes.set(route.path, mergeRoutes(routes.get(route.path), route));
  for (const resource of resources) {
    discoveryRoutes(resource).forEach(add);
    resourceRoutes(resource).forEach(add);
  }
  return [...routes.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Of no group: only the document of everything has it. Generated clients ask for it with a slash at its end. */
export const versionRoute: Route = {
  path: "/version/",
  pathParameters: [],
  operations: [
    {
      method: "get",
      id: "getCodeVersion",
      tag: "version",
      description: "Get the version of the server.",
      parameters: [],
      answer: { schemaName: versionSchemaName, codes: ["200"], types: ["application/json"] },
    },
  ],
};

/** A cluster-scoped collection is written once as the list and once as the collection; discovery once per resource. */
function mergeRoutes(known: Route | undefined, added: Route): Route {
  if (known === undefined) return added;
  const operations = new Map([...known.operations, ...added.operations].map((operation) => [operation.id, operation]));
  return { ...known, operations: [...operations.values()] };
}

/** @returns `/api/v1` or `/apis/<group>/<version>`; without the leading slash this is the document's key (API O-10) */
export function basePath({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
}

function discoveryRoutes(resource: OpenApiResource): Route[] {
  const { group } = resource;
  const names = idParts(resource);
  const read = { method: "get", parameters: [] } as const;
  const resources: Operation = {
    ...read,
    id: `get${names.groupVersion}APIResources`,
    tag: names.tag,
    description: "List the resources of this group and version.",
    answer: { schemaName: meta("APIResourceList"), codes: ["200"], types: plainTypes },
  };
  const versions: Operation = {
    ...read,
    id: `get${names.group}APIGroup`,
    tag: names.groupTag,
    description: "List the versions of this group.",
    answer: { schemaName: meta("APIGroup"), codes: ["200"], types: plainTypes },
  };
  const ofVersion = { path: `${basePath(resource)}/`, pathParameters: [], operations: [resources] };
  return group === ""
    ? [ofVersion]
    : [ofVersion, { path: `/apis/${group}/`, pathParameters: [], operations: [versions] }];
}

function resourceRoutes(resource: OpenApiResource): Route[] {
  const { kind, namespaced, resource: plural } = resource;
  const base = basePath(resource);
  const scope: PathParameter[] = namespaced ? [{ name: "namespace" }] : [];
  const collection = `${base}${namespaced ? "/namespaces/{namespace}" : ""}/${plural}`;
  const named = (of: string): PathParameter[] => [{ name: "name", description: `Name of the ${of}.` }, ...scope];
  const routes: Route[] = [
    { path: collection, pathParameters: scope, operations: operations(resource, collectionActions) },
    { path: `${collection}/{name}`, pathParameters: named(kind), operations: operations(resource, itemActions) },
    ...resource.subresources.map((subresource) => ({
      path: `${collection}/{name}/${subresource.name}`,
      pathParameters: named(subresource.kind.kind),
      operations: operations(resource, subresourceActions, subresource),
    })),
  ];
  if (namespaced && resource.verbs.includes("list")) {
    routes.push({ path: `${base}/${plural}`, pathParameters: [], operations: [listEverywhere(resource)] });
  }
  return routes.filter((route) => route.operations.length > 0);
}

type ActionRow = { readonly verb: Verb; readonly method: Method; readonly action: Action; readonly idVerb: string };

const collectionActions: readonly ActionRow[] = [
  { verb: "list", method: "get", action: "list", idVerb: "list" },
  { verb: "create", method: "post", action: "post", idVerb: "create" },
  { verb: "deletecollection", method: "delete", action: "deletecollection", idVerb: "delete" },
];
const itemActions: readonly ActionRow[] = [
  { verb: "get", method: "get", action: "get", idVerb: "read" },
  { verb: "update", method: "put", action: "put", idVerb: "replace" },
  { verb: "delete", method: "delete", action: "delete", idVerb: "delete" },
  { verb: "patch", method: "patch", action: "patch", idVerb: "patch" },
];
const subresourceActions: readonly ActionRow[] = [
  ...itemActions,
  { verb: "create", method: "post", action: "post", idVerb: "create" },
];

const described: { readonly [action in Action]: (kind: string) => string } = {
  list: (kind) => `List or watch objects of kind ${kind}.`,
  get: (kind) => `Read the ${kind}.`,
  post: (kind) => `Create a ${kind}.`,
  put: (kind) => `Replace the ${kind}.`,
  patch: (kind) => `Change parts of the ${kind}.`,
  delete: (kind) => `Delete the ${kind}.`,
  deletecollection: (kind) => `Delete the objects of kind ${kind} that the query selects.`,
};

/** Status codes of success (API O-29). */
const codes: { readonly [action in Action]: readonly string[] } = {
  list: ["200"],
  get: ["200"],
  post: ["200", "201", "202"],
  put: ["200", "201"],
  patch: ["200", "201"],
  delete: ["200", "202"],
  deletecollection: ["200"],
};

function operations(
  resource: OpenApiResource,
  rows: readonly ActionRow[],
  subresource?: OpenApiSubresource,
): Operation[] {
  const { verbs } = subresource ?? resource;
  return rows.filter(({ verb }) => verbs.includes(verb)).map((row) => operation(resource, row, subresource));
}

function operation(resource: OpenApiResource, row: ActionRow, subresource?: OpenApiSubresource): Operation {
  const { action, method, idVerb } = row;
  const names = idParts(resource);
  const collection = action === "deletecollection" ? "Collection" : "";
  const scope = resource.namespaced ? "Namespaced" : "";
  const suffix = subresource === undefined ? "" : capitalise(subresource.name);
  const { group, version, kind } = subresource?.kind ?? resource;
  const subject = subresource === undefined ? resource.kind : `${subresource.name} of the ${resource.kind}`;
  const { schemaName } = subresource ?? resource;
  const body = bodyOf(action, schemaName, resource);
  return {
    method,
    id: `${idVerb}${names.groupVersion}${collection}${scope}${resource.kind}${suffix}`,
    tag: names.tag,
    description: described[action](subject),
    action,
    kind: { group, version, kind },
    parameters: parametersOf[action],
    ...(body !== undefined && { body }),
    answer: {
      schemaName: answerSchema(action, schemaName),
      codes: codes[action],
      types: action === "list" ? listTypes(resource) : plainTypes,
    },
  };
}

function listEverywhere(resource: OpenApiResource): Operation {
  const { group, version, kind } = resource;
  const names = idParts(resource);
  return {
    method: "get",
    id: `list${names.groupVersion}${kind}ForAllNamespaces`,
    tag: names.tag,
    description: described.list(kind),
    action: "list",
    kind: { group, version, kind },
    parameters: parametersOf.list,
    answer: { schemaName: `${resource.schemaName}List`, codes: codes.list, types: listTypes(resource) },
  };
}

function listTypes({ verbs }: OpenApiResource): string[] {
  return verbs.includes("watch") ? [...plainTypes, "application/json;stream=watch"] : plainTypes;
}

function bodyOf(action: Action, schemaName: string, resource: OpenApiResource): Operation["body"] {
  const types = resource.acceptsProtobuf ? [...plainTypes, protobuf] : plainTypes;
  switch (action) {
    case "post":
    case "put":
      return { schemaName, required: true, types };
    case "patch":
      return { schemaName: meta("Patch"), required: true, types: resource.patchTypes };
    case "delete":
    case "deletecollection":
      return { schemaName: meta("DeleteOptions"), required: false, types };
    case "get":
    case "list":
      return undefined;
  }
}

function answerSchema(action: Action, schemaName: string): string {
  if (action === "list") return `${schemaName}List`;
  return action === "delete" || action === "deletecollection" ? meta("Status") : schemaName;
}

/** Without the suffix these would have the name of another group. */
const groupsKeptWhole: ReadonlySet<string> = new Set(["autoscaling.k8s.io"]);

/** `compute.functionmesh.io/v1alpha1` → `ComputeFunctionmeshIo`, `…V1alpha1`, `computeFunctionmeshIo_v1alpha1` (API O-23, O-24). */
function idParts({ group, version }: { readonly group: string; readonly version: string }) {
  const short = groupsKeptWhole.has(group) ? group : group.replace(/\.k8s\.io$/, "");
  const name = (short === "" ? "core" : short).split(/[.-]/).map(capitalise).join("");
  const groupTag = name.charAt(0).toLowerCase() + name.slice(1);
  return { group: name, groupVersion: name + capitalise(version), groupTag, tag: `${groupTag}_${version}` };
}

function capitalise(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
