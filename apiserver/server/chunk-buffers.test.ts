import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkBuffers } from "./chunk-buffers.ts";

test("what is given back is used anew, once, and as much of it as is to be kept", () => {
  const buffers = new ChunkBuffers(1000, 1);
  const [first, second] = [buffers.take(900), buffers.take(600)];
  assert.notEqual(first.buffer, second.buffer);
  assert.deepEqual([first.length, second.length], [900, 600]);
  buffers.giveBack(first.subarray(0, -1));
  buffers.giveBack(first);
  buffers.giveBack(second);
  assert.equal(buffers.take(700).buffer, first.buffer);
  assert.notEqual(buffers.take(700).buffer, second.buffer);
});

test("what is small beside them, or larger, has memory of its own", () => {
  const buffers = new ChunkBuffers(1000, 4);
  for (const bytes of [1, 499, 1001]) {
    const taken = buffers.take(bytes);
    assert.equal(taken.buffer.byteLength, bytes);
    buffers.giveBack(taken);
    assert.notEqual(buffers.take(bytes).buffer, taken.buffer);
  }
});
