import { createHash } from "node:crypto";
import {
  type Notation,
  type PublishedSchema,
  publishComponent,
  reachableSchemas,
  v2Notation,
  v3Notation,
} from "./components.ts";
import {
  basePath,
  type OpenApiResource,
  type Operation,
  type PathParameter,
  type Route,
  routesOf,
  versionRoute,
} from "./operations.ts";
import { type Parameter, type ParameterName, parameters } from "./parameters.ts";
import type { SchemaSet } from "./schema.ts";

/**
 * The OpenAPI documents of a set of resources (API section 2). Pure and deterministic: equal schemas and resources
 * give equal JSON, whatever the replica, so that hashes of it agree.
 */
export type { OpenApiResource, OpenApiSubresource, Verb } from "./operations.ts";

export type OpenApiV3Document = {
  openapi: "3.0.0";
  info: DocumentInfo;
  paths: { [path: string]: PublishedPath };
  components: { schemas: { [name: string]: PublishedSchema }; securitySchemes: object };
};

export type OpenApiV2Document = {
  swagger: "2.0";
  info: DocumentInfo;
  paths: { [path: string]: PublishedPath };
  definitions: { [name: string]: PublishedSchema };
  parameters: { [key: string]: object };
  securityDefinitions: object;
  security: object[];
};

export type DocumentInfo = { readonly title: string; readonly version: string };
type PublishedPath = { [methodOrParameters: string]: unknown };

const defaultInfo: DocumentInfo = { title: "Function Mesh", version: "unversioned" };
const bearerToken = {
  BearerToken: { type: "apiKey", name: "authorization", in: "header", description: "Bearer token" },
};

const meta = (type: string) => `io.k8s.apimachinery.pkg.apis.meta.v1.${type}`;
/** Types that stand for something in every group version (API O-55). */
const kindsOfEveryVersion: { readonly [schemaName: string]: string } = {
  [meta("DeleteOptions")]: "DeleteOptions",
  [meta("WatchEvent")]: "WatchEvent",
};

/** @returns the resources of each document of OpenAPI v3, by its key, e.g. `apis/apps/v1` or `api/v1` (API O-10) */
export function resourcesByDocument(
  resources: readonly OpenApiResource[],
): ReadonlyMap<string, readonly OpenApiResource[]> {
  const documents = new Map<string, OpenApiResource[]>();
  for (const resource of resources) {
    const key = basePath(resource).slice(1);
    documents.set(key, [...(documents.get(key) ?? []), resource]);
  }
  return new Map([...documents].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The OpenAPI v3 document of one group version.
 *
 * @param resources  those of one entry of `resourcesByDocument`
 * @throws Error when a resource names a schema that `schemas` doesn't have
 */
export function buildOpenApiV3(
  schemas: SchemaSet,
  resources: readonly OpenApiResource[],
  info: DocumentInfo = defaultInfo,
): OpenApiV3Document {
  const routes = routesOf(resources);
  return {
    openapi: "3.0.0",
    info,
    paths: Object.fromEntries(routes.map((route) => [route.path, pathV3(route)])),
    components: {
      schemas: components(schemas, resources, routes, v3Notation),
      securitySchemes: bearerToken,
    },
  };
}

/** The OpenAPI v2 document of everything that is served. Throws as `buildOpenApiV3` does. */
export function buildOpenApiV2(
  schemas: SchemaSet,
  resources: readonly OpenApiResource[],
  info: DocumentInfo = defaultInfo,
): OpenApiV2Document {
  const routes = [...routesOf(resources), versionRoute];
  return {
    swagger: "2.0",
    info,
    paths: Object.fromEntries(routes.map((route) => [route.path, pathV2(route)])),
    definitions: components(schemas, resources, routes, v2Notation),
    parameters: Object.fromEntries([...sharedKeys].map(([name, key]) => [key, parameterV2(name)])),
    securityDefinitions: bearerToken,
    security: [{ BearerToken: [] }],
  };
}

function components(
  schemas: SchemaSet,
  resources: readonly OpenApiResource[],
  routes: readonly Route[],
  notation: Notation,
): { [name: string]: PublishedSchema } {
  const operations = routes.flatMap((route) => route.operations);
  const roots = [
    ...operations.map(({ answer }) => answer.schemaName),
    ...operations.flatMap(({ body }) => (body === undefined ? [] : [body.schemaName])),
    ...Object.keys(kindsOfEveryVersion),
    meta("Status"),
  ];
  const published = reachableSchemas(schemas, roots).map(([name, schema]): [string, PublishedSchema] => {
    const kind = kindsOfEveryVersion[name];
    const component = publishComponent(name, schema, notation);
    if (kind === undefined) return [name, component];
    return [name, { ...component, "x-kubernetes-group-version-kind": inEveryVersion(kind, resources) }];
  });
  return Object.fromEntries(published);
}

function inEveryVersion(kind: string, resources: readonly OpenApiResource[]) {
  const versions = [{ group: "", version: "v1" }, ...resources];
  const byPath = new Map(
    versions.map(({ group, version }) => [basePath({ group, version }), { group, version, kind }]),
  );
  return [...byPath].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, groupVersionKind]) => groupVersionKind);
}

