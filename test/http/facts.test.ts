/** Single facts of apiserver/BEHAVIOUR.md that no larger test shows on its way. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { brief, valueAt } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { sampleOf } from "./support/metrics.ts";
import { aFunction, createNamespace, ok, pathOf, root } from "./support/objects.ts";
import { serverForFile, startServer } from "./support/server.ts";

const { admin, clientFor } = await serverForFile();
const group = "compute.functionmesh.io";
const v2Discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const as = (shape: string) => ({ accept: `application/json;as=${shape};g=meta.k8s.io;v=v1` });

async function newNamespace(name: string): Promise<string> {
  await createNamespace(admin, name);
  return pathOf(name, "functions");
}
const listed = (value: JsonValue | undefined): readonly JsonValue[] => (Array.isArray(value) ? value : []);

for (const accept of [
  `application/json,${v2Discovery}`,
  `application/json;q=0.9,${v2Discovery};q=0.1`,
  `${v2Discovery};profile=nopeer,application/json`,
  `${v2Discovery};more=x`,
]) {
  test(`aggregated discovery wins wherever it is named, whatever else is said of it: ${accept} (API D-31, D-32)`, async () => {
    assert.equal(ok(await admin.get("/apis", { accept })).body.kind, "APIGroupDiscoveryList");
  });
}

test("aggregated discovery: every kind is an object, every group has resources, caches may keep it (API D-05, D-36, D-39)", async () => {
  const reply = ok(await admin.get("/apis", { accept: v2Discovery }));
  assert.deepEqual([reply.headers.vary, reply.headers["cache-control"]], ["Accept", "public"]);
  const versions = listed(reply.at("items")).flatMap((item) => listed(valueAt(item, "versions")));
  assert.ok(versions.length > 5);
  for (const version of versions) {
    const resources = listed(valueAt(version, "resources"));
    assert.ok(resources.length > 0, JSON.stringify(version));
    for (const entry of resources.flatMap((each) => [each, ...listed(valueAt(each, "subresources"))])) {
      assert.equal(typeof valueAt(entry, "responseKind", "kind"), "string", JSON.stringify(entry));
    }
  }
});

test("documents and their ETags are the same from every server (API D-41, K-19, O-05)", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-facts-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  await using other = await startServer(directory);
  for (const [path, headers] of [
    ["/apis", { accept: v2Discovery }],
    ["/openapi/v2", {}],
    [`/openapi/v3${root}`, {}],
  ] as const) {
    const [here, there] = [ok(await admin.get(path, headers)), ok(await other.admin.get(path, headers))];
    assert.equal(here.headers.etag, there.headers.etag, path);
    assert.equal(here.text, there.text, path);
  }
});

test("an unknown version is a Status, and documents take no other method (API D-16, D-18)", async () => {
  assert.deepEqual(ok(await admin.get(`/apis/${group}/unknown`), 404).body, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "the server could not find the requested resource",
    reason: "NotFound",
    details: {},
    code: 404,
  });
  for (const path of ["/apis", `/apis/${group}`, root]) {
    for (const method of ["POST", "PUT", "DELETE"]) {
      assertFailure(await admin.send(method, path), {
        code: 405,
        reason: "MethodNotAllowed",
        message: "the server does not allow this method on the requested resource",
      });
    }
  }
});

test("the aggregator's user, who is in no group, reads what the aggregator fetches; a probe needs no Accept (API K-01, K-06, K-14)", async () => {
  ok(await admin.get(root));
  const asAggregator = { "impersonate-user": "system:aggregator" };
  for (const path of [root, "/openapi/v2", "/openapi/v3", `/openapi/v3${root}`])
    ok(await admin.get(path, asAggregator));
});

const schemaOf = async (type: string): Promise<JsonValue | undefined> =>
  ok(await admin.get(`/openapi/v3${root}`)).at("components", "schemas", type);

test("ObjectMeta says how its lists merge, and has its upstream name (API O-41, O-47, K-10)", async () => {
  const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
  const objectMeta = await schemaOf(`${meta}.ObjectMeta`);
  const traits = (field: string) => {
    const schema = valueAt(objectMeta, "properties", field);
    assert.ok(isObject(schema), field);
    return Object.fromEntries(Object.entries(schema).filter(([key]) => key.startsWith("x-kubernetes-")));
  };
  assert.deepEqual(traits("ownerReferences"), {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["uid"],
    "x-kubernetes-patch-strategy": "merge",
    "x-kubernetes-patch-merge-key": "uid",
  });
  assert.deepEqual(traits("finalizers"), { "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge" });
  assert.deepEqual(traits("managedFields"), { "x-kubernetes-list-type": "atomic" });
  assert.equal(valueAt(await schemaOf(`${meta}.OwnerReference`), "x-kubernetes-map-type"), "atomic");
  for (const type of ["ListMeta", "Status", "DeleteOptions", "Patch", "WatchEvent", "ManagedFieldsEntry", "Time"]) {
    assert.ok(isObject(await schemaOf(`${meta}.${type}`)), type);
  }
  assert.ok(isObject(await schemaOf("io.k8s.api.autoscaling.v1.Scale")));
});

test("conditions of built-in kinds are keyed by their type; v2 describes what v3 does (API O-48, O-56)", async () => {
  const type = "io.k8s.api.apps.v1.StatefulSetStatus";
  const path = ["properties", "conditions"] as const;
  const v3 = ok(await admin.get("/openapi/v3/apis/apps/v1")).at("components", "schemas", type, ...path);
  assert.deepEqual(
    [valueAt(v3, "x-kubernetes-list-type"), valueAt(v3, "x-kubernetes-list-map-keys")],
    ["map", ["type"]],
  );
  const v2 = ok(await admin.get("/openapi/v2")).at("definitions");
  for (const name of Object.keys(Object(ok(await admin.get(`/openapi/v3${root}`)).at("components", "schemas")))) {
    assert.ok(isObject(valueAt(v2, name)), name);
  }
});

test("a delete may have a body of DeleteOptions, and says so (API O-28)", async () => {
  const path = `${root}/namespaces/{namespace}/functions/{name}`;
  const body = ok(await admin.get(`/openapi/v3${root}`)).at("paths", path, "delete", "requestBody");
  assert.match(JSON.stringify(body), /io\.k8s\.apimachinery\.pkg\.apis\.meta\.v1\.DeleteOptions"/);
  assert.notEqual(valueAt(body, "required"), true);
});

test("get: any state will do for 0, a match means nothing, export is no more; versions are revisions (API G-02, G-04, G-07, M-06, V-10)", async () => {
  const functions = await newNamespace("getting");
  const versions: number[] = [];
  for (const name of ["a", "b", "c"]) {
    const { body } = ok(await admin.post(functions, aFunction(name)), 201);
    const version = String(valueAt(body, "metadata", "resourceVersion"));
    assert.match(version, /^[1-9]\d*$/);
    versions.push(Number(version));
  }
  assert.deepEqual(
    versions,
    versions.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(versions).size, 3);
  const { text } = ok(await admin.get(`${functions}/a`));
  assert.equal(ok(await admin.get(`${functions}/a?resourceVersion=0`)).text, text);
  assert.equal(ok(await admin.get(`${functions}/a?resourceVersionMatch=Exact`)).text, text);
  assertFailure(await admin.get(`${functions}/a?export=true`), {
    code: 400,
    reason: "BadRequest",
    message: "the export parameter, deprecated since v1.14, is no longer supported",
  });
});

test("of many creates of one name one wins (API T-04)", async () => {
  const functions = await newNamespace("racing-creates");
  const replies = await Promise.all(Array.from({ length: 12 }, () => admin.post(functions, aFunction("a"))));
  const codes = replies.map(({ status }) => status).toSorted();
  assert.deepEqual(codes, [201, ...Array.from({ length: 11 }, () => 409)]);
});

test("patching what does not exist is 404; a patch whose result is no Function says what it made (API P-02, P-06)", async () => {
  const functions = await newNamespace("patching");
  for (const type of ["merge", "strategic-merge"] as const) {
    assertFailure(await admin.patch(`${functions}/a`, type, { metadata: { labels: { a: "b" } } }), {
      code: 404,
      reason: "NotFound",
    });
  }
  assertFailure(await admin.patch(`${functions}/a`, "json", []), { code: 404 });
  ok(await admin.post(functions, aFunction("a")), 201);
  assertFailure(await admin.patch(`${functions}/a`, "merge", { metadata: { labels: ["a"] } }), {
    code: 422,
    reason: "Invalid",
    message: /^ "" is invalid: patch: Invalid value: /,
  });
  assertFailure(await admin.patch(`${functions}/a?fieldValidation=Strict`, "merge", { spec: { nothing: 1 } }), {
    code: 422,
    message: /patch: Invalid value: .*strict decoding error: unknown field "spec\.nothing"/,
  });
});

test("DeleteOptions come as JSON and YAML, of any version, from a metadata client too (API X-05)", async () => {
  const functions = await newNamespace("delete-options");
  const options = '{"kind":"DeleteOptions","apiVersion":"VERSION","propagationPolicy":"Foreground"}';
  for (const [name, type, body] of [
    ["a", "application/json", options.replace("VERSION", "v1")],
    ["b", "application/json", options.replace("VERSION", "meta.k8s.io/v1")],
    ["c", "application/json", options.replace("VERSION", "example.org/v7")],
    ["d", "application/yaml", "kind: DeleteOptions\npropagationPolicy: Foreground\n"],
  ] as const) {
    ok(await admin.post(functions, aFunction(name)), 201);
    const reply = ok(await admin.send("DELETE", `${functions}/${name}`, { body, headers: { "content-type": type } }));
    assert.deepEqual(reply.at("metadata", "finalizers"), ["foregroundDeletion"], name);
  }
});

test("blockOwnerDeletion is kept as it is given; members have their case (API M-19, N-12)", async () => {
  const functions = await newNamespace("keeping");
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "o", uid: "u", blockOwnerDeletion: true };
  const stored = ok(await admin.post(functions, aFunction("a", { metadata: { ownerReferences: [owner] } })), 201);
  assert.deepEqual(stored.at("metadata", "ownerReferences"), [owner]);
  const wrongCase = aFunction("b", { spec: { ClassName: "other" } });
  assertFailure(await admin.post(`${functions}?fieldValidation=Strict`, wrongCase), {
    code: 400,
    message: /unknown field "spec\.ClassName"/,
  });
});

test("Tables of nothing have columns; metadata is the list's, or the object's (API N-34, N-36)", async () => {
  const functions = await newNamespace("tables");
  const empty = ok(await admin.get(functions, as("Table")));
  assert.deepEqual(empty.at("rows"), []);
  assert.ok(listed(empty.at("columnDefinitions")).length > 1);
  for (const name of ["a", "b"]) ok(await admin.post(functions, aFunction(name)), 201);
  const page = ok(await admin.get(`${functions}?limit=1`, as("Table")));
  const plain = ok(await admin.get(`${functions}?limit=1`));
  assert.deepEqual(page.at("metadata"), plain.at("metadata"));
  const one = ok(await admin.get(`${functions}/a`, as("Table")));
  const object = ok(await admin.get(`${functions}/a`));
  assert.equal(one.at("metadata", "resourceVersion"), object.at("metadata", "resourceVersion"));
});

test("transformed watches: transitions come before the shape, errors have none, nothing is compressed (API W-08, W-53, W-54)", async () => {
  const functions = await newNamespace("transformed");
  ok(await admin.post(functions, aFunction("a", { metadata: { labels: { on: "yes" } } })), 201);
  await using watch = await admin.watch(`${functions}?watch=1&labelSelector=on%3Dyes`, {
    ...as("PartialObjectMetadata"),
    "accept-encoding": "gzip",
  });
  assert.equal(watch.reply.headers["content-encoding"], undefined);
  ok(await admin.patch(`${functions}/a`, "merge", { metadata: { labels: { on: "no" } } }));
  const events = await watch.take(2);
  assert.deepEqual(events.map(brief), ["ADDED a", "DELETED a"]);
  assert.deepEqual(
    events.map(({ object }) => object.kind),
    ["PartialObjectMetadata", "PartialObjectMetadata"],
  );
  const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999999";
  await using failing = await admin.watch(`${functions}?${query}`, as("Table"));
  const [error] = await failing.rest();
  assert.deepEqual([error?.type, error?.object.kind, error?.object.code], ["ERROR", "Status", 504]);
});

test("an object larger than a store takes is 413, in an answer of ordinary size (API N-41)", async () => {
  await newNamespace("large");
  const config = { apiVersion: `${group}/v1alpha1`, kind: "BackendConfig", metadata: { name: "a" } };
  const reply = await admin.post(pathOf("large", "backendconfigs"), { ...config, kept: "x".repeat(1_600_000) });
  assertFailure(reply, { code: 413, reason: "RequestEntityTooLarge" });
  assert.ok(reply.bytes.length < 10_000);
});

test("lists keyed by name hold a name once (API CR-26)", async () => {
  await newNamespace("keyed");
  const mesh = {
    apiVersion: `${group}/v1alpha1`,
    kind: "FunctionMesh",
    metadata: { name: "m" },
    spec: { functions: [1, 2].map(() => ({ ...Object(aFunction("f").spec), name: "f" })) },
  };
  const reply = await admin.post(pathOf("keyed", "functionmeshes"), mesh);
  assertFailure(reply, { code: 422, reason: "Invalid" });
  assert.match(reply.text, /Duplicate value/);
});

test("metrics: times, sizes, long-running requests, requests in flight (API MT-02, MT-04, MT-05, MT-06)", async () => {
  await using _watch = await admin.watch(`${root}/functions?watch=1`);
  ok(await admin.get(`${root}/functions`));
  const { text } = ok(await admin.get("/metrics"));
  const ours = [`group="${group}"`, 'version="v1alpha1"', 'resource="functions"'];
  assert.ok(sampleOf(text, "apiserver_longrunning_requests{", 'verb="WATCH"', ...ours) >= 1);
  assert.ok(sampleOf(text, "apiserver_response_sizes_bucket{", 'le="1000"') >= 0);
  for (const bound of "0.005 0.025 0.05 0.1 0.2 0.4 0.6 0.8 1 1.25 1.5 2 3 4 5 6 8 10 15 20 30 45 60 +Inf".split(" ")) {
    const labels = [`le="${bound}"`, 'verb="LIST"', 'scope="cluster"', ...ours];
    assert.ok(sampleOf(text, "apiserver_request_duration_seconds_bucket{", ...labels) >= 0, bound);
  }
  for (const kind of ["mutating", "readOnly"]) {
    assert.match(text, new RegExp(`^apiserver_current_inflight_requests\\{request_kind="${kind}"\\} \\d`, "m"));
  }
});

test("a selector that contradicts the name in the path is refused (API L-36)", async () => {
  await newNamespace("contradiction");
  const path = `${root}/watch/namespaces/contradiction/functions/a`;
  assertFailure(await admin.get(`${path}?fieldSelector=metadata.name%3Db`), {
    code: 400,
    message: "fieldSelector metadata.name doesn't match requested name",
  });
});

test("health has one hook, and it is done before the first answer (API R-16)", async () => {
  for (const endpoint of ["healthz", "livez", "readyz"]) {
    const hooks = ok(await admin.get(`/${endpoint}?verbose`)).text.match(/^.*poststarthook.*$/gm);
    assert.deepEqual(hooks, ["[+]poststarthook/start-function-mesh-apiserver ok"]);
  }
});

test("who has no rights is not told what is served (API Z-16)", async () => {
  const jane = await clientFor("jane");
  assertFailure(await jane.get(`${root}/nothings`), { code: 403, reason: "Forbidden" });
  assertFailure(await admin.get(`${root}/nothings`), { code: 404, reason: "NotFound" });
});

test("a uid stays with its object, and another object of the name has another (API M-04)", async () => {
  const functions = await newNamespace("uids");
  const uid = async () => ok(await admin.get(`${functions}/a`)).at("metadata", "uid");
  ok(await admin.post(functions, aFunction("a")), 201);
  const first = await uid();
  ok(await admin.patch(`${functions}/a`, "merge", { spec: { replicas: 2 } }));
  assert.equal(await uid(), first);
  ok(await admin.delete(`${functions}/a`));
  ok(await admin.post(functions, aFunction("a")), 201);
  assert.notEqual(await uid(), first);
});

test("a status is written to the version that was read, or not at all (API M-11)", async () => {
  const functions = await newNamespace("status-versions");
  const read = ok(await admin.post(functions, aFunction("a")), 201);
  ok(await admin.patch(`${functions}/a`, "merge", { spec: { replicas: 2 } }));
  const status = { conditions: {}, replicas: 2, selector: "a=b" };
  assertFailure(await admin.put(`${functions}/a/status`, { ...read.body, status }), { code: 409, reason: "Conflict" });
  const { metadata: _, ...unversioned } = read.body;
  assertFailure(await admin.put(`${functions}/a/status`, { ...unversioned, metadata: { name: "a" }, status }), {
    code: 422,
    fields: ["metadata.resourceVersion"],
  });
});

test("the collector's Accept, protobuf first, is answered in JSON: metadata alone (API KC-02, KC-03)", async () => {
  const functions = await newNamespace("collecting");
  const owner = {
    apiVersion: "v1",
    kind: "ConfigMap",
    name: "o",
    uid: "u",
    controller: true,
    blockOwnerDeletion: true,
  };
  const metadata = { ownerReferences: [owner], finalizers: ["example.org/held"] };
  const created = ok(await admin.post(functions, aFunction("a", { metadata })), 201);
  const accept = (kind: string) =>
    `application/vnd.kubernetes.protobuf;as=${kind};g=meta.k8s.io;v=v1,application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;
  const list = ok(await admin.get(functions, { accept: accept("PartialObjectMetadataList") }));
  assert.deepEqual(list.at("items", 0), {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: created.body.metadata,
  });
  const one = ok(await admin.get(`${functions}/a`, { accept: accept("PartialObjectMetadata") }));
  assert.deepEqual(one.body, list.at("items", 0));
});

test("DeleteOptions of a body leave those of the query aside (API X-04)", async () => {
  const functions = await newNamespace("both-options");
  ok(await admin.post(functions, aFunction("a")), 201);
  const reply = await admin.delete(`${functions}/a?propagationPolicy=Orphan`, { propagationPolicy: "Foreground" });
  assert.deepEqual(ok(reply).at("metadata", "finalizers"), ["foregroundDeletion"]);
  ok(await admin.post(functions, aFunction("b")), 201);
  const queried = ok(await admin.delete(`${functions}/b?propagationPolicy=Orphan`));
  assert.deepEqual(queried.at("metadata", "finalizers"), ["orphan"]);
});

test("metrics tell an apply and a dry run apart (API MT-01, MT-09)", async () => {
  const functions = await newNamespace("counted");
  const headers = { "content-type": "application/apply-patch+yaml" };
  const body = JSON.stringify(aFunction("a"));
  ok(await admin.send("PATCH", `${functions}/a?fieldManager=m&dryRun=All`, { body, headers }), 201);
  const { text } = ok(await admin.get("/metrics"));
  const applied = ['verb="APPLY"', 'dry_run="All"', 'code="201"', `group="${group}"`, 'resource="functions"'];
  assert.equal(sampleOf(text, "apiserver_request_total{", 'scope="resource"', ...applied), 1);
});

test("a verb that a resource lacks is told with the resource (API V-05)", async () => {
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  for (const [query, verb] of [
    ["", "list"],
    ["?watch=true", "watch"],
  ]) {
    const reply = await admin.get(`${path}${query}`);
    assertFailure(reply, {
      code: 405,
      reason: "MethodNotAllowed",
      message: `${verb} is not supported on resources of kind "subjectaccessreviews.authorization.k8s.io"`,
    });
    assert.deepEqual(reply.at("details"), { group: "authorization.k8s.io", kind: "subjectaccessreviews" });
  }
});
