/** What a server says of itself: discovery, OpenAPI, version, health, metrics (API sections 1, 2, 12). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { type Reply, valueAt } from "./support/client.ts";
import { sampleOf } from "./support/metrics.ts";
import { aFunction, groupVersion, ok, root } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin, anonymous } = await serverForFile();
const group = "compute.functionmesh.io";
const kinds = ["backendconfigs", "functionmeshes", "functions", "sinks", "sources"];
const v2Discovery = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

function itemsOf(value: JsonValue | undefined): readonly JsonValue[] {
  assert.ok(Array.isArray(value));
  return value;
}
const find = (list: JsonValue | undefined, field: string, value: string): JsonValue | undefined =>
  itemsOf(list).find((item) => valueAt(item, field) === value);

// API D-01, D-03, D-08, D-09, D-10, D-11, D-12, D-14, D-38, KC-15
test("discovery, one document per step", async () => {
  const groups = ok(await admin.get("/apis"));
  assert.equal(groups.body.kind, "APIGroupList");
  const entry = { groupVersion, version: "v1alpha1" };
  assert.deepEqual(find(groups.at("groups"), "name", group), {
    name: group,
    versions: [entry],
    preferredVersion: entry,
  });
  assert.deepEqual(ok(await admin.get(`/apis/${group}`)).at("preferredVersion"), entry);

  const resources = ok(await admin.get(root)).at("resources");
  const names = itemsOf(resources).map((resource) => valueAt(resource, "name"));
  assert.deepEqual(names, names.toSorted());
  assert.deepEqual(
    names.filter((name) => !String(name).includes("/")),
    kinds,
  );
  const functions = find(resources, "name", "functions");
  assert.ok(isObject(functions));
  const { storageVersionHash, ...rest } = functions;
  assert.deepEqual(rest, {
    name: "functions",
    singularName: "function",
    namespaced: true,
    kind: "Function",
    verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    shortNames: ["fn"],
    categories: ["all", "fnall"],
  });
  assert.equal(Buffer.from(String(storageVersionHash), "base64").length, 8);
  assert.deepEqual(find(resources, "name", "functions/scale"), {
    name: "functions/scale",
    singularName: "",
    namespaced: true,
    group: "autoscaling",
    version: "v1",
    kind: "Scale",
    verbs: ["get", "patch", "update"],
  });
});

for (const path of ["/apis", `/apis/${group}`, root, "/api", "/api/v1"]) {
  // API D-02
  test(`${path} is the same with a slash at its end, and as YAML`, async () => {
    assert.deepEqual(ok(await admin.get(`${path}/`)).body, ok(await admin.get(path)).body);
    const yaml = ok(await admin.get(path, { accept: "application/yaml" }));
    assert.equal(yaml.headers["content-type"], "application/yaml");
    assert.match(yaml.text, /^kind: API/);
  });
}

// API D-30, D-34, D-35, D-37, D-43, D-44
test("discovery in one document says the same", async () => {
  const reply = ok(await admin.get("/apis", { accept: `${v2Discovery},application/json` }));
  assert.equal(reply.headers["content-type"], v2Discovery);
  assert.deepEqual([reply.body.kind, reply.body.apiVersion], ["APIGroupDiscoveryList", "apidiscovery.k8s.io/v2"]);
  const ours = itemsOf(reply.at("items")).find((item) => valueAt(item, "metadata", "name") === group);
  assert.deepEqual(
    [valueAt(ours, "versions", 0, "version"), valueAt(ours, "versions", 0, "freshness")],
    ["v1alpha1", "Current"],
  );
  const listed = itemsOf(valueAt(ours, "versions", 0, "resources"));
  const plain = itemsOf(ok(await admin.get(root)).at("resources"));
  for (const resource of listed) {
    const twin = plain.find((other) => valueAt(other, "name") === valueAt(resource, "resource"));
    assert.deepEqual(
      [valueAt(resource, "verbs"), valueAt(resource, "responseKind", "kind"), valueAt(resource, "shortNames")],
      [valueAt(twin, "verbs"), valueAt(twin, "kind"), valueAt(twin, "shortNames")],
    );
    for (const subresource of itemsOf(valueAt(resource, "subresources") ?? [])) {
      const name = `${valueAt(resource, "resource")}/${valueAt(subresource, "subresource")}`;
      const other = plain.find((each) => valueAt(each, "name") === name);
      assert.deepEqual(valueAt(subresource, "verbs"), valueAt(other, "verbs"), name);
    }
  }
  assert.equal(
    ok(
      await admin.get("/apis", {
        accept: "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,*/*",
      }),
    ).body.kind,
    "APIGroupList",
  );
});

/** Asks again with the ETag of the first answer, then with another one. */
async function assertRevalidates(path: string, headers: { [name: string]: string }): Promise<Reply> {
  const first = ok(await admin.get(path, headers));
  const etag = String(first.headers.etag);
  assert.match(etag, /^"[^"]+"$/);
  const same = ok(await admin.get(path, { ...headers, "if-none-match": etag }), 304);
  assert.deepEqual([same.text, same.headers.etag], ["", etag]);
  assert.equal(ok(await admin.get(path, { ...headers, "if-none-match": '"other"' })).text, first.text);
  return first;
}

