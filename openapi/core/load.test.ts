import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadCoreSchemas } from "./load.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "core-schemas-"));
});
after(() => rm(directory, { recursive: true }));

test("what is read from the cache is what was made", async () => {
  const made = await loadCoreSchemas({ cacheDirectory: directory });
  const [file, ...others] = await readdir(directory);
  assert.deepEqual(others, []);
  assert.match(file ?? "", /^core-schemas-[0-9a-f]{16}\.json$/);

  const read = await loadCoreSchemas({ cacheDirectory: directory });
  assert.deepEqual([...read], [...made]);
});

test("a cache that is there is used instead of the models", async () => {
  const [file] = await readdir(directory);
  const path = join(directory, file ?? "");
  const original = await readFile(path, "utf8");
  await writeFile(path, JSON.stringify({ marker: { type: "string" } }));
  assert.deepEqual([...(await loadCoreSchemas({ cacheDirectory: directory })).keys()], ["marker"]);
  await writeFile(path, original);
});

test("a directory that can't be written costs time, not correctness", async () => {
  const file = join(directory, "not-a-directory");
  await writeFile(file, "");
  const schemas = await loadCoreSchemas({ cacheDirectory: join(file, "below") });
  assert.ok(schemas.has("io.k8s.api.core.v1.Container"));
});
