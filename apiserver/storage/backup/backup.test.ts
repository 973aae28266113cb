import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { decode, encode } from "../../../test/conformance/storage-case.ts";
import { EtcdProcess, findEtcd } from "../../../test/support/etcd.ts";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { openEmbedded } from "../embedded/embedded-store.ts";
import { openEtcd } from "../etcd3/etcd-store.ts";
import type { StorageBackend } from "../interface.ts";
import { contradiction } from "../position.ts";
import { exportStore } from "./export.ts";
import { isOwnKey } from "./format.ts";
import { importStore } from "./import.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-backup-"));
after(() => rmSync(root, { recursive: true }));
const silent = (): void => {};
let files = 0;
const newFile = (): string => join(root, `${++files}.jsonl`);
const binary = new Uint8Array([0xff, 0x00, 0x80, 0x0a]);

/** Keys in an order of writing that is not that of their names, with what backups must not change. */
async function fill(store: StorageBackend, count = 200): Promise<void> {
  for (let i = 0; i < count; i++) {
    const key = `/registry/g/r/${String((i * 7919) % count).padStart(4, "0")}`;
    await store.create(
      key,
      encode(JSON.stringify({ key, uid: `uid-${i}`, number: "12345678901234567890", text: "größe\n" })),
    );
  }
  const { items } = await store.range({ prefix: "/registry/g/r/0001" });
  for (const { key, revision, value } of items) await store.update(key, value, revision);
  await store.create("/registry/g/binary", binary);
  await store.create("/registry/g/empty", new Uint8Array(0));
}

/** Keys and values in the order in which they were written. */
async function contentOf(store: StorageBackend): Promise<readonly (readonly [string, string])[]> {
  const { items } = await store.range({ prefix: "/registry/" });
  return items
    .filter(({ key }) => !isOwnKey(key))
    .toSorted((a, b) => a.revision - b.revision)
    .map(({ key, value }) => [key, Buffer.from(value).toString("base64")]);
}

/** Fails after so many calls of `method`, as an interrupted run. */
function interrupted(store: StorageBackend, method: "range" | "create", calls: number): StorageBackend {
  let left = calls;
  return new Proxy(store, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === method && left-- <= 0) throw new Error("interrupted");
        return Reflect.apply(value, target, args);
      };
    },
  });
}

// API CR-34
test("backup: what is exported and imported is the same, in the same order, and the successor of what it was", async () => {
  const [from, to] = [new MemoryBackend(), await openEmbedded({ directory: join(root, "same") })];
  await fill(from);
  const file = newFile();
  const told: number[] = [];
  assert.equal(await exportStore(from, file, (done) => told.push(done)), 202);
  assert.deepEqual(told, [64, 128, 192, 202]);
  assert.equal(await importStore(to, file, silent), 202);
  assert.deepEqual(await contentOf(to), await contentOf(from));
  assert.equal(contradiction(await from.position(), await to.position()), undefined);
  assert.equal(existsSync(`${file}.partial`), false);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = newFile();
  await exportStore(to, again, silent);
  await to[Symbol.asyncDispose]();
  const body = (name: string) =>
    readFileSync(name, "utf8")
      .split("\n")
      .slice(1, -2)
      .map((text) => JSON.parse(text).value);
  assert.deepEqual(body(again), body(file), "a backup of the import is the same backup");
});

test("backup: nothing is overwritten: no file, no store with anything in it", async () => {
  const store = new MemoryBackend();
  await fill(store, 3);
  const file = newFile();
  writeFileSync(file, "mine");
  await assert.rejects(exportStore(store, file, silent), /exists: a backup is not overwritten/);
  assert.equal(readFileSync(file, "utf8"), "mine");
  const backup = newFile();
  await exportStore(store, backup, silent);
  const other = new MemoryBackend();
  await other.create("/registry/g/r/mine", encode("mine"));
  await assert.rejects(
    importStore(other, backup, silent),
    /the store is not empty: it holds 1 keys, \/registry\/g\/r\/mine/,
  );
  assert.equal((await other.range({ prefix: "/registry/" })).count, 1);
});

test("backup: an interrupted export goes on where it was, at the state it had begun with", async () => {
  const store = new MemoryBackend();
  await fill(store);
  const [whole, pieces] = [newFile(), newFile()];
  await exportStore(store, whole, silent);
  await assert.rejects(exportStore(interrupted(store, "range", 2), pieces, silent), /interrupted/);
  const partial = `${pieces}.partial`;
  truncateSync(partial, statSync(partial).size - 10);
  await store.create("/registry/g/r/later", encode("x"));
  const told: number[] = [];
  await exportStore(store, pieces, (done) => told.push(done));
  assert.ok((told[0] ?? 0) > 128, "what was written is not read again");
  assert.equal(readFileSync(pieces, "utf8"), readFileSync(whole, "utf8"));
});

