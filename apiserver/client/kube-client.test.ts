import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { Agent } from "undici";
import type { JsonObject, KubeObject, WatchEvent } from "../apis/meta/v1.ts";
import { isConflict, isNotFound, StatusError } from "../errors/status-error.ts";
import { stringifyJson } from "../machinery/json.ts";
import type { ResourceType } from "./client.ts";
import { ExpiringCache } from "./expiring-cache.ts";
import { KubeClient } from "./kube-client.ts";

const functions: ResourceType = {
  group: "compute.functionmesh.io",
  version: "v1alpha1",
  kind: "Function",
  resource: "functions",
  namespaced: true,
};
const namespaces: ResourceType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  resource: "namespaces",
  namespaced: false,
};
const base = "/apis/compute.functionmesh.io/v1alpha1";
const fn: KubeObject = {
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name: "f", namespace: "demo" },
};
const ref = { type: functions, name: "f", namespace: "demo" };

type Received = { method: string; url: string; type: string; authorization: string; body: string };
type Context = { after: (done: () => unknown) => void };

/** A server that answers as told and remembers what it was asked. */
async function serve(
  context: Context,
  answer: (response: http.ServerResponse, received: Received) => void,
  options = {},
) {
  const received: Received[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = "", url = "", headers } = request;
    const asked = {
      method,
      url,
      type: headers["content-type"] ?? "",
      authorization: headers.authorization ?? "",
      body: Buffer.concat(chunks).toString(),
    };
    received.push(asked);
    answer(response, asked);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const dispatcher = new Agent({ pipelining: 1 });
  context.after(() => dispatcher.destroy());
  let refused = 0;
  const endpoint = {
    server: new URL(`http://127.0.0.1:${address.port}/prefix/`),
    credentials: async () => ({ dispatcher, headers: { authorization: `Bearer t${refused}` } }),
    refused: () => {
      refused += 1;
    },
  };
  return { client: new KubeClient(endpoint, options), received, server };
}
const json = (response: http.ServerResponse, code: number, value: object, headers = {}): void =>
  void response.writeHead(code, { "content-type": "application/json", ...headers }).end(stringifyJson(value));

