import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { fileMemory } from "./file-memory.ts";
import type { Remembered } from "./store-memory.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-memory-"));
after(() => rmSync(root, { recursive: true }));
const { signal } = new AbortController();

const standing = (revision: number): Remembered => ({
  position: { identity: "store-1", revision, objects: 3, marks: 2 },
  acceptances: 0,
});

test("fileMemory: the newest that was written is read; a file that says nothing is told", async () => {
  const file = join(root, "store.memory");
  const memory = fileMemory(file, () => "do it");
  assert.deepEqual(await memory.read(signal), {});
  await memory.write(standing(7), signal);
  await memory.write(standing(6), signal);
  assert.deepEqual(await memory.read(signal), { remembered: standing(7) });
  writeFileSync(file, "?");
  await assert.rejects(memory.read(signal), /store\.memory does not say where the store stood/);
});
