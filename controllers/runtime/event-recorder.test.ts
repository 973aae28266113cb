import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { newServiceUnavailable } from "../../apiserver/errors/status-error.ts";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { ClientEventRecorder, eventType } from "./event-recorder.ts";
import type { EventRecord } from "./interface.ts";
import { type LogFields, silentLogger } from "./logger.ts";

const fn = (name = "wordcount"): KubeObject => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name, namespace: "demo", uid: `uid-${name}`, resourceVersion: "7" },
});
const created = (message: string): EventRecord => ({ type: "Normal", reason: "Created", message });

function setUp() {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const lines: string[] = [];
  const note = (level: string) => (fields: LogFields, message: string) =>
    void lines.push(`${level} ${message} ${fields.object} ${fields.reason} ${fields.message}`);
  const log = { ...silentLogger, info: note("info"), warn: note("warn") };
  const recorder = new ClientEventRecorder({ client, clock, log, component: "function-mesh" });
  const stored = async () => {
    await recorder.flush();
    return (await client.list(eventType)).items;
  };
  return { clock, client, recorder, lines, stored };
}

// API KC-24
test("an event names its object, its source and its time", async () => {
  const { recorder, stored } = setUp();
  recorder.record(fn(), created("StatefulSet created"));
  const [event] = await stored();
  assert.match(event?.metadata.name ?? "", /^wordcount\.[0-9a-f]+$/);
  assert.equal(event?.metadata.namespace, "demo");
  const { apiVersion, kind, metadata, ...rest } = event ?? fn();
  assert.deepEqual(rest, {
    involvedObject: {
      apiVersion: "compute.functionmesh.io/v1alpha1",
      kind: "Function",
      name: "wordcount",
      namespace: "demo",
      uid: "uid-wordcount",
      resourceVersion: "7",
    },
    type: "Normal",
    reason: "Created",
    message: "StatefulSet created",
    source: { component: "function-mesh" },
    reportingComponent: "function-mesh",
    reportingInstance: "",
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:00:00Z",
    count: 1,
  });
});

test("the same event again is counted, also after the server has forgotten it", async () => {
  const { clock, client, recorder, stored } = setUp();
  recorder.record(fn(), created("x"));
  await clock.advance(60_000);
  recorder.record(fn(), created("x"));
  const [event] = await stored();
  assert.equal(event?.count, 2);
  assert.equal(event?.lastTimestamp, "2026-01-01T00:01:00Z");
  assert.equal(event?.firstTimestamp, "2026-01-01T00:00:00Z");
  await client.delete({ type: eventType, name: event?.metadata.name ?? "", namespace: "demo" });
  recorder.record(fn(), created("x"));
  assert.deepEqual(
    (await stored()).map(({ count }) => count),
    [1],
  );
});

test("many messages under one reason become one event", async () => {
  const { recorder, stored } = setUp();
  for (let number = 0; number < 20; number++) recorder.record(fn(), created(`message ${number}`));
  const events = await stored();
  assert.equal(events.length, 11);
  assert.equal(events.at(-1)?.message, "(combined from similar events): message 19");
  assert.equal(events.at(-1)?.count, 10);
});

test("a chatty object is cut off, others are not, and it recovers slowly", async () => {
  const { clock, client, recorder, stored } = setUp();
  for (let number = 0; number < 100; number++) recorder.record(fn(), created("x"));
  recorder.record(fn("other"), created("x"));
  await stored();
  assert.equal(client.writes.length, 26);
  await clock.advance(300_000);
  for (let number = 0; number < 5; number++) recorder.record(fn(), created("x"));
  await stored();
  assert.equal(client.writes.length, 27);
});

test("a failure is nobody's problem", async () => {
  const { client, recorder, stored } = setUp();
  client.fail(({ verb }) => verb === "create", newServiceUnavailable("down"));
  recorder.record(fn(), created("lost"));
  recorder.record(fn(), created("kept"));
  assert.deepEqual(
    (await stored()).map(({ message }) => message),
    ["kept"],
  );
});

test("long names and messages fit", async () => {
  const { recorder, stored } = setUp();
  recorder.record(fn("n".repeat(253)), created("m".repeat(5000)));
  const [event] = await stored();
  assert.equal(event?.metadata.name?.length, 253);
  assert.equal(String(event?.message).length, 1024);
});

test("a clock that is set back does not silence an object for as long", async () => {
  const { clock, recorder, stored } = setUp();
  for (let i = 0; i < 100; i++) recorder.record(fn(), created(`before ${i}`));
  const before = (await stored()).length;
  clock.set(clock.now() - 400 * 86_400_000);
  await clock.advance(3_600_000);
  recorder.record(fn(), created("after"));
  assert.equal((await stored()).length, before + 1);
});

test("the log has a line for every change, and one for a trouble that is met again and again", async () => {
  const { recorder, lines, stored } = setUp();
  const refused: EventRecord = { type: "Warning", reason: "Refused", message: "quota" };
  for (const event of [created("a"), refused, created("a"), refused, refused]) recorder.record(fn(), event);
  await stored();
  const changed = "info changed Function/demo/wordcount/uid-wordcount Created a";
  assert.deepEqual(lines.toSorted(), [
    changed,
    changed,
    "warn in trouble Function/demo/wordcount/uid-wordcount Refused quota",
  ]);
});
