/** Requests built to be expensive, as data: a row per route, verb, media type and what is much in it. */
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import {
  type Body,
  collections,
  functionWith,
  kindBodies,
  metadataBodies,
  parserBodies,
  parserBody,
  patchBodies,
  yamlBodies,
} from "./bodies.ts";

export type Shape = {
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Who asks. */
  readonly user: "anonymous" | "admin";
  /** The smallest size; 2, 4 and 8 times it are sent as well. */
  readonly n: number;
  readonly path: (n: number) => string;
  readonly headers?: (n: number) => { readonly [name: string]: string };
  readonly body?: Body;
};

const dryRun = "?dryRun=All";
const existing = `${collections.functions}/existing`;

const posted = (name: string, path: string, mediaType: string, n: number, body: Body): Shape => ({
  name,
  method: "POST",
  user: "admin",
  n,
  path: () => `${path}${dryRun}`,
  headers: () => ({ "content-type": mediaType }),
  body,
});

/** One kind of Kubernetes', one of ours, and one that is stored nowhere. */
const routes: {
  readonly [resource: string]: { readonly path: string; readonly object: (metadata: JsonObject) => JsonObject };
} = {
  configmaps: { path: collections.configmaps, object: (metadata) => ({ metadata: { name: "hostile", ...metadata } }) },
  functions: { path: collections.functions, object: (metadata) => functionWith({}, metadata) },
  reviews: {
    path: collections.selfsubjectaccessreviews,
    object: (metadata) => ({ metadata, spec: { resourceAttributes: { verb: "get", resource: "pods" } } }),
  },
};

function* writes(): Generator<Shape> {
  for (const [resource, { path, object }] of Object.entries(routes)) {
    for (const [what, { n, metadata }] of Object.entries(metadataBodies)) {
      yield posted(`POST ${resource}, JSON: ${what}`, path, "application/json", n, (count) =>
        JSON.stringify(object(metadata(count))),
      );
    }
    for (const [what, { n, members }] of Object.entries(parserBodies)) {
      yield posted(`POST ${resource}, JSON: ${what}`, path, "application/json", n, parserBody(object({}), members));
    }
    for (const [what, { n, body }] of Object.entries(yamlBodies)) {
      yield posted(`POST ${resource}, YAML: ${what}`, path, "application/yaml", n, body);
    }
  }
  for (const [what, { resource, n, object }] of Object.entries(kindBodies)) {
    yield posted(`POST ${resource}: ${what}`, collections[resource], "application/json", n, (count) =>
      JSON.stringify(object(count)),
    );
  }
}

function* changes(): Generator<Shape> {
  const common = { user: "admin", path: () => `${existing}${dryRun}` } as const;
  for (const [what, { type, n, body }] of Object.entries(patchBodies)) {
    const query = type === "application/apply-patch+yaml" ? "&fieldManager=limits&force=true" : "";
    const path = () => `${existing}${dryRun}${query}`;
    yield {
      ...common,
      name: `PATCH function: ${what}`,
      method: "PATCH",
      n,
      path,
      headers: () => ({ "content-type": type }),
      body,
    };
  }
  const json = () => ({ "content-type": "application/json" });
  const replaced = (n: number): string =>
    JSON.stringify({ ...functionWith({ funcConfig: { l: Array(n).fill(0) } }), metadata: { name: "existing" } });
  yield { ...common, name: "PUT function: numbers", method: "PUT", n: 80_000, headers: json, body: replaced };
  const scale = (n: number): string =>
    `{"metadata":{"name":"existing"},"spec":{"replicas":1},"x":[${"0,".repeat(n)}0]}`;
  const scalePath = () => `${existing}/scale${dryRun}`;
  yield {
    ...common,
    name: "PUT scale: unknown numbers",
    method: "PUT",
    path: scalePath,
    n: 80_000,
    headers: json,
    body: scale,
  };
  const options = (n: number): string => JSON.stringify({ dryRun: Array(n).fill("All") });
  yield { ...common, name: "DELETE function: options", method: "DELETE", n: 30_000, headers: json, body: options };
  const collection = { ...common, method: "DELETE", path: () => `${collections.configmaps}${dryRun}` } as const;
  yield { ...collection, name: "DELETE configmaps: all of them", n: 1 };
  yield {
    ...collection,
    name: "DELETE configmaps: terms of a label selector",
    n: 1200,
    path: (n) => `${collections.configmaps}${dryRun}&labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`,
  };
}

/** `count` texts of one piece each. */
const joined = (count: number, piece: (i: number) => string, separator = ","): string =>
  Array.from({ length: count }, (_, i) => piece(i)).join(separator);