// API D-40, K-05, K-09, O-04
test("documents that many fetch again and again are sent once per version", async () => {
  await assertRevalidates("/apis", { accept: v2Discovery });
  await assertRevalidates("/openapi/v2", { accept: "application/json" });
  await assertRevalidates("/openapi/v3", {});
  await assertRevalidates(`/openapi/v3/apis/${groupVersion}`, {});
});

// API K-11, O-10, O-11, O-12, O-13, O-16, O-20, O-21, O-40, KB-13
test("OpenAPI v3: an index with hashes, a document per group version", async () => {
  const url = String(ok(await admin.get("/openapi/v3")).at("paths", `apis/${groupVersion}`, "serverRelativeURL"));
  assert.match(url, new RegExp(`^/openapi/v3/apis/${groupVersion}\\?hash=[0-9A-F]+$`));
  const hashed = ok(await admin.get(url));
  assert.equal(hashed.headers.etag, `"${url.slice(url.indexOf("=") + 1)}"`);
  assert.equal(hashed.headers["cache-control"], "public, immutable");
  assert.ok(Date.parse(String(hashed.headers.expires)) > Date.now() + 300 * 24 * 3600 * 1000);
  assert.match(String(hashed.body.openapi), /^3\.0\./);
  const old = ok(await admin.get(`/openapi/v3/apis/${groupVersion}?hash=OLD`), 301);
  assert.equal(old.headers.location, url);
  const paths = hashed.body.paths;
  assert.ok(isObject(paths));
  for (const suffix of ["", "/{name}", "/{name}/status", "/{name}/scale"]) {
    assert.ok(`${root}/namespaces/{namespace}/functions${suffix}` in paths, suffix);
  }
  const patch = valueAt(paths, `${root}/namespaces/{namespace}/functions/{name}`, "patch");
  assert.deepEqual(valueAt(patch, "x-kubernetes-group-version-kind"), { group, kind: "Function", version: "v1alpha1" });
  const accepted = valueAt(patch, "requestBody", "content");
  assert.ok(isObject(accepted) && "application/merge-patch+json" in accepted);
  const schema = hashed.at("components", "schemas", "io.functionmesh.compute.v1alpha1.Function");
  assert.deepEqual(valueAt(schema, "x-kubernetes-group-version-kind"), [
    { group, kind: "Function", version: "v1alpha1" },
  ]);
});

// API O-01, O-03
test("OpenAPI v2: one document, which says what it is only as JSON", async () => {
  const reply = ok(await admin.get("/openapi/v2"));
  assert.deepEqual([reply.body.swagger, reply.headers["content-type"]], ["2.0", "application/json"]);
  assert.ok(isObject(reply.at("definitions", "io.functionmesh.compute.v1alpha1.Function")));
  ok(await admin.get("/openapi/v2", { accept: "text/html" }), 406);
});

test("OpenAPI v2 as protobuf, as client-go asks for it (API O-02): all of it, and revalidated as the other", async () => {
  const type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
  for (const accept of [type, "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"]) {
    const reply = ok(await admin.get("/openapi/v2", { accept }));
    assert.equal(reply.headers["content-type"], type);
    assert.ok(reply.bytes.includes("io.functionmesh.compute.v1alpha1.Function"));
  }
  await assertRevalidates("/openapi/v2", { accept: type });
  const json = ok(await admin.get("/openapi/v2", { accept: `application/json, ${type}` }));
  assert.equal(json.headers["content-type"], "application/json");
});

test("version is where generated clients look for it, and its document says so", async () => {
  assert.equal(ok(await anonymous.get("/version/")).text, ok(await anonymous.get("/version")).text);
  const paths = ok(await admin.get("/openapi/v2")).body.paths;
  assert.ok(isObject(paths) && "/version/" in paths);
});

// API H-01, H-11
test("version and index are for people and programs", async () => {
  const version = ok(await anonymous.get("/version"));
  for (const field of ["major", "minor", "gitVersion", "goVersion", "platform"]) {
    assert.equal(typeof version.body[field], "string", field);
  }
  const paths = itemsOf(ok(await admin.get("/")).at("paths"));
  assert.deepEqual(paths, paths.toSorted());
  for (const path of [
    "/apis",
    root,
    "/healthz",
    "/livez/ping",
    "/readyz/shutdown",
    "/metrics",
    "/openapi/v2",
    "/version",
  ]) {
    assert.ok(paths.includes(path), path);
  }
});

