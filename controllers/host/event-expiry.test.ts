import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { eventType } from "../../apiserver/client/resource-types.ts";
import { formatTime } from "../../apiserver/machinery/time.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";

const hourMs = 3_600_000;

async function create(host: FakeHost, name: string, fields: JsonObject = {}): Promise<void> {
  await host.client.create(eventType, {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name, namespace: "demo" },
    involvedObject: { kind: "Pod", namespace: "demo", name: "p" },
    ...fields,
  });
  await settle();
}

test("an Event goes an hour after it was last reported", async () => {
  await using host = await FakeHost.start();
  await create(host, "once");
  await create(host, "future", { lastTimestamp: formatTime(host.clock.now() + 10 * hourMs) });
  await create(host, "again");
  await host.clock.advance(hourMs / 2);
  const ref = { type: eventType, name: "again", namespace: "demo" };
  await host.client.patch(ref, { type: "merge", body: { lastTimestamp: formatTime(host.clock.now()), count: 2 } });
  await settle();
  await host.clock.advance(hourMs / 2 - 1_000);
  assert.deepEqual(await host.names(eventType), ["again", "future", "once"]);
  await host.clock.advance(1_000);
  assert.deepEqual(await host.names(eventType), ["again"]);
  await host.clock.advance(hourMs / 2);
  assert.deepEqual(await host.names(eventType), []);
});
