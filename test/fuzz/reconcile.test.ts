/**
 * Whatever is accepted at random is reconciled without a failure, and once: looked at again, and by controllers that start
 * anew, nothing is written.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  backendConfigType,
  functionMeshType,
  functionType,
  sinkType,
  sourceType,
} from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { statefulSetType } from "../../apiserver/client/resource-types.ts";
import { ComputeControllers } from "../support/compute-controllers.ts";
import { settle } from "../support/fake-clock.ts";
import { random } from "../support/random.ts";
import { admission, kinds, RandomObjects } from "./random-objects.ts";

/** Objects that are accepted. */
const size = 150;
const types = [functionType, sourceType, sinkType, functionMeshType, backendConfigType];
const typeOf = (kind: string | undefined) => types.find((type) => type.kind === kind) ?? functionType;

function accepted(): KubeObject[] {
  const objects = new RandomObjects(random(42));
  const admit = admission();
  const found: KubeObject[] = [];
  for (let index = 0; found.length < size; index += 1) {
    const { object, errors } = admit(objects.object(kinds[index % kinds.length] ?? "Function", `w${index}`));
    // The server gives the identity.
    const { uid: _, ...metadata } = object.metadata;
    if (errors.length === 0) found.push({ ...object, metadata });
  }
  return found;
}

/** Until nothing moves: members of meshes are objects of their own. */
async function still(world: ComputeControllers): Promise<void> {
  for (let before = -1; before !== world.client.requests.length; ) {
    before = world.client.requests.length;
    await settle();
  }
}

test("what is accepted at random is reconciled once, and without a failure", async () => {
  await using world = await ComputeControllers.start();
  const objects = accepted();
  for (const object of objects) await world.client.create(typeOf(object.kind), object);
  await still(world);
  assert.deepEqual(world.errors, []);
  const sets = await world.client.list(statefulSetType);
  assert.ok(sets.items.length > size / 2, `${sets.items.length} StatefulSets`);

  const annotations = { "example.org/look": "again" };
  const before = world.client.writes.length;
  for (const { kind, metadata } of objects) {
    const { name = "", namespace = "" } = metadata;
    await world.client.patch(
      { type: typeOf(kind), name, namespace },
      { type: "merge", body: { metadata: { annotations } } },
    );
  }
  await still(world);
  assert.equal(world.client.writes.length - before, objects.length, "our own, and no other");

  const written = world.client.writes.length;
  await using again = await ComputeControllers.start({}, world.client);
  await still(again);
  assert.deepEqual(world.client.writes.slice(written), []);
  assert.deepEqual([...world.errors, ...again.errors], []);
});