type Call = {
  run: (client: KubeClient) => Promise<unknown>;
  method: string;
  url: string;
  type?: string;
  body?: JsonObject;
};
const options = { fieldManager: "m" };
const calls: Record<string, Call> = {
  get: { run: (c) => c.get(ref), method: "GET", url: `${base}/namespaces/demo/functions/f` },
  "get a subresource": {
    run: (c) => c.get(ref, { subresource: "scale" }),
    method: "GET",
    url: `${base}/namespaces/demo/functions/f/scale`,
  },
  "get cluster-scoped": {
    run: (c) => c.get({ type: namespaces, name: "demo", namespace: "ignored" }),
    method: "GET",
    url: "/api/v1/namespaces/demo",
  },
  "a name that looks like a path": {
    run: (c) => c.get({ ...ref, name: ".." }),
    method: "GET",
    url: `${base}/namespaces/demo/functions/..`,
  },
  "a name with a slash": {
    run: (c) => c.get({ ...ref, name: "a/b?c" }),
    method: "GET",
    url: `${base}/namespaces/demo/functions/a%2Fb%3Fc`,
  },
  create: {
    run: (c) => c.create(functions, fn, { ...options, dryRun: true }),
    method: "POST",
    url: `${base}/namespaces/demo/functions?fieldManager=m&dryRun=All`,
    type: "application/json",
    body: fn,
  },
  "create a subresource": {
    run: (c) => c.create(functions, fn, { subresource: "token" }),
    method: "POST",
    url: `${base}/namespaces/demo/functions/f/token`,
    type: "application/json",
    body: fn,
  },
  "update a subresource": {
    run: (c) => c.update(functions, fn, { subresource: "status" }),
    method: "PUT",
    url: `${base}/namespaces/demo/functions/f/status`,
    type: "application/json",
    body: fn,
  },
  "merge patch": {
    run: (c) => c.patch(ref, { type: "merge", body: { a: null } }),
    method: "PATCH",
    url: `${base}/namespaces/demo/functions/f`,
    type: "application/merge-patch+json",
    body: { a: null },
  },
  apply: {
    run: (c) => c.apply(functions, fn, options),
    method: "PATCH",
    url: `${base}/namespaces/demo/functions/f?fieldManager=m&force=true`,
    type: "application/apply-patch+yaml",
    body: fn,
  },
  delete: {
    run: (c) => c.delete(ref, { propagationPolicy: "Foreground", preconditions: { uid: "u" } }),
    method: "DELETE",
    url: `${base}/namespaces/demo/functions/f`,
    type: "application/json",
    body: { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Foreground", preconditions: { uid: "u" } },
  },
};
for (const [name, { run, method, url, type = "", body }] of Object.entries(calls)) {
  test(`request: ${name}`, async (context) => {
    const { client, received } = await serve(context, (response) => json(response, 200, fn));
    await run(client);
    const [asked] = received;
    assert.deepEqual(asked, {
      method,
      url: `/prefix${url}`,
      type,
      authorization: "Bearer t0",
      body: body === undefined ? "" : stringifyJson(body),
    });
  });
}

test("numbers stay as the cluster wrote them", async (context) => {
  const text = '{"apiVersion":"v1","kind":"X","metadata":{},"spec":{"big":12345678901234567890,"odd":1.10e2}}';
  const { client } = await serve(context, (response) => void response.end(text));
  assert.equal(stringifyJson(await client.get(ref)), text);
});

test("lists give their items a type, and say where they continue", async (context) => {
  const { client, received } = await serve(context, (response) =>
    json(response, 200, {
      kind: "FunctionList",
      apiVersion: "compute.functionmesh.io/v1alpha1",
      metadata: { resourceVersion: "7", continue: "c", remainingItemCount: 3 },
      items: [{ metadata: { name: "f", namespace: "demo" } }],
    }),
  );
  const list = await client.list(functions, { labelSelector: "a=b", limit: 1 });
  assert.equal(received[0]?.url, `/prefix${base}/functions?labelSelector=a%3Db&limit=1`);
  assert.deepEqual(list.items, [fn]);
  assert.deepEqual(list.metadata, { resourceVersion: "7", continue: "c", remainingItemCount: 3 });
});

const failure = (code: number, reason: string): object => ({
  kind: "Status",
  apiVersion: "v1",
  status: "Failure",
  message: "m",
  reason,
  details: { name: "f", kind: "functions", causes: [{ field: "spec", message: "x" }] },
  code,
});
type Failing = { code: number; body: string; headers?: Record<string, string>; check: (error: StatusError) => boolean };
const failures: Record<string, Failing> = {
  "a Status": {
    code: 409,
    body: JSON.stringify(failure(409, "Conflict")),
    check: (error) => isConflict(error) && error.status.details?.name === "f",
  },
  "not found": { code: 404, body: JSON.stringify(failure(404, "NotFound")), check: isNotFound },
  "text of a proxy": {
    code: 503,
    body: "service unavailable\n",
    check: ({ message, status }) => message === "service unavailable" && status.reason === "ServiceUnavailable",
  },
  nothing: { code: 404, body: "", check: isNotFound },
  "a time to come back": {
    code: 429,
    body: "Too many requests",
    headers: { "retry-after": "3" },
    check: ({ status }) => status.details?.retryAfterSeconds === 3,
  },
  "success that is no object": { code: 200, body: "[]", check: ({ status }) => status.code === 500 },
  "success that is no JSON": { code: 200, body: "<html>", check: ({ status }) => status.code === 500 },
};
for (const [name, { code, body, headers = {}, check }] of Object.entries(failures)) {
  test(`failure: ${name}`, async (context) => {
    const { client } = await serve(context, (response) => void response.writeHead(code, headers).end(body));
    await assert.rejects(client.get(ref), (error) => error instanceof StatusError && check(error));
  });
}

test("refused credentials are asked for anew", async (context) => {
  const { client, received } = await serve(context, (response, { authorization }) =>
    json(response, authorization === "Bearer t0" ? 401 : 200, fn),
  );
  await assert.rejects(client.get(ref), (error) => error instanceof StatusError && error.status.code === 401);
  await client.get(ref);
  assert.deepEqual(
    received.map(({ authorization }) => authorization),
    ["Bearer t0", "Bearer t1"],
  );
});

test("a server that is not there is unavailable, with the cause", async (context) => {
  const { client, server } = await serve(context, () => undefined);
  server.close();
  await assert.rejects(
    client.get(ref),
    (error) => error instanceof StatusError && error.status.code === 503 && error.cause instanceof Error,
  );
});

test("a server that does not answer in time is a timeout, an aborted caller hears its own reason", async (context) => {
  const { client } = await serve(context, () => undefined, { requestTimeoutMs: 30 });
  await assert.rejects(client.get(ref), (error) => error instanceof StatusError && error.status.code === 504);
  const reason = new Error("enough");
  await assert.rejects(client.get(ref, { signal: AbortSignal.abort(reason) }), reason);
  const abort = new AbortController();
  const asked = client.get(ref, { signal: abort.signal });
  abort.abort(reason);
  await assert.rejects(asked, reason);
});

const frame = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

test("a watch yields events however they are cut, until the server ends it", async (context) => {
  const text = [
    frame("ADDED", { metadata: { name: "é" } }),
    frame("BOOKMARK", { kind: "Function", apiVersion: fn.apiVersion, metadata: { resourceVersion: "9" } }),
    frame("ERROR", failure(410, "Expired")),
  ].join("");
  const bytes = Buffer.from(text);
  const cut = bytes.indexOf("é") + 1; // in the middle of a character
  const { client, received } = await serve(context, (response) => {
    response.write(bytes.subarray(0, cut), () => response.end(bytes.subarray(cut)));
  });
  const events: WatchEvent[] = [];
  const query = { namespace: "demo", resourceVersion: "5", allowBookmarks: true, sendInitialEvents: true };
  for await (const event of client.watch(functions, query)) events.push(event);
  const url = new URL(received[0]?.url ?? "", "http://x");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    resourceVersion: "5",
    sendInitialEvents: "true",
    watch: "true",
    allowWatchBookmarks: "true",
    resourceVersionMatch: "NotOlderThan",
  });
  const type = { apiVersion: fn.apiVersion, kind: "Function" };
  assert.deepEqual(events.slice(0, 2), [
    { type: "ADDED", object: { ...type, metadata: { name: "é" } } },
    { type: "BOOKMARK", object: { ...type, metadata: { resourceVersion: "9" } } },
  ]);
  assert.equal(events[2]?.type === "ERROR" && events[2].object.reason, "Expired");
});

