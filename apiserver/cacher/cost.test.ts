/** What a write costs the cache: nothing that was just encoded is parsed, and nobody who is not concerned is looked at. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { EtcdProcess, findEtcd } from "../../test/support/etcd.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { MemoryBackend } from "../../test/support/memory-backend.ts";
import { openEmbedded } from "../storage/embedded/embedded-store.ts";
import { openEtcd } from "../storage/etcd3/etcd-store.ts";
import type { Revision, StorageBackend } from "../storage/interface.ts";
import { Cacher } from "./cacher.ts";
import type { ChangeType, Encoder, Indexing } from "./encoder.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-cost-"));
after(() => rmSync(root, { recursive: true }));

const prefix = "/registry/test.example/texts/";

type Text = { readonly revision: Revision; readonly json: Uint8Array };

/** The cache knows nothing of objects: texts do. */
class TextEncoding implements Encoder<Text> {
  decoded = 0;
  readonly indexing: Indexing<Text> = {
    namesOf: () => ["first word"],
    valueOf: ({ json }) => String(json).split(" ", 1)[0],
  };

  decode(json: Uint8Array, revision: Revision): Text {
    this.decoded++;
    return { json, revision };
  }

  atRevision({ json }: Text, revision: Revision): Text {
    return { json, revision };
  }

  frame(type: ChangeType, { json }: Text): Uint8Array {
    return Buffer.concat([Buffer.from(`${type} `), json]);
  }
}

async function started(t: TestContext, backend: StorageBackend) {
  const ending = new AbortController();
  t.after(() => ending.abort());
  const encoder = new TextEncoding();
  const cacher = new Cacher<Text, string>({
    backend,
    prefix,
    encoder,
    clock: new FakeClock(),
    signal: ending.signal,
    describeFailure: String,
  });
  void cacher.run();
  await cacher.waitFor(0);
  const write = (key: string, text: string, expected?: Revision): Promise<Text> => {
    const value = Buffer.from(text);
    const make = (revision: Revision): Text => ({ json: value, revision });
    return cacher.write(key, { value, make }, () =>
      expected === undefined ? backend.create(prefix + key, value) : backend.update(prefix + key, value, expected),
    );
  };
  return { cacher, encoder, write, signal: ending.signal };
}

async function writesAreNotParsed(t: TestContext, backend: StorageBackend): Promise<void> {
  const { cacher, encoder, write } = await started(t, backend);
  const written = await Promise.all(Array.from({ length: 50 }, (_, i) => write(`demo/${i}`, `text ${i}`)));
  const updated = await Promise.all(written.map(({ revision }, i) => write(`demo/${i}`, `changed ${i}`, revision)));
  await cacher.becomeFresh();
  for (const [i, item] of updated.entries()) assert.equal(cacher.get(`demo/${i}`), item, "one and the same");
  assert.equal(encoder.decoded, 0);
  await backend.create(`${prefix}demo/foreign`, Buffer.from("of somebody else"));
  await cacher.becomeFresh();
  assert.equal(String(cacher.get("demo/foreign")?.json), "of somebody else");
  assert.equal(encoder.decoded, 1);
}

test("cacher: own writes are not parsed, whether their answer or their event comes first: in memory", (t) =>
  writesAreNotParsed(t, new MemoryBackend()));

test("cacher: own writes are not parsed: SQLite", async (t) => {
  await using backend = await openEmbedded({ directory: join(root, "own") });
  await writesAreNotParsed(t, backend);
});

const found = findEtcd();
test("cacher: own writes are not parsed: etcd", { skip: "missing" in found ? found.missing : false }, async (t) => {
  assert.ok("binary" in found);
  await using etcd = await EtcdProcess.start(found.binary);
  await using backend = await openEtcd({ endpoints: [etcd.endpoint] });
  await writesAreNotParsed(t, backend);
});

test("cacher: a write that fails leaves nothing behind, and another's write of its key is read as it is", async (t) => {
  const backend = new MemoryBackend();
  const { cacher, write } = await started(t, backend);
  await backend.create(`${prefix}demo/a`, Buffer.from("theirs"));
  await assert.rejects(write("demo/a", "mine"), /KeyExists/);
  await cacher.becomeFresh();
  assert.equal(String(cacher.latest("demo/a")?.json), "theirs");
});

test("cacher: a change costs nothing to 5,000 watchers of other folders, keys and values of an index", async (t) => {
  const { cacher, write, signal } = await started(t, new MemoryBackend());
  let looked = 0;
  const open = (scope: string, word?: string) =>
    cacher.watch({
      from: "now",
      initialEvents: false,
      scope,
      lookups: word === undefined ? [] : [{ index: "first word", values: [word] }],
      matches: () => {
        looked++;
        return true;
      },
      wantsBookmarks: false,
      signal,
    });
  for (let i = 0; i < 2000; i++) {
    open(`other-${i}/`);
    open(`demo/another-${i}`);
    open(i % 2 === 0 ? "" : "demo/", `word-${i}`);
  }
  const concerned = [open(""), open("demo/"), open("demo/a"), open("", "text"), open("demo/", "text")].map((events) =>
    events?.[Symbol.asyncIterator](),
  );
  await write("demo/a", "text");
  for (const iterator of concerned) {
    const batch = await iterator?.next();
    assert.equal(batch?.value?.[0]?.type, "ADDED");
  }
  assert.equal(looked, concerned.length);
});

test("cacher: hundreds that resume after a restart read history once, and each from where it was", async (t) => {
  const backend = new MemoryBackend();
  const revisions: Revision[] = [];
  for (let i = 0; i < 100; i++) revisions.push(await backend.create(`${prefix}demo/${i}`, Buffer.from(`text ${i}`)));
  const { cacher, encoder, signal } = await started(t, backend);
  encoder.decoded = 0;
  let watches = 0;
  const watch = backend.watch.bind(backend);
  backend.watch = (options) => {
    watches++;
    return watch(options);
  };
  const resume = async (from: number): Promise<string> => {
    const events = cacher.watch({
      from: "revision",
      after: revisions[from] ?? assert.fail(),
      scope: from % 2 === 0 ? "" : "demo/",
      matches: () => true,
      wantsBookmarks: false,
      signal,
    });
    for await (const batch of events ?? []) {
      return batch.map((event) => ("frame" in event ? String(event.frame) : event.type)).join();
    }
    return "nothing";
  };
  const resumed = Array.from({ length: 300 }, (_, i) => i % 99);
  const seen = await Promise.all(resumed.map(resume));
  for (const [index, from] of resumed.entries()) {
    const expected = Array.from({ length: 99 - from }, (_, i) => `ADDED text ${from + 1 + i}`);
    assert.equal(seen[index], expected.join());
  }
  assert.equal(watches, 1);
  assert.equal(encoder.decoded, 99);
});