function extensions({ action, kind }: Operation) {
  return {
    ...(action !== undefined && { "x-kubernetes-action": action }),
    ...(kind !== undefined && { "x-kubernetes-group-version-kind": kind }),
  };
}

const reasonPhrases: { readonly [code: string]: string } = {
  200: "OK",
  201: "Created",
  202: "Accepted",
  401: "Unauthorized",
};

function responses({ answer }: Operation, success: object) {
  const codes = answer.codes.map((code) => [code, { description: reasonPhrases[code], ...success }]);
  return Object.fromEntries([...codes, ["401", { description: reasonPhrases[401] }]]);
}

function pathV3({ operations, pathParameters }: Route): PublishedPath {
  const shared = [...pathParameters.map(pathParameter), named("pretty")].map(parameterV3);
  return {
    ...Object.fromEntries(operations.map((operation) => [operation.method, operationV3(operation)])),
    parameters: shared,
  };
}

function operationV3(operation: Operation) {
  const { answer, body, description, id, parameters, tag } = operation;
  return {
    tags: [tag],
    description,
    operationId: id,
    ...(parameters.length > 0 && { parameters: parameters.map(named).map(parameterV3) }),
    ...(body !== undefined && {
      requestBody: { content: contentV3(body), ...(body.required && { required: true }) },
    }),
    responses: responses(operation, { content: contentV3(answer) }),
    ...extensions(operation),
  };
}

function contentV3({ schemaName, types }: { readonly schemaName: string; readonly types: readonly string[] }) {
  const schema = { $ref: v3Notation.refPrefix + schemaName };
  return Object.fromEntries([...types].sort().map((type) => [type, { schema }]));
}

type NamedParameter = Parameter & { readonly name: string };

function named(name: ParameterName): NamedParameter {
  return { name, ...parameters[name] };
}

function pathParameter(parameter: PathParameter): NamedParameter {
  if (parameter.name === "namespace") return named("namespace");
  return { name: parameter.name, in: "path", type: "string", description: parameter.description };
}

function parameterV3({ name, in: place, type, description }: NamedParameter) {
  return {
    name,
    in: place,
    description,
    ...(place === "path" && { required: true }),
    schema: { type, uniqueItems: true },
  };
}

/**
 * Written in place: kubectl looks for these by name and doesn't follow references (API O-25). The others are shared,
 * which halves the document.
 */
const inPlace: ReadonlySet<ParameterName> = new Set(["dryRun", "fieldValidation"]);
const parameterNames = Object.keys(parameters).filter((name): name is ParameterName => name in parameters);
const sharedParameters = parameterNames.filter((name) => !inPlace.has(name)).sort();

/** The aggregator merges the parameters of all servers into one map: a hash keeps ours apart from others' of the same name. */
const sharedKeys = new Map(
  sharedParameters.map((name) => {
    const hash = createHash("sha256")
      .update(JSON.stringify(named(name)))
      .digest("base64url");
    return [name, `${name}-${hash.slice(0, 8)}`];
  }),
);

function pathV2({ operations, pathParameters }: Route): PublishedPath {
  const shared = [
    ...pathParameters.map((parameter) =>
      parameter.name === "namespace" ? sharedReference("namespace") : flattened(pathParameter(parameter)),
    ),
    sharedReference("pretty"),
  ];
  return {
    ...Object.fromEntries(operations.map((operation) => [operation.method, operationV2(operation)])),
    parameters: shared,
  };
}

function operationV2(operation: Operation) {
  const { answer, body, description, id, tag } = operation;
  const schema = (name: string) => ({ $ref: v2Notation.refPrefix + name });
  const all = [
    ...(body === undefined
      ? []
      : [{ name: "body", in: "body", ...(body.required && { required: true }), schema: schema(body.schemaName) }]),
    ...operation.parameters.map((name) => (inPlace.has(name) ? parameterV2(name) : sharedReference(name))),
  ];
  return {
    description,
    consumes: body === undefined ? ["*/*"] : body.types,
    produces: answer.types,
    schemes: ["https"],
    tags: [tag],
    operationId: id,
    ...(all.length > 0 && { parameters: all }),
    responses: responses(operation, { schema: schema(answer.schemaName) }),
    ...extensions(operation),
  };
}

function sharedReference(name: ParameterName) {
  return { $ref: `#/parameters/${sharedKeys.get(name)}` };
}

function parameterV2(name: ParameterName) {
  return flattened(named(name));
}

function flattened({ name, in: place, type, description }: NamedParameter) {
  return { uniqueItems: true, type, description, name, in: place, ...(place === "path" && { required: true }) };
}
