import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryBackend } from "../../test/support/memory-backend.ts";
import { MeteredBackend, type StorageCall } from "./metered-backend.ts";

const key = "/registry/compute.functionmesh.io/functions/n/f";
const bytes = new Uint8Array([1]);

// API MT-13
test("calls are told with whom they were for; what the key says is an answer, what the store says a failure", async () => {
  const store = new MemoryBackend();
  const calls: StorageCall[] = [];
  const metered = new MeteredBackend(store, (call) => calls.push(call));
  const revision = await metered.create(key, bytes);
  await assert.rejects(metered.create(key, bytes));
  await assert.rejects(metered.update(key, bytes, revision + 1));
  await metered.get(key);
  await metered.range({ prefix: "/registry/core/pods/" });
  await metered.currentRevision();
  await metered[Symbol.asyncDispose]();
  await assert.rejects(metered.delete(key, revision));
  assert.deepEqual(
    calls.map(({ operation, group, resource, failed }) => [operation, group, resource, failed]),
    [
      ["create", "compute.functionmesh.io", "functions", false],
      ["create", "compute.functionmesh.io", "functions", false],
      ["update", "compute.functionmesh.io", "functions", false],
      ["get", "compute.functionmesh.io", "functions", false],
      ["list", "", "pods", false],
      ["getCurrentResourceVersion", "", "", false],
      ["delete", "compute.functionmesh.io", "functions", true],
    ],
  );
});
