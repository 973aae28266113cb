/** One store, two versions or two groups: autoscalers and Events over HTTPS. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createNamespace, ok } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "twice");
const autoscalers = (version: string) => `/apis/autoscaling/${version}/namespaces/twice/horizontalpodautoscalers`;
const coreEvents = "/api/v1/namespaces/twice/events";
const newEvents = "/apis/events.k8s.io/v1/namespaces/twice/events";

test("an autoscaler of version 1 is one of version 2 as well, and is changed through either", async () => {
  const spec = { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "w" } };
  const body = { metadata: { name: "w" }, spec: { ...spec, targetCPUUtilizationPercentage: 50 } };
  const created = ok(await admin.post(autoscalers("v1"), body), 201);
  assert.equal(created.at("apiVersion"), "autoscaling/v1");
  const second = ok(await admin.get(`${autoscalers("v2")}/w`));
  assert.equal(second.at("spec", "metrics", 0, "resource", "target", "averageUtilization"), 50);
  assert.equal(second.at("metadata", "uid"), created.at("metadata", "uid"));

  const memory = {
    type: "Resource",
    resource: { name: "memory", target: { type: "AverageValue", averageValue: "1Gi" } },
  };
  const add = JSON.stringify([{ op: "add", path: "/spec/metrics/-", value: memory }]);
  ok(await admin.patch(`${autoscalers("v2")}/w`, "json", add));
  ok(await admin.patch(`${autoscalers("v1")}/w`, "merge", '{"spec":{"targetCPUUtilizationPercentage":60}}'));
  const changed = ok(await admin.get(`${autoscalers("v2")}/w`));
  assert.equal(changed.at("spec", "metrics", 0, "resource", "target", "averageUtilization"), 60);
  assert.deepEqual(changed.at("spec", "metrics", 1), memory);
  assert.equal(changed.at("metadata", "annotations"), undefined, "what version 1 has no field for is no annotation");
  assert.equal(ok(await admin.get("/apis/autoscaling")).at("preferredVersion", "version"), "v2");
});

test("an Event of one group is one of the other, with its fields' names there", async () => {
  const event = {
    metadata: { name: "e" },
    eventTime: "2026-01-01T00:00:00.000000Z",
    type: "Normal",
    reason: "Tried",
    action: "Try",
    note: "It was tried.",
    regarding: { kind: "Pod", namespace: "twice", name: "p" },
    reportingController: "example.org/robot",
    reportingInstance: "robot-1",
  };
  const created = ok(await admin.post(newEvents, event), 201);
  assert.deepEqual([created.at("apiVersion"), created.at("note")], ["events.k8s.io/v1", "It was tried."]);
  const core = ok(await admin.get(`${coreEvents}?fieldSelector=involvedObject.name=p`));
  assert.equal(core.at("items", 0, "message"), "It was tried.");
  assert.equal(core.at("items", 0, "involvedObject", "name"), "p");
  const [manager] = JSON.parse(JSON.stringify(core.at("items", 0, "metadata", "managedFields")));
  assert.equal(manager.apiVersion, "events.k8s.io/v1", "who wrote in one group owns fields by their names there");
  assert.deepEqual([manager.fieldsV1["f:note"], manager.fieldsV1["f:message"]], [{}, undefined]);
  const found = ok(await admin.get(`${newEvents}?fieldSelector=regarding.name=p`));
  assert.equal(found.at("items", 0, "metadata", "uid"), core.at("items", 0, "metadata", "uid"));
  ok(await admin.delete(`${newEvents}/e`));
  assert.deepEqual(ok(await admin.get(`${coreEvents}?fieldSelector=involvedObject.name=p`)).at("items"), []);
});

test("a new Event of the newer group says when it happened, and not how the older one counts", async () => {
  const told = {
    action: "Try",
    note: "It was tried.",
    reason: "Tried",
    regarding: { kind: "Pod", namespace: "twice", name: "p" },
    reportingController: "example.org/robot",
    reportingInstance: "robot-1",
  };
  const fieldsOf = (reply: Awaited<ReturnType<typeof admin.post>>): unknown =>
    JSON.parse(reply.text).details.causes.map(({ field }: { field: string }) => field);
  const untimed = await admin.post(newEvents, { metadata: { name: "n" }, type: "Odd", ...told });
  assert.deepEqual([untimed.status, fieldsOf(untimed)], [422, ["eventTime", "type"]]);
  const eventTime = "2026-01-01T00:00:00.000000Z";
  const counted = { ...told, metadata: { name: "n" }, type: "Normal", eventTime, deprecatedCount: 2 };
  const refused = await admin.post(newEvents, { ...counted, deprecatedLastTimestamp: "2026-01-01T00:00:00Z" });
  assert.deepEqual([refused.status, fieldsOf(refused)], [422, ["deprecatedLastTimestamp", "deprecatedCount"]]);
});

test("a time that an Event does not have is null, in both groups, as it may be sent", async () => {
  const event = {
    metadata: { name: "nulls", creationTimestamp: null },
    involvedObject: { kind: "Pod", namespace: "twice", name: "p" },
    firstTimestamp: null,
    lastTimestamp: "2026-01-01T00:00:00Z",
    eventTime: null,
    series: null,
    related: null,
    source: { component: "robot" },
  };
  const core = ok(await admin.post(coreEvents, event), 201);
  const times = ["firstTimestamp", "lastTimestamp", "eventTime"].map((time) => core.at(time));
  assert.deepEqual(times, [null, "2026-01-01T00:00:00Z", null]);
  assert.deepEqual(
    ["series", "related", "reportingComponent", "reportingInstance"].map((member) => core.at(member)),
    [undefined, undefined, "", ""],
  );
  const ofManager = core.at("metadata", "managedFields", 0, "fieldsV1");
  assert.deepEqual(ofManager, { "f:involvedObject": {}, "f:lastTimestamp": {}, "f:source": { "f:component": {} } });
  const other = ok(await admin.get(`${newEvents}/nulls`));
  assert.deepEqual([other.at("eventTime"), other.at("deprecatedFirstTimestamp")], [null, null]);
  assert.deepEqual(other.at("deprecatedSource"), { component: "robot" });
  const { body } = other;
  assert.equal(
    ok(await admin.put(`${newEvents}/nulls`, JSON.parse(JSON.stringify(body)))).at("metadata", "resourceVersion"),
    core.at("metadata", "resourceVersion"),
    "what is sent back as it came changes nothing",
  );
});
