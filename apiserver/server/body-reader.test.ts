import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { BodyReader } from "./body-reader.ts";

const body = "abcdefgh";
const arrivals: readonly (readonly [
  string,
  { readonly before: readonly string[]; readonly after: readonly string[] },
])[] = [
  ["with the headers, whole", { before: [body], after: [] }],
  ["with the headers, in pieces", { before: ["abc", "d", "efgh"], after: [] }],
  ["partly with the headers", { before: ["abc"], after: ["d", "efgh"] }],
  ["after the headers", { before: [], after: ["abc", "defgh"] }],
];

for (const [when, { before, after }] of arrivals)
  for (const length of [body.length, undefined])
    test(`a body that comes ${when}, its length ${length === undefined ? "not " : ""}told, is read whole and once`, async () => {
      const stream = new Readable({ read: () => undefined });
      for (const piece of before) stream.push(Buffer.from(piece));
      const reader = new BodyReader({ stream, length }, {});
      const reading = reader.read(100);
      for (const piece of after) {
        await turn();
        stream.push(Buffer.from(piece));
      }
      stream.push(null);
      assert.equal(Buffer.from(await reading).toString(), body);
      assert.equal(reader.read(100), reading);
      assert.equal(reader.stalled, false);
    });

test("a body over the limit is refused, whether its length was told or not", async () => {
  for (const length of [body.length, undefined]) {
    const stream = Readable.from([Buffer.from(body)]);
    await assert.rejects(new BodyReader({ stream, length }, {}).read(body.length - 1), { message: /limit is 7/ });
  }
});

test("a body that does not come is given up", async () => {
  const stream = new Readable({ read: () => undefined });
  stream.push(Buffer.from("abc"));
  const reader = new BodyReader({ stream, length: 8 }, { bodyStallMs: 1 });
  await assert.rejects(reader.read(100), { message: /did not arrive in time/ });
  assert.equal(reader.stalled, true);
});
