/** Requests built to be expensive, as data: a row per route, verb, media type and what is much in it. */
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import {
  type Body,
  type Bytes,
  collections,
  functionWith,
  kindBodies,
  list,
  metadataBodies,
  namespace,
  parserBodies,
  parserBody,
  patchBodies,
  yamlBodies,
} from "./bodies.ts";
import { type Message, protobufBody } from "./protobuf.ts";

export type Shape = {
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Who asks. */
  readonly user: "anonymous" | "admin" | "proxied";
  /** The smallest size; 2, 4 and 8 times it are sent as well. */
  readonly n: number;
  readonly path: (n: number) => string;
  readonly headers?: (n: number) => { readonly [name: string]: string };
  readonly body?: Body | Bytes;
  /** Default: HTTP/1.1. */
  readonly over?: "http/2" | "websocket";
};

const dryRun = "?dryRun=All";
const existing = `${collections.functions}/existing`;

const posted = (name: string, path: string, mediaType: string, n: number, body: Body | Bytes): Shape => ({
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
  for (const [part, spec] of [
    ["status", { status: { conditions: {} } }],
    ["scale", { spec: { replicas: 1 } }],
  ] as const) {
    for (const type of ["application/merge-patch+json", "application/json-patch+json"]) {
      const merged = (n: number): string =>
        JSON.stringify({ ...spec, metadata: { labels: Object.fromEntries(list(n, (i) => [`k${i}`, "v"])) } });
      const operations = (n: number): string =>
        JSON.stringify(list(n, (i) => ({ op: "add", path: "/metadata/labels", value: { [`k${i}`]: "v" } })));
      yield {
        ...common,
        name: `PATCH ${part}, ${type}: labels`,
        method: "PATCH",
        path: () => `${existing}/${part}${dryRun}`,
        n: 1000,
        headers: () => ({ "content-type": type }),
        body: type.includes("json-patch") ? operations : merged,
      };
    }
  }
  yield {
    ...common,
    name: "PUT status: conditions",
    method: "PUT",
    path: () => `${existing}/status${dryRun}`,
    n: 1000,
    headers: json,
    body: (n) =>
      JSON.stringify({
        ...functionWith({}, { name: "existing" }),
        status: { conditions: Object.fromEntries(list(n, (i) => [`C${i}`, { condition: "x", status: "True" }])) },
      }),
  };
  yield {
    ...common,
    name: "POST token: audiences",
    method: "POST",
    path: () => `/api/v1/namespaces/${namespace}/serviceaccounts/existing/token`,
    n: 2000,
    headers: json,
    body: (n) => JSON.stringify({ spec: { audiences: list(n, (i) => `a${i}`) } }),
  };
  yield {
    ...common,
    name: "DELETE function, YAML: options",
    method: "DELETE",
    n: 2500,
    headers: () => ({ "content-type": "application/yaml" }),
    body: (n) => `dryRun: [All]\n${list(n, (i) => `a${i}: 1\n`).join("")}`,
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

/** Every character as a path may have it. */
const escaped = (text: string): string => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join("");

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

const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

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
  { name: "a name that nothing has", n: 80_000, path: (n) => `${collections.configmaps}/${"a".repeat(n)}` },
  {
    name: "an object by its escaped name, beside a long parameter",
    n: 80_000,
    path: (n) => `${collections.functions}/${escaped("existing")}?x=${"%61".repeat(n / 3)}`,
  },
  { name: "a large object, indented", n: 1, path: () => `${existing}?pretty=1` },
  { name: "a large object as YAML", n: 1, path: () => existing, headers: () => ({ accept: "application/yaml" }) },
  ...Object.entries({
    "a Table": { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
    "metadata alone": { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" },
    YAML: { accept: "application/yaml" },
    gzip: { "accept-encoding": "gzip" },
    protobuf: { accept: "application/vnd.kubernetes.protobuf" },
  }).map(([form, headers]) => ({
    name: `a list as ${form}`,
    n: 1,
    path: () => collections.configmaps,
    headers: () => headers,
  })),
  { name: "a list, indented", n: 1, path: () => `${collections.configmaps}?pretty=1` },
  { name: "a list of Functions as a Table", n: 1, path: () => collections.functions, headers: () => asTable },
  {
    name: "a watch as a Table",
    n: 1,
    path: () => `${collections.configmaps}?watch=1&resourceVersion=0&timeoutSeconds=1`,
    headers: () => asTable,
  },
  {
    name: "a watch over a WebSocket",
    n: 1,
    path: () => `${collections.configmaps}?watch=1&resourceVersion=0&timeoutSeconds=1`,
    over: "websocket",
  },
  {
    name: "terms of a selector over a WebSocket",
    n: 1200,
    path: (n) => `${collections.configmaps}?watch=1&timeoutSeconds=1&labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`,
    over: "websocket",
  },
  {
    name: "protocols of a WebSocket",
    n: 5000,
    path: () => `${collections.configmaps}?watch=1&timeoutSeconds=1`,
    headers: (n) => ({ "sec-websocket-protocol": joined(n, (i) => `p${i}`) }),
    over: "websocket",
  },
  ...["/openapi/v2", "/openapi/v3", "/apis", "/metrics", "/readyz?verbose", "/version"].map((path) => ({
    name: path,
    n: 1,
    path: () => path,
  })),
  {
    name: "discovery as one document",
    n: 1,
    path: () => "/apis",
    headers: () => ({ accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" }),
  },
  {
    name: "groups to be in",
    n: 50,
    path: () => "/api",
    headers: (n) => ({ "impersonate-user": "a", "impersonate-extra-x": "y".repeat(1000 * n) }),
  },
];

const withKeys = (n: number): string =>
  JSON.stringify(functionWith({ funcConfig: Object.fromEntries(list(n, (i) => [`k${i}`, 0])) }));
const json = { "content-type": "application/json" };

/** What a protobuf reader makes of little. */
function* protobufs(): Generator<Shape> {
  const mediaType = "application/vnd.kubernetes.protobuf";
  const configMap = (more: Message, data: Message = {}): Buffer =>
    protobufBody("v1", "ConfigMap", { 1: { 1: "hostile", ...more }, ...data });
  const pair = (i: number): Message => ({ 1: `k${i}`, 2: "v" });
  const bodies: { readonly [what: string]: { readonly n: number; readonly body: Bytes } } = {
    labels: { n: 600, body: (n) => configMap({ 11: list(n, pair) }) },
    finalizers: { n: 2000, body: (n) => configMap({ 14: list(n, (i) => `a/f${i}`) }) },
    "empty owners": { n: 6000, body: (n) => configMap({ 13: list(n, () => ({})) }) },
    "empty managers": { n: 6000, body: (n) => configMap({ 17: list(n, () => ({})) }) },
    data: { n: 2000, body: (n) => configMap({}, { 2: list(n, pair) }) },
    "unknown fields": { n: 20_000, body: (n) => configMap({}, { 99: list(n, () => "") }) },
  };
  for (const [what, { n, body }] of Object.entries(bodies)) {
    yield posted(`POST configmaps, protobuf: ${what}`, collections.configmaps, mediaType, n, body);
  }
  const set = (spec: Message): Buffer =>
    protobufBody("apps/v1", "StatefulSet", { 1: { 1: "hostile" }, 2: { 3: { 2: spec }, 5: "x" } });
  const container = { 1: "c", 2: "i" };
  const sets: { readonly [what: string]: { readonly n: number; readonly body: Bytes } } = {
    "empty containers": { n: 2400, body: (n) => set({ 2: list(n, () => ({})) }) },
    variables: { n: 600, body: (n) => set({ 2: { ...container, 7: list(n, (i) => ({ 1: `V${i}`, 2: "x" })) } }) },
  };
  for (const [what, { n, body }] of Object.entries(sets)) {
    yield posted(`POST statefulsets, protobuf: ${what}`, collections.statefulsets, mediaType, n, body);
  }
}

/** On one stream of a connection. */
function* streams(): Generator<Shape> {
  const common = { user: "admin", over: "http/2" } as const;
  const selector = (n: number): string => `labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`;
  const path = () => `${collections.functions}${dryRun}`;
  yield { ...common, name: "HTTP/2 POST: keys", method: "POST", n: 2400, path, headers: () => json, body: withKeys };
  yield { ...common, name: "HTTP/2 GET: all", method: "GET", n: 1, path: () => collections.configmaps };
  const selected = (n: number): string => `${collections.configmaps}?${selector(n)}`;
  yield { ...common, name: "HTTP/2 GET: terms", method: "GET", n: 500, path: selected };
  const headers = (n: number) => ({ accept: "a".repeat(n) });
  yield { ...common, name: "HTTP/2 GET: a long header", method: "GET", n: 20_000, path: () => "/livez", headers };
}

/** By a front proxy, which says who asks. */
function* proxied(): Generator<Shape> {
  const common = { user: "proxied" } as const;
  const paths = () => `${collections.functions}${dryRun}`;
  const bodies: { readonly [what: string]: { readonly n: number; readonly body: Body } } = {
    keys: { n: 2400, body: withKeys },
    owners: {
      n: 600,
      body: (n) =>
        JSON.stringify(
          functionWith(
            {},
            { ownerReferences: list(n, (i) => ({ apiVersion: "v1", kind: "ConfigMap", name: `n${i}`, uid: `u${i}` })) },
          ),
        ),
    },
    variables: {
      n: 600,
      body: (n) => JSON.stringify(functionWith({ pod: { env: list(n, (i) => ({ name: `V${i}`, value: "x" })) } })),
    },
  };
  for (const [what, { n, body }] of Object.entries(bodies)) {
    yield {
      ...common,
      name: `proxied POST function: ${what}`,
      method: "POST",
      n,
      path: paths,
      headers: () => json,
      body,
    };
  }
  const all = () => collections.functions;
  const groups = (n: number) => Object.fromEntries(list(n, (i) => [`x-remote-extra-k${i}`, "v"]));
  yield {
    ...common,
    name: "proxied GET: a long user",
    method: "GET",
    n: 80_000,
    path: all,
    headers: (n) => ({ "x-remote-user": "a:".repeat(n) }),
  };
  yield { ...common, name: "proxied GET: extra values", method: "GET", n: 200, path: all, headers: groups };
  yield {
    ...common,
    name: "proxied GET: a long group",
    method: "GET",
    n: 80_000,
    path: all,
    headers: (n) => ({ "x-remote-group": "a:".repeat(n) }),
  };
  yield {
    ...common,
    name: "proxied GET: escapes",
    method: "GET",
    n: 30_000,
    path: all,
    headers: (n) => ({ [`x-remote-extra-${"%61".repeat(20)}`]: "%61".repeat(n) }),
  };
  yield {
    ...common,
    name: "proxied GET: terms",
    method: "GET",
    n: 1200,
    path: (n) => `${collections.functions}?labelSelector=${joined(n, (i) => `k${i}!%3Dv`)}`,
  };
  yield { ...common, name: "proxied GET: a Table", method: "GET", n: 1, path: all, headers: () => asTable };
}

export const shapes: readonly Shape[] = [
  ...strangers.map(
    (shape): Shape => ({ ...shape, name: `anonymous GET: ${shape.name}`, method: "GET", user: "anonymous" }),
  ),
  ...readers.map((shape): Shape => ({ ...shape, name: `GET: ${shape.name}`, method: "GET", user: "admin" })),
  ...protobufs(),
  ...streams(),
  ...proxied(),
  ...changes(),
  ...writes(),
];
