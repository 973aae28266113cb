/** What Kubernetes' own kinds do on a laptop as in any other cluster, over HTTPS. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isObject } from "../../apiserver/machinery/json.ts";
import { assertFailure } from "./support/failures.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "core");
const configMaps = "/api/v1/namespaces/core/configmaps";

test("namespaces are deleted one by one only", async () => {
  assertFailure(await admin.delete("/api/v1/namespaces?labelSelector=a%3Db"), {
    code: 405,
    reason: "MethodNotAllowed",
  });
  const { body } = ok(await admin.get("/api/v1"));
  const resources: unknown = JSON.parse(JSON.stringify(body)).resources;
  assert.ok(Array.isArray(resources));
  const verbs = resources.find(({ name }) => name === "namespaces").verbs;
  assert.ok(verbs.includes("delete") && !verbs.includes("deletecollection"));
  assert.ok(resources.find(({ name }) => name === "pods").verbs.includes("deletecollection"));
});

test("items of lists of built-in kinds come without kind and apiVersion, as JSON and as YAML; ours have them", async () => {
  ok(await admin.post(configMaps, { metadata: { name: "a" }, data: { k: "v" } }), 201);
  const list = ok(await admin.get(`${configMaps}?fieldSelector=metadata.name=a`));
  assert.deepEqual([list.at("kind"), list.at("apiVersion")], ["ConfigMapList", "v1"]);
  assert.deepEqual([list.at("items", 0, "kind"), list.at("items", 0, "apiVersion")], [undefined, undefined]);
  assert.deepEqual([list.at("items", 0, "metadata", "name"), list.at("items", 0, "data", "k")], ["a", "v"]);
  const yaml = await admin.send("GET", configMaps, { headers: { accept: "application/yaml" } });
  assert.doesNotMatch(yaml.text, /^ {2}kind: ConfigMap$|^- (apiVersion|kind)/m);
  const autoscalers = ok(await admin.get("/apis/autoscaling.k8s.io/v1/verticalpodautoscalers"));
  assert.equal(autoscalers.at("kind"), "VerticalPodAutoscalerList");
  assert.equal(ok(await admin.get(`${configMaps}/a`)).at("kind"), "ConfigMap");
});

test("reviews are not shown as Tables; who takes plain JSON too gets that", async () => {
  const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  const body = JSON.stringify({
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { verb: "get", resource: "pods" } },
  });
  const table = "application/json;as=Table;g=meta.k8s.io;v=v1";
  const post = (accept: string) =>
    admin.send("POST", path, { body, headers: { "content-type": "application/json", accept } });
  assertFailure(await post(table), { code: 406, reason: "NotAcceptable" });
  assert.equal(ok(await post(`${table},application/json`), 201).at("kind"), "SelfSubjectAccessReview");
});

test("only kinds with a desired state have a generation", async () => {
  const service = { metadata: { name: "s" }, spec: { clusterIP: "None" } };
  const created = ok(await admin.post("/api/v1/namespaces/core/services", service), 201);
  assert.equal(created.at("metadata", "generation"), undefined);
  assert.equal(ok(await admin.get("/api/v1/namespaces/core")).at("metadata", "generation"), undefined);
  const pod = { metadata: { name: "p" }, spec: { containers: [{ name: "c", image: "i" }] } };
  const pods = "/api/v1/namespaces/core/pods";
  assert.equal(ok(await admin.post(pods, pod), 201).at("metadata", "generation"), 1);
  const placed = ok(await admin.patch(`${pods}/p`, "merge", '{"spec":{"nodeName":"n"}}'));
  assert.equal(placed.at("metadata", "generation"), 1, "being placed on a node is no change of the pod");
  const image = '{"spec":{"containers":[{"name":"c","image":"j"}]}}';
  assert.equal(ok(await admin.patch(`${pods}/p`, "strategic-merge", image)).at("metadata", "generation"), 2);
});

test("the server itself is a Service in `default`", async () => {
  const service = ok(await admin.get("/api/v1/namespaces/default/services/kubernetes"));
  assert.deepEqual([service.at("spec", "clusterIP"), service.at("spec", "ports", 0, "port")], ["10.96.0.1", 443]);
});

test("of a built-in kind unknown fields are told before fields given twice", async () => {
  const body = '{"metadata":{"name":"b"},"data":{"k":"1"},"data":{"k":"2"},"nothing":1}';
  const reply = await admin.post(`${configMaps}?fieldValidation=Strict`, body);
  assertFailure(reply, {
    code: 400,
    message: /strict decoding error: unknown field "nothing", duplicate field "data"$/,
  });
});

test("who creates a Service owns what is in its spec, not the spec; its deletion answers the Service", async () => {
  const service = { metadata: { name: "owned" }, spec: { clusterIP: "None", ports: [{ port: 80 }] } };
  const services = "/api/v1/namespaces/default/services";
  const created = ok(await admin.post(services, service), 201);
  const ofSpec = created.at("metadata", "managedFields", 0, "fieldsV1", "f:spec");
  assert.ok(isObject(ofSpec) && "f:clusterIP" in ofSpec && !("." in ofSpec), JSON.stringify(ofSpec));
  assert.deepEqual(created.at("status"), { loadBalancer: {} });
  assert.equal(ok(await admin.delete(`${services}/owned`)).at("kind"), "Service");
});

test("the scale of a StatefulSet tells its selector", async () => {
  const set = {
    metadata: { name: "scaled" },
    spec: {
      replicas: 0,
      serviceName: "s",
      selector: {
        matchLabels: { b: "2", a: "1" },
        matchExpressions: [{ key: "c", operator: "In", values: ["y", "x"] }],
      },
      template: {
        metadata: { labels: { a: "1", b: "2", c: "x" } },
        spec: { containers: [{ name: "c", image: "i" }] },
      },
    },
  };
  const sets = "/apis/apps/v1/namespaces/default/statefulsets";
  ok(await admin.post(sets, set), 201);
  assert.equal(ok(await admin.get(`${sets}/scaled/scale`)).at("status", "selector"), "a=1,b=2,c in (x,y)");
  ok(await admin.delete(`${sets}/scaled`));
});

// API U-01, U-04
test("a PUT creates a Service that is not there, and no ConfigMap", async () => {
  const services = "/api/v1/namespaces/core/services";
  const spec = { clusterIP: "None", ports: [{ port: 80 }] };
  const put = ok(await admin.put(`${services}/put`, { metadata: { name: "put", resourceVersion: "1" }, spec }), 201);
  assert.equal(put.at("spec", "type"), "ClusterIP");
  ok(await admin.put(`${services}/put`, { metadata: { name: "put" }, spec }));
  assertFailure(await admin.put(`${configMaps}/put`, { metadata: { name: "put" } }), { code: 404, reason: "NotFound" });
});
