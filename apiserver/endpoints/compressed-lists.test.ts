import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { aWidget, widgetKind } from "../../test/support/objects.ts";
import { KindCodec } from "../registry/generic/codec.ts";
import type { EncodedObject } from "../registry/rest/interface.ts";
import { textOf, utf8 } from "./bytes.ts";
import { CompressedLists } from "./compressed-lists.ts";
import { deflateBlock, GzipStream } from "./gzip-blocks.ts";

const codec = new KindCodec(widgetKind);
const item = (index: number, revision = index + 1, note = ""): EncodedObject =>
  codec.decode(
    codec.encode(
      aWidget(`widget-${index}`, { metadata: { annotations: { note: `${note}${"some text ".repeat(50)}` } } }),
    ),
    revision,
  );
const list = (items: readonly EncodedObject[], cut = 0) => ({
  start: utf8('{"items":['),
  items,
  cut,
  end: utf8("]}\n"),
});

async function read(lists: CompressedLists, items: readonly EncodedObject[], cut = 0): Promise<string> {
  const chunks: Uint8Array[] = [];
  const stream = lists.gzip(list(items, cut), "jane") ?? assert.fail("these are of a cache");
  for await (const chunk of stream()) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  // A reader that knows of one member only, as some do, has everything.
  assert.equal(gunzipSync(whole).length, sizeOf(whole));
  return gunzipSync(whole).toString();
}

/** What the first member says it holds. */
const sizeOf = (gzip: Buffer): number => gzip.readUInt32LE(gzip.length - 4);
const plain = (items: readonly EncodedObject[]): string =>
  `{"items":[${items.map(({ json }) => textOf([json])).join()}]}\n`;

// RFC 1952
test("GzipStream: blocks that were compressed apart and plain bytes are one stream with the right check", async () => {
  const part = fc.oneof(
    fc.string(),
    fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(part, fc.boolean())), part, async (parts, last) => {
      const stream = new GzipStream();
      const pieces = [stream.begin()];
      for (const [text, isBlock] of parts) {
        pieces.push(isBlock ? stream.block(await deflateBlock(utf8(text))) : stream.plain(utf8(text)));
      }
      pieces.push(stream.end(utf8(last)));
      assert.equal(gunzipSync(Buffer.concat(pieces)).toString(), parts.map(([text]) => text).join("") + last);
    }),
    { numRuns: 60 },
  );
  const stream = new GzipStream();
  const large = "x".repeat(200_000);
  assert.equal(gunzipSync(Buffer.concat([stream.begin(), stream.end(utf8(large))])).toString(), large);
});

test("CompressedLists: the same list again is not compressed again, and of a changed one only what changed", async () => {
  const lists = new CompressedLists();
  const items = Array.from({ length: 1000 }, (_, index) => item(index));
  assert.equal(await read(lists, items), plain(items));
  const { compressed } = lists;
  assert.ok(compressed > 5 && compressed < 200, `${compressed} blocks`);
  assert.equal(await read(lists, items), plain(items));
  assert.equal(lists.compressed, compressed);
  const changed = items.with(500, item(500, 2000, "changed "));
  assert.equal(await read(lists, changed), plain(changed));
  assert.equal(lists.compressed, compressed + 1);
  const inserted = changed.toSpliced(300, 0, item(5000));
  const deleted = inserted.toSpliced(700, 1);
  assert.equal(await read(lists, inserted), plain(inserted));
  assert.equal(await read(lists, deleted), plain(deleted));
  assert.ok(lists.compressed <= compressed + 7, "each insertion and deletion concerns the blocks around it");
});

test("CompressedLists: readers at the same moment share what is under way; other lists of the same objects are their own", async () => {
  const lists = new CompressedLists();
  const items = Array.from({ length: 300 }, (_, index) => item(index));
  const texts = await Promise.all(Array.from({ length: 10 }, () => read(lists, items)));
  assert.deepEqual(new Set(texts), new Set([plain(items)]));
  const { compressed } = lists;
  await read(lists, items);
  assert.equal(lists.compressed, compressed);
  const some = items.filter((_, index) => index % 3 === 0);
  assert.equal(await read(lists, some), plain(some));
  const cut = '"apiVersion":"test.example/v1","kind":"Widget",'.length;
  assert.equal(
    await read(lists, some, cut),
    plain(some).replaceAll('"apiVersion":"test.example/v1","kind":"Widget",', ""),
  );
  const before = lists.compressed;
  for (const [those, hidden] of [
    [items, 0],
    [some, 0],
    [some, cut],
  ] as const)
    await read(lists, those, hidden);
  assert.equal(lists.compressed, before);
  assert.equal(await read(lists, []), '{"items":[]}\n');
});

test("CompressedLists: what is kept is bounded, and what is not kept is compressed again", async () => {
  const lists = new CompressedLists(2000);
  const items = Array.from({ length: 1000 }, (_, index) => item(index));
  for (let round = 0; round < 3; round++) {
    assert.equal(await read(lists, items), plain(items));
    assert.ok(lists.bytes <= 2000, `${lists.bytes} bytes`);
  }
});

test("CompressedLists: objects that are of no cache are left to others", () => {
  assert.equal(new CompressedLists().gzip(list([{ object: aWidget("a"), json: utf8("{}") }]), "jane"), undefined);
});
