import assert from "node:assert/strict";
import { test } from "node:test";
import { acceptKey, closeFrame, FrameReader, textFrame } from "./websocket.ts";

/** A frame as a client sends it: masked. */
function fromClient(opcode: number, payload: Uint8Array): Buffer {
  const length = payload.length;
  const head =
    length <= 125
      ? Buffer.from([0x80 | opcode, 0x80 | length])
      : Buffer.from([0x80 | opcode, 0x80 | 126, length >> 8, length & 0xff]);
  const mask = Buffer.from([1, 2, 3, 4]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0))]);
}

function reader() {
  const heard: string[] = [];
  const frames = new FrameReader({
    ping: (payload) => heard.push(`ping ${Buffer.from(payload)}`),
    close: (code) => heard.push(`close ${code}`),
  });
  return { frames, heard };
}

test("the key of RFC 6455's own example", () => {
  assert.equal(acceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

for (const [length, head] of [
  [5, [0x81, 5]],
  [126, [0x81, 126, 0, 126]],
  [65_536, [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]],
] as const) {
  test(`a message of ${length} bytes has its length in the form for it`, () => {
    const frame = textFrame(Buffer.alloc(length));
    assert.deepEqual([...frame.subarray(0, head.length)], head);
    assert.equal(frame.length, head.length + length);
  });
}

test("pings and the end are heard, data is not, however what comes is divided", () => {
  const sent = Buffer.concat([
    fromClient(0x1, Buffer.alloc(300, "x")),
    fromClient(0x9, Buffer.from("hi")),
    fromClient(0x9, Buffer.alloc(0)),
    fromClient(0x2, Buffer.alloc(0)),
    fromClient(0x8, closeFrame(1000).subarray(2)),
    fromClient(0x9, Buffer.from("late")),
  ]);
  for (const size of [1, 2, 3, 7, sent.length]) {
    const { frames, heard } = reader();
    for (let at = 0; at < sent.length; at += size) frames.push(sent.subarray(at, at + size));
    assert.deepEqual(heard, ["ping hi", "ping ", "close 1000"], String(size));
  }
});

test("a frame that is not masked, or a control frame that is too long, ends it", () => {
  for (const bytes of [textFrame(Buffer.from("a")), fromClient(0x9, Buffer.alloc(200))]) {
    const { frames, heard } = reader();
    frames.push(bytes);
    assert.deepEqual(heard, ["close 1002"]);
  }
});
