import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { AnswerWriter, type Sink } from "./answer-writer.ts";

/** Takes so many bytes at once; more wait until it is drained a turn later. */
class SlowSink extends EventEmitter implements Sink {
  readonly destroyed = false;
  readonly highWaterMark: number;
  /** Bytes of each write, and what waited when it was over. */
  readonly writes: { readonly bytes: number; readonly waiting: number }[] = [];
  length = 0;
  #waiting = 0;

  constructor(highWaterMark: number) {
    super();
    this.highWaterMark = highWaterMark;
  }

  write(chunk: Uint8Array): boolean {
    this.length += chunk.length;
    this.#waiting += chunk.length;
    this.writes.push({ bytes: chunk.length, waiting: this.#waiting });
    if (this.#waiting < this.highWaterMark) return true;
    setImmediate(() => {
      this.#waiting = 0;
      this.emit("drain");
    });
    return false;
  }

  end(chunk?: string | Uint8Array): void {
    if (chunk !== undefined) this.write(Buffer.from(chunk));
  }

  destroy(): void {
    assert.fail("nothing is slow enough to be given up");
  }
}

const bytes = (length: number): Uint8Array => Buffer.alloc(length, "abc");
const bodies = {
  "one piece": bytes(500_000),
  "pieces that are there": [bytes(300_000), bytes(300_000), bytes(5)],
  "pieces that are made": (async function* () {
    for (let i = 0; i < 5; i++) yield bytes(100_000);
  })(),
};
for (const [what, body] of Object.entries(bodies)) {
  test(`the last byte of an answer in ${what} is sent when all others are taken: its client's next request finds no pause`, async () => {
    const sink = new SlowSink(65_536);
    await new AnswerWriter().write(sink, body, { signal: new AbortController().signal, whose: "", endless: false });
    const last = sink.writes.at(-1);
    assert.ok(last !== undefined && last.bytes === 1 && last.waiting < sink.highWaterMark, JSON.stringify(last));
    assert.ok(sink.length >= 500_000);
  });
}

test("events of a watch go out as they are", async () => {
  const sink = new SlowSink(65_536);
  const events = [bytes(100_000), bytes(10)];
  const body = (async function* () {
    yield* events;
  })();
  await new AnswerWriter().write(sink, body, { signal: new AbortController().signal, whose: "", endless: true });
  assert.deepEqual(
    sink.writes.map((write) => write.bytes),
    [100_000, 10],
  );
});

/** Reads a chunk when it is taken, two turns after it was written. */
class LateSink extends EventEmitter implements Sink {
  readonly destroyed = false;
  readonly read: Buffer[] = [];

  write(chunk: Uint8Array, taken?: () => void): boolean {
    setImmediate(() =>
      setImmediate(() => {
        this.read.push(Buffer.from(chunk));
        taken?.();
        this.emit("drain");
      }),
    );
    return false;
  }

  end(): void {}

  destroy(): void {
    assert.fail("nothing is slow enough to be given up");
  }
}

test("memory of chunks is used anew only when they were taken, by whichever answer", async () => {
  const writer = new AnswerWriter();
  const sent = Array.from({ length: 6 }, (_, answer) =>
    Array.from({ length: 400 }, (_, part) => Buffer.alloc(5000 + part, `${answer} ${part};`)),
  );
  const sinks = await Promise.all(
    sent.map(async (body, answer) => {
      const sink = new LateSink();
      const reader = { signal: new AbortController().signal, whose: `user ${answer % 2}`, endless: false };
      await writer.write(sink, body, reader);
      return sink;
    }),
  );
  for (const [answer, { read }] of sinks.entries())
    assert.ok(Buffer.concat(read).equals(Buffer.concat(sent[answer] ?? [])), `answer ${answer}`);
});