test("backup: an export whose state was compacted meanwhile begins anew", async () => {
  const store = new MemoryBackend();
  await fill(store);
  const file = newFile();
  await assert.rejects(exportStore(interrupted(store, "range", 2), file, silent), /interrupted/);
  await store.create("/registry/g/r/later", encode("x"));
  await store.compact(await store.currentRevision());
  assert.equal(await exportStore(store, file, silent), 203);
});

test("backup: an interrupted import goes on; the store is no successor before it is done; done twice is done", async () => {
  const from = new MemoryBackend();
  await fill(from);
  const file = newFile();
  await exportStore(from, file, silent);
  await using to = await openEmbedded({ directory: join(root, "interrupted") });
  await assert.rejects(importStore(interrupted(to, "create", 100), file, silent), /interrupted/);
  assert.match(contradiction(await from.position(), await to.position()) ?? "", /^is another one/);
  assert.equal(await importStore(to, file, silent), 202);
  assert.deepEqual(await contentOf(to), await contentOf(from));
  const { revision } = await to.position();
  assert.equal(await importStore(to, file, silent), 202);
  assert.equal((await to.position()).revision, revision);
  const other = newFile();
  await exportStore(to, other, silent);
  await assert.rejects(importStore(to, other, silent), /the store is not empty/);
});

const broken: Record<string, { readonly change: (text: string) => string; readonly why: RegExp }> = {
  "its end is missing": { change: (text) => text.slice(0, -50), why: /its end is missing/ },
  "a character is another": { change: (text) => text.replace("uid-1", "uid-x"), why: /its checksum is another/ },
  "a line is gone": { change: (text) => text.replace(/\n.*uid-1.*\n/, "\n"), why: /its checksum is another/ },
  "a line is none": { change: (text) => text.replace('{"key"', '{"kez"'), why: /one of its lines is no entry/ },
  "it is something else": { change: () => "apiVersion: v1\n", why: /it is no backup/ },
  "one of its lines has no end": {
    change: () => "x".repeat(10 * 1024 * 1024),
    why: /a line that is longer than any of one/,
  },
  "it is empty": { change: () => "", why: /its end is missing/ },
  "it is of a later format": {
    change: (text) => text.replace('"version":1', '"version":2'),
    why: /a backup of format 2/,
  },
  "something follows": { change: (text) => `${text}{}\n`, why: /something follows its end/ },
};

for (const [name, { change, why }] of Object.entries(broken)) {
  test(`backup: a file is not imported, and nothing of it, when ${name}`, async () => {
    const from = new MemoryBackend();
    await fill(from, 3);
    const file = newFile();
    await exportStore(from, file, silent);
    writeFileSync(file, change(readFileSync(file, "utf8")));
    const to = new MemoryBackend();
    await assert.rejects(importStore(to, file, silent), why);
    assert.equal((await to.range({ prefix: "/registry/" })).count, 0);
  });
}

test("backup: large values pass, with lines longer than what is read at once", async () => {
  const from = new MemoryBackend();
  const value = encode("x".repeat(1_500_000));
  for (const name of ["a", "b", "c"]) await from.create(`/registry/g/r/${name}`, value);
  const file = newFile();
  await exportStore(from, file, silent);
  const to = new MemoryBackend();
  assert.equal(await importStore(to, file, silent), 3);
  assert.equal(decode((await to.get("/registry/g/r/c")).value?.value)?.length, 1_500_000);
});

const found = findEtcd();
test("backup: from SQLite to etcd and back", { skip: "missing" in found ? found.missing : false }, async () => {
  assert.ok("binary" in found);
  await using etcd = await EtcdProcess.start(found.binary);
  await using from = await openEmbedded({ directory: join(root, "from") });
  await using between = await openEtcd({ endpoints: [etcd.endpoint] });
  await using to = await openEmbedded({ directory: join(root, "to") });
  await fill(from);
  const [first, second] = [newFile(), newFile()];
  await exportStore(from, first, silent);
  await importStore(between, first, silent);
  assert.deepEqual(await contentOf(between), await contentOf(from));
  assert.equal(contradiction(await from.position(), await between.position()), undefined);
  await exportStore(between, second, silent);
  await importStore(to, second, silent);
  assert.deepEqual(await contentOf(to), await contentOf(from));
  assert.equal(contradiction(await between.position(), await to.position()), undefined);
});