for (const endpoint of ["healthz", "livez", "readyz"]) {
  // API H-02, H-03, H-04, H-06, H-07
  test(`/${endpoint}: a word for probes of anybody, a line per check for who asks`, async () => {
    const reply = ok(await anonymous.get(`/${endpoint}`));
    assert.deepEqual(
      [reply.text, reply.headers["content-type"], reply.headers["x-content-type-options"]],
      ["ok", "text/plain; charset=utf-8", "nosniff"],
    );
    const verbose = ok(await admin.get(`/${endpoint}?verbose`)).text;
    assert.match(
      verbose,
      new RegExp(`^\\[\\+\\]ping ok\\n\\[\\+\\]log ok\\n\\[\\+\\]etcd ok\\n[\\s\\S]*${endpoint} check passed\\n$`),
    );
    const excluded = ok(await admin.get(`/${endpoint}?verbose&exclude=etcd&exclude=nothing`)).text;
    assert.match(excluded, /^\[\+\]etcd excluded: ok$/m);
    assert.match(excluded, /no matches for "nothing"/);
    assert.equal(ok(await admin.get(`/${endpoint}/ping`)).text, "ok");
    assert.equal((await anonymous.get(`/${endpoint}/ping`)).status, 403);
  });
}

// API H-08
test("readyz alone waits for what requests need", async () => {
  const ready = ok(await admin.get("/readyz?verbose")).text;
  const alive = ok(await admin.get("/livez?verbose")).text;
  for (const check of ["informer-sync", "etcd-readiness", "shutdown"]) {
    assert.ok(ready.includes(`[+]${check} ok`) && !alive.includes(check), check);
  }
});

test("/metrics/slis says how health checks went (API H-13), to who may see it", async () => {
  await admin.get("/readyz");
  const { text } = ok(await admin.get("/metrics/slis"));
  assert.match(text, /^kubernetes_healthcheck\{name="etcd",type="readyz"\} 1$/m);
  assert.match(text, /^kubernetes_healthchecks_total\{name="etcd",type="readyz",status="success"\} [1-9]/m);
  assert.equal((await anonymous.get("/metrics/slis")).status, 403);
});

// API H-12, MT-01, MT-09, MT-22
test("metrics count requests by what they were", async () => {
  ok(await admin.get(`${root}/functions`));
  ok(await admin.get(`${root}/functions`));
  ok(await admin.get(`${root}/namespaces/none/functions/x`), 404);
  const reply = ok(await admin.get("/metrics"));
  assert.match(String(reply.headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  const sample = (name: string, ...labels: readonly string[]): number => sampleOf(reply.text, `${name}{`, ...labels);
  const ours = [`group="${group}"`, 'resource="functions"'];
  assert.ok(sample("apiserver_request_total", 'verb="LIST"', 'code="200"', 'scope="cluster"', ...ours) >= 2);
  assert.equal(sample("apiserver_request_total", 'verb="GET"', 'code="404"', 'scope="resource"', ...ours), 1);
  assert.match(reply.text, /^process_cpu_seconds_total /m);
  assert.match(reply.text, /^apiserver_request_duration_seconds_bucket\{/m);
  assert.equal(sample("kubernetes_build_info", `git_version="v1.37.`), 1);
});

test("metrics tell of watches, of what is stored and how, of admission, and of who asks (API MT-10…MT-13, MT-16, MT-17)", async () => {
  const path = `${root}/namespaces/default/functions`;
  const before = ok(await admin.get("/metrics")).text;
  ok(await admin.post(path, aFunction("metered")), 201);
  ok(await admin.post(`${root}/namespaces/none/functions`, aFunction("metered")), 404);
  const initial = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  ok(await admin.get(`${path}?${initial}&timeoutSeconds=1`));
  const { text } = ok(await admin.get("/metrics"));
  const ours = [`group="${group}"`, 'resource="functions"'];
  const grew = (name: string, ...labels: readonly string[]): number => {
    return sampleOf(text, name, ...labels) - (sampleOf(before, name, ...labels) || 0);
  };
  assert.ok(grew("apiserver_watch_events_total{", ...ours) >= 2);
  assert.ok(grew("apiserver_watch_events_sizes_sum{", ...ours) > 100);
  assert.equal(grew("apiserver_watch_list_duration_seconds_count{", ...ours, 'scope="namespace"'), 1);
  assert.equal(grew("apiserver_resource_objects{", ...ours), 1);
  assert.ok(grew("apiserver_resource_size_estimate_bytes{", ...ours) > 100);
  assert.equal(grew("apiserver_storage_objects{", `resource="functions.${group}"`), 1);
  assert.ok(sampleOf(text, "apiserver_storage_size_bytes{") > 0);
  assert.ok(grew("etcd_requests_total{", 'operation="create"', ...ours) >= 1);
  assert.ok(grew("etcd_request_duration_seconds_count{", 'operation="create"', ...ours) >= 1);
  const lifecycle = ['name="NamespaceLifecycle"', 'type="admit"', 'operation="CREATE"', 'rejected="false"'];
  assert.ok(grew("apiserver_admission_controller_admission_duration_seconds_count{", ...lifecycle) >= 1);
  const refused = ['type="admit"', 'operation="CREATE"', 'rejected="true"'];
  assert.equal(grew("apiserver_admission_step_admission_duration_seconds_count{", ...refused), 1);
  assert.ok(grew("authentication_attempts{", 'result="success"') >= 3);
  assert.ok(grew("authorization_attempts_total{", 'result="allowed"') >= 3);
  assert.ok(grew("authenticated_user_requests{", 'username="other"') >= 3);
});
