import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after, before } from "node:test";
import { openStorage, readEtcdTls } from "./factory.ts";

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), "functionmesh-factory-"));
});
after(() => rmSync(directory, { recursive: true }));

test("openStorage: opens an embedded store in its directory", async () => {
  await using store = await openStorage({ type: "embedded", directory });
  await store.ping();
});

test("readEtcdTls: reads the files that are named", async () => {
  const file = (name: string): string => {
    writeFileSync(join(directory, name), name);
    return join(directory, name);
  };
  assert.deepEqual(await readEtcdTls({ ca: file("ca") }), { ca: Buffer.from("ca") });
  assert.deepEqual(await readEtcdTls({ ca: file("ca"), cert: file("cert"), key: file("key") }), {
    ca: Buffer.from("ca"),
    cert: Buffer.from("cert"),
    key: Buffer.from("key"),
  });
});
