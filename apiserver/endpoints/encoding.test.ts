/** The small tools that work on text and bytes which are JSON already. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { memberBytes } from "../machinery/json-members.ts";
import { textOf, utf8 } from "./bytes.ts";
import { compressible, gzipParts, joinParts } from "./compression.ts";
import { indentJson } from "./pretty-json.ts";

test("a member's bytes are those of its value, whatever stands before it", () => {
  const names = ["a", "metadata", 'quo"te', "back\\", "ü"];
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.jsonValue()), { selector: ([name]) => name }),
      (entries) => {
        const bytes = utf8(JSON.stringify(Object.fromEntries(entries)));
        const found = memberBytes(bytes, "metadata");
        const wanted = entries.find(([name]) => name === "metadata");
        assert.deepEqual(found && JSON.parse(textOf([found])), wanted && JSON.parse(JSON.stringify(wanted[1])));
      },
    ),
  );
});

test("a member of a member is not taken for one's own", () => {
  assert.equal(memberBytes(utf8('{"a":{"metadata":1},"b":"\\"metadata\\":2"}'), "metadata"), undefined);
  assert.equal(memberBytes(utf8("{}"), "metadata"), undefined);
});

const indented = (...parts: readonly Uint8Array[]): string => textOf([...indentJson(parts)]);

test("indented JSON is what JSON.stringify would have made of it, but for numbers, which stay as written", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.nat(), (value, cut) => {
      const bytes = utf8(JSON.stringify(value));
      const at = cut % (bytes.length + 1);
      assert.equal(indented(bytes.subarray(0, at), bytes.subarray(at)), JSON.stringify(value, null, 2));
    }),
  );
  assert.equal(
    indented(utf8('{"a":[1.10,10000000000000000000]}')),
    '{\n  "a": [\n    1.10,\n    10000000000000000000\n  ]\n}',
  );
});

test("the deepest value that is accepted is indented in small pieces (API N-17)", () => {
  const deepest = utf8("[".repeat(10_000) + "]".repeat(10_000));
  let bytes = 0;
  for (const piece of indentJson([deepest])) {
    assert.ok(piece.length <= 64 * 1024);
    bytes += piece.length;
  }
  // A line per bracket but for the innermost pair, which stands on one.
  assert.equal(bytes, 10_000 * 2 + 9_999 * 10_000 * 2 - 9_999 * 2 + 2 * 9_999);
});

const accepted: readonly (readonly [header: readonly string[] | undefined, accepts: boolean])[] = [
  [["gzip"], true],
  [["br, gzip"], true],
  [["gzip;q=0.5"], true],
  [["br", "gzip ; q=1"], true],
  [["gzip;q=0"], false],
  [["br, gzip; q=0.000"], false],
  [["gzip;Q=0"], false],
  [undefined, false],
  [[], false],
  [["*"], false],
  [["x-gzip"], false],
  [["br"], false],
];
for (const [header, accepts] of accepted) {
  test(`only large answers are compressed: Accept-Encoding ${header ?? "absent"} ${accepts ? "is" : "is not"} for it (API N-43)`, () => {
    assert.equal(compressible(128 * 1024, header), accepts);
    assert.equal(compressible(128 * 1024 - 1, header), false);
  });
}

test("parts are joined up to a size, and none is lost or reordered", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10 }), (lengths, size) => {
      const parts = lengths.map((length, i) => Buffer.alloc(length, i));
      const chunks = [...joinParts(parts, () => size, { maxMs: Number.POSITIVE_INFINITY })];
      assert.deepEqual(Buffer.concat(chunks), Buffer.concat(parts));
      for (const chunk of chunks.slice(0, -1)) assert.ok(chunk.length >= size);
    }),
  );
});

test("the last byte of all comes alone where that is asked for", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10 }), (lengths, size) => {
      const parts = lengths.map((length, i) => Buffer.alloc(length, i));
      const all = Buffer.concat(parts);
      const chunks = [...joinParts(parts, () => size, { maxMs: Number.POSITIVE_INFINITY, lastAlone: true })];
      assert.deepEqual(Buffer.concat(chunks), all);
      assert.equal(chunks.at(-1)?.length, all.length === 0 ? undefined : 1);
    }),
  );
});

test("what is compressed can be read again, and a reader may stop early", async () => {
  const parts = Array.from({ length: 200 }, (_, i) => Buffer.alloc(10_000, i));
  const chunks: Uint8Array[] = [];
  for await (const chunk of gzipParts(parts, "ann")) chunks.push(chunk);
  assert.deepEqual(gunzipSync(Buffer.concat(chunks)), Buffer.concat(parts));
  const incompressible = Array.from({ length: 50 }, () => crypto.getRandomValues(new Uint8Array(50_000)));
  for await (const _ of gzipParts(incompressible, "ann")) break;
});
