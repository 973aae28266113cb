import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { openStorage, parseStorageUrl, type StorageOptions } from "./factory.ts";

const cases: Record<string, { url: string; options: StorageOptions }> = {
  "a directory": { url: "/var/lib/functionmesh", options: { type: "embedded", directory: "/var/lib/functionmesh" } },
  "a relative directory": { url: "./data", options: { type: "embedded", directory: "./data" } },
  "a file URL": { url: "file:///var/lib/a%20b", options: { type: "embedded", directory: "/var/lib/a b" } },
  "one etcd": { url: "http://127.0.0.1:2379", options: { type: "etcd", endpoints: ["http://127.0.0.1:2379"] } },
  "an etcd cluster": {
    url: "https://a:2379, https://b:2379",
    options: { type: "etcd", endpoints: ["https://a:2379", "https://b:2379"] },
  },
};
for (const [name, { url, options }] of Object.entries(cases)) {
  test(`parseStorageUrl: ${name}`, () => assert.deepEqual(parseStorageUrl(url), options));
}

for (const url of ["", "http://a:1,https://b:2", "/a,/b", "http://a:1,/b"]) {
  test(`parseStorageUrl: refuses ${JSON.stringify(url)}`, () => assert.throws(() => parseStorageUrl(url), TypeError));
}

test("openStorage: opens what the URL says", async () => {
  const directory = mkdtempSync(join(tmpdir(), "functionmesh-factory-"));
  try {
    await using store = await openStorage(parseStorageUrl(directory));
    await store.ping();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
