import assert from "node:assert/strict";
import { test } from "node:test";
import { followByInformer } from "../../../../controllers/runtime/follow.ts";
import { silentLogger } from "../../../../controllers/runtime/logger.ts";
import { attributesOf } from "../../../../test/support/admission.ts";
import { FakeClient } from "../../../../test/support/fake-client.ts";
import { FakeClock, settle } from "../../../../test/support/fake-clock.ts";
import { refused } from "../../../../test/support/widgets.ts";
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import { resourceQuotaType } from "../../../client/resource-types.ts";
import { newConflict } from "../../../errors/status-error.ts";
import { systemClock } from "../../../machinery/clock.ts";
import { objectOf } from "../../../machinery/fields.ts";
import type { AdmissionAttributes } from "../../interface.ts";
import { ResourceQuota } from "./plugin.ts";

const counted = "count/widgets.test.example";

function quota(name: string, hard: number, used: number | undefined, spec: JsonObject = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name, namespace: "demo" },
    spec: { hard: { [counted]: String(hard) }, ...spec },
    status: { hard: { [counted]: String(hard) }, used: used === undefined ? {} : { [counted]: String(used) } },
  };
}

async function setup(t: { after: (done: () => void) => void }, ...quotas: KubeObject[]) {
  const client = new FakeClient(new FakeClock());
  for (const each of quotas) await client.create(resourceQuotaType, each);
  const ending = new AbortController();
  t.after(() => ending.abort());
  const plugin = new ResourceQuota(client, followByInformer({ clock: systemClock, log: silentLogger }), ending.signal);
  await settle();
  const used = async (name: string) => {
    const found = await client.get({ type: resourceQuotaType, name, namespace: "demo" });
    return objectOf(objectOf(found, "status"), "used")?.[counted];
  };
  return { client, plugin, used };
}

const exceeded = (name: string, used: number, limit: number) =>
  refused(
    403,
    `widgets.test.example "a" is forbidden: exceeded quota: ${name}, requested: ${counted}=1, used: ${counted}=${used}, limited: ${counted}=${limit}`,
  );

// API KC-20
test("a create takes its place in every quota of its namespace, and none is charged where one has no room", async (t) => {
  const { plugin, used } = await setup(t, quota("small", 2, 1), quota("large", 9, 4));
  await plugin.validate(attributesOf());
  assert.deepEqual([await used("small"), await used("large")], ["2", "5"]);
  await assert.rejects(plugin.validate(attributesOf()), exceeded("small", 2, 2));
  assert.deepEqual([await used("small"), await used("large")], ["2", "5"]);
});

test("creates that race, others' writes among them, get as many places as there are", async (t) => {
  const { client, plugin, used } = await setup(t, quota("small", 5, 0));
  client.fail(
    ({ verb }) => verb === "update",
    newConflict({ group: "", resource: "resourcequotas" }, "small", "changed"),
    2,
  );
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => plugin.validate(attributesOf())));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 5);
  assert.equal(await used("small"), "5");
});

const passing: Record<string, Partial<AdmissionAttributes>> = {
  "an update": { operation: "UPDATE" },
  "a deletion": { operation: "DELETE" },
  "a subresource": { subresource: "status" },
  "another namespace": { namespace: "other" },
  "another kind": { resource: { group: "test.example", version: "v1", resource: "gadgets" } },
};
for (const [what, overrides] of Object.entries(passing)) {
  test(`${what} is not counted`, async (t) => {
    const { plugin, used } = await setup(t, quota("full", 1, 1));
    await plugin.validate(attributesOf(overrides));
    assert.equal(await used("full"), "1");
  });
}

test("a dry run is judged and takes nothing", async (t) => {
  const { plugin, used } = await setup(t, quota("small", 1, 0));
  await plugin.validate(attributesOf({ dryRun: true }));
  assert.equal(await used("small"), "0");
  await plugin.validate(attributesOf());
  await assert.rejects(plugin.validate(attributesOf({ dryRun: true })), exceeded("small", 1, 1));
});

test("a quota of scopes counts pods; one that nobody has counted yet refuses", async (t) => {
  const scoped = await setup(t, quota("scoped", 1, 1, { scopes: ["Terminating"] }));
  await scoped.plugin.validate(attributesOf());
  const { plugin } = await setup(t, quota("new", 1, undefined));
  await assert.rejects(
    plugin.validate(attributesOf()),
    refused(403, `widgets.test.example "a" is forbidden: status unknown for quota: new, resources: ${counted}`),
  );
});
