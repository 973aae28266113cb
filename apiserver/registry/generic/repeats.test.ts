/** A write that changed nothing is not read again, and nothing else is different by that (API U-07, S-15). */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { aWidget, objectAt } from "../../../test/support/objects.ts";
import { applyOf, patchOf, refused, WidgetServer, writeOf } from "../../../test/support/widgets.ts";
import type { AdmissionPlugin } from "../../admission/interface.ts";
import type { JsonObject } from "../../apis/meta/v1.ts";
import { newForbidden } from "../../errors/status-error.ts";
import type { WriteOptions, WriteRequest } from "../rest/interface.ts";

const widget = (spec: JsonObject): JsonObject => ({
  apiVersion: "test.example/v1",
  kind: "Widget",
  metadata: { name: "a" },
  spec,
});

/** Counts how often its kind is asked to judge an object. */
function counting(t: TestContext, plugins: readonly AdmissionPlugin[] = []) {
  const judged = { count: 0 };
  const strategy = {
    validate: () => {
      judged.count++;
      return [];
    },
  };
  const server = new WidgetServer(t, { strategy, plugins });
  const send = (request: WriteRequest) => server.store.patch(server.context(), request);
  const apply = (spec: JsonObject, options: Partial<WriteOptions> = {}) =>
    send(applyOf("a", widget(spec), "m", options));
  return { judged, server, send, apply };
}

test("the same again is judged once more, and then only compared", async (t) => {
  const { judged, apply } = counting(t);
  await apply({ size: 1 });
  const { item } = await apply({ size: 1 });
  assert.equal(judged.count, 2);
  assert.equal((await apply({ size: 1 })).item, item);
  assert.equal((await apply({ size: 1 }, { dryRun: true })).item, item);
  assert.equal(judged.count, 2);
});

test("what differs in any way is read: body, manager, force, validation, endpoint", async (t) => {
  const { judged, apply, send, server } = counting(t);
  await apply({ size: 1 });
  await apply({ size: 1 });
  const others = [
    () => apply({ size: 1 }, { force: true }),
    () => apply({ size: 1 }, { fieldValidation: "Strict" as const }),
    () => send(applyOf("a", `${JSON.stringify(widget({ size: 1 }))}\n`, "m")),
    () => send(patchOf("a", { spec: { size: 1 } }, { fieldManager: "m" })),
  ];
  for (const [index, other] of others.entries()) {
    await other();
    assert.equal(judged.count, 3 + index);
  }
  await send(applyOf("a", widget({ size: 1 }), "other"));
  const { managedFields = [] } = (await server.store.get(server.context(), "a", { resourceVersion: "" })).object
    .metadata;
  assert.deepEqual(managedFields.map(({ manager }) => manager).sort(), ["m", "other"], "another manager has its entry");
  const status = server.subresource("status");
  assert.ok(status.patch !== undefined);
  await status.patch(server.context(), applyOf("a", widget({ size: 1 }), "m"));
});

test("another write in between is noticed, whoever's it is", async (t) => {
  const { apply, send } = counting(t);
  await apply({ size: 1 });
  await apply({ size: 1 });
  await send(patchOf("a", { spec: { color: "red" } }));
  assert.equal(objectAt((await apply({ size: 1 })).item.object, "spec").color, "red");
  await send(patchOf("a", { spec: { size: 2 } }, { fieldManager: "o" }));
  await assert.rejects(apply({ size: 1 }), refused(409, /conflict with "o"/));
});

test("a dry run that would change the object is none that leaves it as it is", async (t) => {
  const { apply } = counting(t);
  await apply({ size: 1 });
  for (let time = 0; time < 2; time++) {
    assert.equal(objectAt((await apply({ size: 2 }, { dryRun: true })).item.object, "spec").size, 2);
  }
  assert.equal(objectAt((await apply({ size: 2 })).item.object, "spec").size, 2);
});

test("admission is asked every time, and may change its mind", async (t) => {
  const mind = { allows: true, color: "" };
  const plugin: AdmissionPlugin = {
    name: "moody",
    admit: async ({ object }) =>
      object === undefined || mind.color === ""
        ? undefined
        : { ...object, spec: { ...objectAt(object, "spec"), color: mind.color } },
    validate: async () => {
      if (!mind.allows) throw newForbidden({ group: "test.example", resource: "widgets" }, "a", "not today");
    },
  };
  const { apply } = counting(t, [plugin]);
  await apply({ size: 1 });
  await apply({ size: 1 });
  mind.allows = false;
  await assert.rejects(apply({ size: 1 }), refused(403, /not today/));
  mind.allows = true;
  mind.color = "red";
  assert.equal(objectAt((await apply({ size: 1 })).item.object, "spec").color, "red");
  assert.equal(objectAt((await apply({ size: 1 })).item.object, "spec").color, "red");
});

test("a warning is given every time", async (t) => {
  const { apply, server } = counting(t);
  for (let time = 1; time <= 3; time++) {
    await server.store.patch(server.context(), patchOf("b", {})).catch(() => {});
    await apply({ size: 1 });
    await server.store.patch(server.context(), patchOf("a", { spec: { unknown: 1 } }));
    assert.equal(server.warnings.filter((text) => text.includes("unknown")).length, time);
  }
});

test("preconditions hold for the object that is there", async (t) => {
  const { send, apply } = counting(t);
  await apply({ size: 1 });
  const fitting = { ...patchOf("a", {}), preconditions: { uid: "uid-1" } };
  await send(fitting);
  await send(fitting);
  await assert.rejects(send({ ...patchOf("a", {}), preconditions: { uid: "other" } }), refused(409, /UID/));
});

test("a PUT of what is stored, with its version, is repeated too; a later one with that version is stale", async (t) => {
  const { judged, server, send } = counting(t);
  const { object } = await server.create(aWidget("a", { spec: { size: 1 } }));
  const put = () => server.store.update(server.context(), writeOf("a", object));
  await put();
  const { count } = judged;
  await put();
  assert.equal(judged.count, count);
  await send(patchOf("a", { spec: { size: 2 } }));
  await assert.rejects(put(), refused(409, /the object has been modified/));
});
