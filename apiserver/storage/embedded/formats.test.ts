/** Stores that earlier releases wrote, byte for byte: each opens as it is. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { after } from "node:test";
import { decode, encode } from "../../../test/conformance/storage-case.ts";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-formats-"));
after(() => rmSync(root, { recursive: true }));

const functions = "/registry/compute.functionmesh.io/functions/default/";
const kept = `${functions}kept`;

const formats: Record<string, { readonly file: string; readonly identity: string }> = {
  "format 1, without checksums and indexes": {
    file: "format-1.db",
    identity: "45d34056-2ed6-4aa7-91c7-56035b3f16bd",
  },
  "format 2": { file: "format-2.db", identity: "f6bc77c5-8475-44b9-b992-54c47bca3ba5" },
};

function directoryWith(file: string): string {
  const directory = join(root, file);
  mkdirSync(directory);
  copyFileSync(new URL(`./testdata/${file}`, import.meta.url), join(directory, "store.db"));
  return directory;
}

for (const [name, { file, identity }] of Object.entries(formats)) {
  test(`embedded: a store of ${name} opens with its identity, objects, revisions and history`, async () => {
    const directory = directoryWith(file);
    const replicas = (value: Uint8Array | undefined): unknown => JSON.parse(decode(value) ?? "").spec.replicas;
    {
      await using store = await openEmbedded({ directory });
      assert.equal(store.identity, identity);
      assert.equal(await store.currentRevision(), 6);
      const { items } = await store.range({ prefix: "/registry/" });
      assert.deepEqual(
        items.map(({ key, revision }) => [key, revision]),
        [
          [kept, 3],
          ["/registry/core/configmaps/default/größe", 6],
        ],
      );
      assert.equal(replicas(items[0]?.value), 3);
      const past = await store.range({ prefix: functions, revision: 4 });
      assert.deepEqual(
        past.items.map(({ key }) => key),
        [`${functions}gone`, kept],
      );
      const first = await store.range({ prefix: kept, revision: 2 });
      assert.equal(replicas(first.items[0]?.value), 1);
      assert.equal(await store.create("/registry/core/configmaps/default/new", encode("{}")), 7);
    }
    await using again = await openEmbedded({ directory });
    assert.equal(again.identity, identity);
    assert.equal((await again.range({ prefix: "/registry/" })).count, 3);
  });
}

test("embedded: a store of the format that is written now is kept for the releases to come", async () => {
  const directory = join(root, "now");
  await (await openEmbedded({ directory }))[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(directory, "store.db"));
  const version = database.prepare("PRAGMA user_version").get()?.user_version;
  database.close();
  assert.ok(Object.values(formats).some(({ file }) => file === `format-${version}.db`));
});

test("embedded: a format of the future is refused by its number", async () => {
  const directory = join(root, "future");
  await (await openEmbedded({ directory }))[Symbol.asyncDispose]();
  const database = new DatabaseSync(join(directory, "store.db"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  await assert.rejects(openEmbedded({ directory }), /cannot be used: its format 99 is not one that this program reads/);
});