/** Nobody knows yet who sends these. */
const strangers: readonly Omit<Shape, "method" | "user">[] = [
  { name: "digits of a timeout", n: 100_000, path: (n) => `/livez?timeout=${"1".repeat(n)}` },
  { name: "units of a timeout", n: 50_000, path: (n) => `/livez?timeout=${"1s".repeat(n)}x` },
  { name: "parameters", n: 60_000, path: (n) => `/api/v1/namespaces/x/secrets?${"a&".repeat(n)}` },
  { name: "parameters of one name", n: 60_000, path: (n) => `/api/v1/pods?${joined(n / 8, () => "dryRun=All", "&")}` },
  { name: "segments of a path", n: 60_000, path: (n) => `/apis/a/b${"/a".repeat(n)}` },
  { name: "escapes of a path", n: 30_000, path: (n) => `/api/v1/${"%61".repeat(n)}` },
  { name: "slashes", n: 100_000, path: (n) => `/${"/".repeat(n)}` },
  {
    name: "terms of a field selector",
    n: 5000,
    path: (n) => `/api/v1/pods?fieldSelector=${joined(n, (i) => `metadata.name!%3Dx${i}`)}`,
  },
  { name: "clauses of Accept", n: 30_000, path: () => "/livez", headers: (n) => ({ accept: joined(n, () => "a/b") }) },
  {
    name: "parameters of Accept",
    n: 30_000,
    path: () => "/livez",
    headers: (n) => ({ accept: `a/b${";a=b".repeat(n)}` }),
  },
  {
    name: "codings",
    n: 30_000,
    path: () => "/openapi/v2",
    headers: (n) => ({ "accept-encoding": joined(n, () => "br;q=1") }),
  },
  {
    name: "entity tags",
    n: 30_000,
    path: () => "/openapi/v2",
    headers: (n) => ({ "if-none-match": joined(n, () => '"a"') }),
  },
  {
    name: "a content type",
    n: 60_000,
    path: () => "/livez",
    headers: (n) => ({ "content-type": `a/b${";a".repeat(n)}` }),
  },
  { name: "a token", n: 80_000, path: () => "/api", headers: (n) => ({ authorization: `Bearer ${"a.".repeat(n)}` }) },
  { name: "a user to be", n: 80_000, path: () => "/api", headers: (n) => ({ "impersonate-user": "a:".repeat(n) }) },
  { name: "a user agent", n: 80_000, path: () => "/livez", headers: (n) => ({ "user-agent": "a/".repeat(n) }) },
];

/** These may read. */
const readers: readonly Omit<Shape, "method" | "user">[] = [
  {
    name: "terms of a label selector",
    n: 1200,
    path: (n) => `${collections.configmaps}?labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`,
  },
  {
    name: "too many terms",
    n: 7000,
    path: (n) => `${collections.configmaps}?labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`,
  },
  {
    name: "terms on one label",
    n: 1200,
    path: (n) => `${collections.configmaps}?labelSelector=${joined(n, (i) => `k!%3Dv${i}`)}`,
  },
  {
    name: "values of a set",
    n: 1200,
    path: (n) => `${collections.configmaps}?labelSelector=k+in+(${joined(n, (i) => `v${i}`)})`,
  },
  {
    name: "terms of a field selector",
    n: 1200,
    path: (n) => `${collections.configmaps}?fieldSelector=${joined(n, (i) => `metadata.name!%3Dx${i}`)}`,
  },
  {
    name: "a watch with initial events",
    n: 1,
    path: () => `${collections.configmaps}?watch=1&resourceVersion=0&timeoutSeconds=1`,
  },
  {
    name: "terms of a watch's selector",
    n: 1200,
    path: (n) => `${collections.configmaps}?watch=1&timeoutSeconds=1&labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`,
  },
  { name: "a continue token", n: 80_000, path: (n) => `${collections.configmaps}?continue=${"a".repeat(n)}` },
  { name: "a resource version", n: 80_000, path: (n) => `${collections.configmaps}?resourceVersion=${"1".repeat(n)}` },
  { name: "a field manager", n: 80_000, path: (n) => `${collections.configmaps}?fieldManager=${"a".repeat(n)}` },
  { name: "a name", n: 80_000, path: (n) => `${collections.configmaps}/${"a".repeat(n)}` },
  { name: "a large object, indented", n: 1, path: () => `${existing}?pretty=1` },
  { name: "a large object as YAML", n: 1, path: () => existing, headers: () => ({ accept: "application/yaml" }) },
  {
    name: "a list as a Table",
    n: 1,
    path: () => collections.configmaps,
    headers: () => ({ accept: "application/json;as=Table;v=v1;g=meta.k8s.io" }),
  },
  {
    name: "groups to be in",
    n: 50,
    path: () => "/api",
    headers: (n) => ({ "impersonate-user": "a", "impersonate-extra-x": "y".repeat(1000 * n) }),
  },
];

export const shapes: readonly Shape[] = [
  ...strangers.map(
    (shape): Shape => ({ ...shape, name: `anonymous GET: ${shape.name}`, method: "GET", user: "anonymous" }),
  ),
  ...readers.map((shape): Shape => ({ ...shape, name: `GET: ${shape.name}`, method: "GET", user: "admin" })),
  ...changes(),
  ...writes(),
];
