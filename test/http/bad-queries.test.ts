/** Query parameters, headers and paths that make no sense (API 3.1, 3.3, 3.4, 6.3, 7.1). */
import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { brief } from "./support/client.ts";
import { assertFailure, type Failure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin, anonymous, clientFor } = await serverForFile();
await createNamespace(admin, "queries");
const functions = pathOf("queries", "functions");
ok(await admin.post(functions, aFunction("a", { metadata: { labels: { app: "x" } } })), 201);
const current = Number(ok(await admin.get(functions)).at("metadata", "resourceVersion"));

// API V-08, V-09
test("unknown parameters are ignored, and the first of a repeated one counts", async () => {
  const plain = ok(await admin.get(`${functions}/a`)).text;
  assert.equal(ok(await admin.get(`${functions}/a?nonsense=1&__proto__=x&a[]=1&%zz&&=`)).text, plain);
  ok(await admin.get(`${functions}?limit=1&limit=nonsense`));
});

type Query = Failure & { readonly query: string };
const badRequest = { code: 400, reason: "BadRequest" } as const;
const onOptions = { code: 422, reason: "Invalid" } as const;

const badSelectors: readonly Query[] = [
  { query: "labelSelector=a b", ...badRequest, message: /unable to parse requirement/ },
  { query: "labelSelector=a in b", ...badRequest, message: /unable to parse requirement/ },
  { query: "labelSelector=a in (b", ...badRequest, message: /unable to parse requirement|expected/ },
  { query: "labelSelector=,", ...badRequest },
  { query: "labelSelector=-bad=x", ...badRequest },
  { query: "labelSelector=a=bad value", ...badRequest },
  { query: "labelSelector=a>x", ...badRequest },
  { query: `labelSelector=${"k".repeat(64)}`, ...badRequest },
  { query: "fieldSelector=metadata.name", ...badRequest, message: /invalid selector: '.*'; can't understand '.*'/ },
  { query: "fieldSelector=metadata.name in (a)", ...badRequest, message: /can't understand/ },
  { query: "fieldSelector=metadata.name=a\\", ...badRequest },
  {
    query: "fieldSelector=spec.nothing=1",
    ...badRequest,
    message: /^"spec\.nothing" is not a known field selector: only "metadata\.name", "metadata\.namespace"/,
  },
];

const badListQueries: readonly Query[] = [
  ...badSelectors,
  { query: "limit=many", ...badRequest, message: 'strconv.ParseInt: parsing "many": invalid syntax' },
  { query: "limit=99999999999999999999", ...badRequest },
  { query: "timeoutSeconds=1.5", ...badRequest, message: 'strconv.ParseInt: parsing "1.5": invalid syntax' },
  { query: "resourceVersion=new", ...badRequest, message: /^resourceVersion: Invalid value: "new"/ },
  { query: "resourceVersion=-1", ...badRequest },
  { query: "continue=nonsense", ...badRequest, message: /^invalid continue token: / },
  { query: `continue=${encoded({ v: "v0", rv: 1, start: "a" })}`, ...badRequest, message: /^invalid continue token: / },
  {
    query: `continue=${encoded({ v: "meta.k8s.io/v1", rv: current, start: "../../secrets\0" })}`,
    ...badRequest,
    message: /^invalid continue token: continue key is not valid/,
  },
  {
    query: `continue=${encoded({ v: "meta.k8s.io/v1", rv: current, start: "a\0" })}&resourceVersion=${current}`,
    ...badRequest,
    message: "specifying resource version is not allowed when using continue",
  },
  {
    query: "resourceVersionMatch=Exact",
    ...onOptions,
    message:
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
  },
  {
    query: "resourceVersion=1&resourceVersionMatch=Nearly",
    ...onOptions,
    message:
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Nearly": supported values: "Exact", "NotOlderThan", ""',
  },
  { query: "resourceVersion=0&resourceVersionMatch=Exact", ...onOptions, fields: ["resourceVersionMatch"] },
  { query: "sendInitialEvents=true", ...onOptions, fields: ["sendInitialEvents"] },
];

function encoded(token: object): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

for (const { query, ...failure } of badListQueries) {
  // API V-07, L-05, L-10, L-11, L-32, L-34, L-35
  test(`list refuses ${query.slice(0, 60)}`, async () => {
    assertFailure(await admin.get(`${functions}?${encodeURI(query)}`), failure);
  });
}

const badWatchQueries: readonly Query[] = [
  ...badSelectors,
  { query: "timeoutSeconds=soon", ...badRequest },
  { query: "resourceVersion=new", ...badRequest, message: /resourceVersion: Invalid value/ },
  {
    query: "sendInitialEvents=true",
    ...onOptions,
    message: /resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan/,
  },
  {
    query: "resourceVersionMatch=NotOlderThan",
    ...onOptions,
    message: /resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided/,
  },
  {
    query: "sendInitialEvents=true&resourceVersionMatch=Exact",
    ...onOptions,
    fields: ["resourceVersionMatch", "resourceVersionMatch"],
  },
  {
    query: "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&continue=x",
    ...onOptions,
    fields: ["resourceVersionMatch"],
  },
];

for (const { query, ...failure } of badWatchQueries) {
  // API W-15, W-25, W-26
  test(`watch refuses ${query.slice(0, 60)}`, async () => {
    assertFailure(await admin.get(`${functions}?watch=true&${encodeURI(query)}`), failure);
  });
}

const badWriteQueries: readonly Query[] = [
  {
    query: "dryRun=true",
    ...onOptions,
    message: 'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["true"]: supported values: "All"',
  },
  { query: "dryRun=All&dryRun=None", ...onOptions, fields: ["dryRun"] },
  {
    query: "fieldValidation=Perhaps",
    ...onOptions,
    message:
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Perhaps": supported values: "", "Ignore", "Strict", "Warn"',
  },
  { query: `fieldManager=${"m".repeat(129)}`, ...onOptions, fields: ["fieldManager"] },
  {
    query: "fieldManager=abc%0A",
    ...onOptions,
    message:
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "abc\\n": invalid character U+000A (at position 3)',
  },
  { query: "timeout=soon", ...badRequest, message: /^invalid timeout specified in the request URL/ },
];

for (const { query, ...failure } of badWriteQueries) {
  // API V-11, V-13, V-15, V-16
  test(`create refuses ${query.slice(0, 40)} and creates nothing`, async () => {
    assertFailure(await admin.post(`${functions}?${query}`, aFunction("b")), failure);
    assertFailure(await admin.get(`${functions}/b`), { code: 404 });
  });
}

const badDeletes: readonly (Failure & { query?: string; body?: { [field: string]: string | number | boolean } })[] = [
  { query: "propagationPolicy=Sideways", ...onOptions, fields: ["propagationPolicy"] },
  { query: "propagationPolicy=Orphan&orphanDependents=true", ...onOptions, message: /cannot be both set/ },
  { query: "gracePeriodSeconds=soon", ...badRequest },
  {
    query: "uid=other",
    code: 409,
    reason: "Conflict",
    message: /the UID in the precondition \(other\) does not match/,
  },
  { query: "resourceVersion=1", code: 409, reason: "Conflict" },
  { body: { propagationPolicy: "Sideways" }, ...onOptions, fields: ["propagationPolicy"] },
  { body: { gracePeriodSeconds: "soon" }, ...badRequest },
  { body: { kind: "Function" }, ...badRequest },
];

for (const { query = "", body, ...failure } of badDeletes) {
  // API
  test(`delete refuses ${query === "" ? JSON.stringify(body) : query}`, async () => {
    assertFailure(await admin.delete(`${functions}/a?${query}`, body), failure);
    ok(await admin.get(`${functions}/a`));
  });
}

test("a patch has no force, as it is no apply", async () => {
  assertFailure(await admin.patch(`${functions}/a?force=true`, "merge", {}), {
    ...onOptions,
    message: 'PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch',
  });
});

const badPaths: readonly (Failure & { method?: string; path: string })[] = [
  { path: `${functions}/.`, code: 400, reason: "BadRequest", message: /^Name parameter invalid: "\."/ },
  { path: `${functions}/..`, code: 400, reason: "BadRequest" },
  { path: `${functions}/a%25b`, code: 400, message: `Name parameter invalid: "a%b": may not contain '%'` },
  { path: `${functions}/a%2fb`, code: 404, reason: "NotFound" },
  { path: `${functions}/a/nothing`, code: 404, message: "the server could not find the requested resource" },
  { path: `${functions}/a/status/more`, code: 404 },
  { path: pathOf("queries", "nothings"), code: 404, reason: "NotFound" },
  { path: "/apis/compute.functionmesh.io/v2/functions", code: 404, reason: "NotFound" },
  { method: "POST", path: `${functions}/a`, code: 405, reason: "MethodNotAllowed" },
  { method: "PUT", path: functions, code: 405, reason: "MethodNotAllowed" },
  { method: "DELETE", path: "/apis/compute.functionmesh.io/v1alpha1/functions", code: 405 },
  { method: "POST", path: "/apis/compute.functionmesh.io/v1alpha1/functions", code: 405 },
  { method: "PROPFIND", path: functions, code: 405 },
  { method: "POST", path: "/version", code: 405 },
];

for (const { method = "GET", path, ...failure } of badPaths) {
  // API V-04, V-21, X-16, E-20, E-37
  test(`${method} ${path.slice(path.indexOf("queries"))} is refused`, async () => {
    assertFailure(await admin.send(method, path), failure);
  });
}

// API D-17
test("paths that belong to nobody are plain text, as everywhere in Kubernetes", async () => {
  for (const path of ["/nothing", "/apis/unknown.example", "/readyz/nothing"]) {
    const reply = ok(await admin.get(path), 404);
    assert.equal(reply.text, "404 page not found\n");
  }
  ok(await admin.get("/%zz"), 400);
});

for (const accept of ["text/html", "application/vnd.kubernetes.protobuf", "application/json;as=Chart;g=x;v=v1", ";"]) {
  // API N-05, N-06, E-21
  test(`Accept: ${accept} alone is 406, and nothing is done`, async () => {
    const headers = { accept };
    for (const reply of [await admin.get(functions, headers), await admin.post(functions, aFunction("c"), headers)]) {
      assertFailure(reply, { code: 406, reason: "NotAcceptable", message: /application\/json, application\/yaml/ });
      assert.equal(reply.headers["content-type"], "application/json");
    }
    assertFailure(await admin.get(`${functions}/c`), { code: 404 });
  });
}

// API W-05, N-33, N-39
test("shapes an endpoint cannot have are 406", async () => {
  const as = (shape: string) => ({ accept: `application/json;as=${shape};g=meta.k8s.io;v=v1` });
  const failure = { code: 406, reason: "NotAcceptable" };
  assertFailure(await admin.get(functions, as("PartialObjectMetadata")), failure);
  assertFailure(await admin.get(`${functions}/a`, as("PartialObjectMetadataList")), failure);
  assert.match(ok(await admin.get(`${functions}?watch=1`, { accept: "application/yaml" }), 406).text, /stream=watch/);
  assertFailure(await admin.get(`${functions}?includeObject=Some`, as("Table")), {
    code: 400,
    message: /^Unable to convert to Table as requested: includeObject: Invalid value/,
  });
});

// API N-07
test("errors are written in the wanted format", async () => {
  const reply = ok(await admin.get(`${functions}/missing`, { accept: "application/yaml" }), 404);
  assert.match(reply.text, /^kind: Status$/m);
  assert.match(reply.text, /^reason: NotFound$/m);
});

// API E-06, E-07, E-32, A-14, A-15, Z-14
test("who is nobody is told nothing but that", async () => {
  assertFailure(await anonymous.get(`${functions}/a`), {
    code: 403,
    reason: "Forbidden",
    message:
      'functions.compute.functionmesh.io "a" is forbidden: User "system:anonymous" cannot get resource "functions" in API group "compute.functionmesh.io" in the namespace "queries"',
  });
  assertFailure(await anonymous.get(functions, { authorization: "Bearer nonsense" }), {
    code: 401,
    reason: "Unauthorized",
    message: "Unauthorized",
  });
  assertFailure(await anonymous.get("/metrics"), { code: 403, message: /cannot get path "\/metrics"/ });
  const jane = await clientFor("jane");
  assertFailure(await jane.get(`${functions}/missing`), { code: 403, message: /User "jane" cannot get/ });
  assertFailure(await jane.post(functions, "no object at all"), { code: 403 });
  assertFailure(await jane.get(functions, { "impersonate-user": "functionmesh-admin" }), { code: 403 });
});

// Together, because each waits as long as the server would wait for its storage.
describe("positions in the future", { concurrency: true }, () => {
  // API G-03, L-07, E-03, E-30
  it("a version from the future is waited for, then 504 with a hint when to come back", async () => {
    const future = current + 1_000_000;
    const asked = [`${functions}/a?resourceVersion=${future}`, `${functions}?resourceVersion=${future}`];
    await Promise.all(
      asked.map(async (path) => {
        const started = performance.now();
        const reply = await admin.get(path);
        assertFailure(reply, {
          code: 504,
          reason: "Timeout",
          message: /^Timeout: Too large resource version: \d+, current: /,
        });
        assert.equal(reply.at("details", "causes", 0, "reason"), "ResourceVersionTooLarge");
        assert.equal(reply.at("details", "retryAfterSeconds"), 1);
        assert.equal(reply.headers["retry-after"], "1");
        const waited = performance.now() - started;
        assert.ok(waited > 2_500 && waited < 20_000, `it waited ${waited} ms`);
      }),
    );
  });

  // API W-14, W-22
  it("a streaming list from the future is an ERROR event, a plain watch waits", async () => {
    const future = current + 1_000_000;
    await using streaming = await admin.watch(
      `${functions}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${future}`,
    );
    assert.deepEqual((await streaming.rest()).map(brief), ["ERROR 504"]);
    await using plain = await admin.watch(`${functions}?watch=1&resourceVersion=${future}&timeoutSeconds=1`);
    assert.deepEqual(await plain.rest(), []);
  });
});