test("a watch that is left, aborted or cut off ends on both sides", async (context) => {
  const closed: Promise<unknown>[] = [];
  const { client, server } = await serve(context, (response) => {
    closed.push(once(response, "close"));
    response.write(frame("ADDED", { metadata: { name: "a" } }));
  });
  for await (const event of client.watch(functions, {})) {
    assert.equal(event.type, "ADDED");
    break;
  }
  await closed[0];
  const abort = new AbortController();
  const reason = new Error("enough");
  const watching = async (signal?: AbortSignal, act?: () => void): Promise<void> => {
    for await (const _ of client.watch(functions, {}, signal)) act?.();
  };
  await assert.rejects(
    watching(abort.signal, () => abort.abort(reason)),
    reason,
  );
  await closed[1];
  const cutOff = watching(undefined, () => server.closeAllConnections());
  await assert.rejects(cutOff, (error) => error instanceof StatusError && error.status.code === 503);
});

test("a kept connection that the server closed does not fail a read", async (context) => {
  let requests = 0;
  const { client } = await serve(context, (response) => {
    requests += 1;
    if (requests === 2) response.destroy();
    else json(response, 200, fn);
  });
  await client.get(ref);
  await client.get(ref);
  assert.equal(requests, 3);
});

test("remembered values end with their time, and the least used go first", () => {
  let now = 0;
  const cache = new ExpiringCache<number>({ capacity: 2, now: () => now });
  cache.set("a", 1, 10);
  cache.set("b", 2, 20);
  assert.equal(cache.get("a"), 1);
  cache.set("c", 3, 20);
  assert.deepEqual([cache.get("a"), cache.get("b"), cache.get("c")], [1, undefined, 3]);
  now = 10;
  assert.deepEqual([cache.get("a"), cache.get("c"), cache.size], [undefined, 3, 1]);
});
