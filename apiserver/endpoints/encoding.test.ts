/** The small tools that work on text and bytes which are JSON already. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { textOf, utf8 } from "./bytes.ts";
import { compressible, gzipParts, joinParts } from "./compression.ts";
import { memberBytes } from "./json-members.ts";
import { prettyJson } from "./pretty-json.ts";

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

test("indented JSON is what JSON.stringify would have made of it, but for numbers, which stay as written", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(prettyJson(JSON.stringify(value)), JSON.stringify(value, null, 2));
    }),
  );
  assert.equal(
    prettyJson('{"a":[1.10,10000000000000000000]}'),
    '{\n  "a": [\n    1.10,\n    10000000000000000000\n  ]\n}',
  );
});

test("only large answers are compressed, and for who lists gzip by name", () => {
  const large = 128 * 1024;
  for (const accept of [["gzip"], ["br, gzip"], ["br", "gzip;q=0"]]) assert.equal(compressible(large, accept), true);
  for (const accept of [undefined, [], ["*"], ["x-gzip"], ["br"]]) assert.equal(compressible(large, accept), false);
  assert.equal(compressible(large - 1, ["gzip"]), false);
});

test("parts are joined up to a size, and none is lost or reordered", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 10 }), (lengths, size) => {
      const parts = lengths.map((length, i) => Buffer.alloc(length, i));
      const chunks = [...joinParts(parts, size)];
      assert.deepEqual(Buffer.concat(chunks), Buffer.concat(parts));
      for (const chunk of chunks.slice(0, -1)) assert.ok(chunk.length >= size);
    }),
  );
});

test("what is compressed can be read again, and a reader may stop early", async () => {
  const parts = Array.from({ length: 200 }, (_, i) => Buffer.alloc(10_000, i));
  const chunks: Uint8Array[] = [];
  for await (const chunk of gzipParts(parts)) chunks.push(chunk);
  assert.deepEqual(gunzipSync(Buffer.concat(chunks)), Buffer.concat(parts));
  const incompressible = Array.from({ length: 50 }, () => crypto.getRandomValues(new Uint8Array(50_000)));
  for await (const _ of gzipParts(incompressible)) break;
});
