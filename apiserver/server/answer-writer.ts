/**
 * Writing the body of an answer, over whatever protocol: the next chunk is made when the client has taken the last, so
 * that nobody's slowness costs more than one chunk.
 */
import type { ResponseBody } from "../endpoints/api-handler.ts";
import { joinParts } from "../endpoints/compression.ts";
import { limits } from "../limits.ts";
import { inTurn } from "../machinery/turns.ts";
import { ChunkBuffers } from "./chunk-buffers.ts";

/** What an answer is written to: a response of HTTP/1.1, a stream of HTTP/2. */
export interface Sink {
  readonly destroyed: boolean;
  /** @param taken  called when nobody reads the chunk any more, with an error where that is not sure */
  write(chunk: Uint8Array, taken?: (error?: Error | null) => void): boolean;
  end(chunk?: string | Uint8Array): unknown;
  destroy(): unknown;
  on(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

export type Reader = {
  /** Aborted: the stream is to end, and its client gets little time for what it was sent. */
  readonly signal: AbortSignal;
  /** User in whose turns the body is made. */
  readonly whose: string;
  /** The body is a watch: it lasts as long as it likes. */
  readonly endless: boolean;
};

export type WriterOptions = {
  /** A client that takes nothing for so long is disconnected, in ms. */
  readonly writeStallMs?: number;
  /** An answer that is no watch must be taken within this, in ms. */
  readonly answerMs?: number;
  /** Bytes that may wait for all clients together before chunks become small. */
  readonly budgetBytes?: number;
};

/** Stall of a stream that is to end, in ms: nobody's silence may keep the server from stopping. */
const stoppingStallMs = 1_000;
/** Large enough that TLS records and system calls cost little, small enough to wait between them. */
const maxChunkBytes = 512 * 1024;
/** One TLS record. */
const minChunkBytes = 16 * 1024;
/** By which a chunk may exceed that, as a part is not divided; with a larger part it has memory of its own. */
const maxPartBytes = 16 * 1024;
/** Buffers of the largest chunks that are kept for the next answers, 5 MiB in all. */
const maxSpareBuffers = 10;
/** An answer that is there at once is written at once: waiting for a turn with others' work would take it longer than that. */
const maxWholeBytes = 32 * 1024;
/** So many more clients may stop reading at once before what waits exceeds the budget. */
const shares = 16;

type Chunks = AsyncIterator<Uint8Array | Iterable<Uint8Array>> | Iterator<Uint8Array>;

export class AnswerWriter {
  readonly #stallMs: number;
  readonly #answerMs: number;
  readonly #budgetBytes: number;
  readonly #buffers = new ChunkBuffers(maxChunkBytes + maxPartBytes, maxSpareBuffers);
  #waitingBytes = 0;

  constructor(options: WriterOptions = {}) {
    this.#stallMs = options.writeStallMs ?? limits.maxWriteStallMs.value;
    this.#answerMs = options.answerMs ?? limits.maxAnswerMs.value;
    this.#budgetBytes = options.budgetBytes ?? limits.maxWaitingBytes.value;
  }

  /** Bytes handed over that their clients have not taken. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Writes `body` and ends `sink`; destroys it when the client is too slow.
   */
  async write(sink: Sink, body: ResponseBody, { signal, whose, endless }: Reader): Promise<void> {
    if (typeof body === "string" || (body instanceof Uint8Array && body.length <= maxWholeBytes)) {
      sink.end(body);
      return;
    }
    const chunks = this.#chunksOf(body instanceof Uint8Array ? [body] : body);
    const write = endless || !(Symbol.asyncIterator in body) ? this.#write : this.#writeButLast;
    const deadline = endless ? undefined : setTimeout(() => sink.destroy(), this.#answerMs);
    try {
      // Begun even for nobody: only what has begun releases what it holds.
      do {
        const { done, value: chunk } = await inTurn(() => chunks.next(), whose);
        if (sink.destroyed) return;
        if (done === true) {
          sink.end();
          return;
        }
        if (chunk instanceof Uint8Array) await write.call(this, sink, chunk, signal);
        else await this.#writeGroup(sink, chunk, { signal, whose });
      } while (!sink.destroyed);
    } finally {
      clearTimeout(deadline);
      await chunks.return?.(undefined);
    }
  }

  #chunksOf(body: Exclude<ResponseBody, string | Uint8Array>): Chunks {
    return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : this.#joined(body, true);
  }

  #joined(parts: Iterable<Uint8Array>, lastAlone: boolean): Generator<Uint8Array> {
    return joinParts(parts, () => this.#chunkBytes(), { lastAlone, take: (bytes) => this.#buffers.take(bytes) });
  }

  async #writeGroup(
    sink: Sink,
    parts: Iterable<Uint8Array>,
    { signal, whose }: Pick<Reader, "signal" | "whose">,
  ): Promise<void> {
    const chunks = this.#joined(parts, false);
    for (let next = chunks.next(); next.done !== true; next = await inTurn(() => chunks.next(), whose)) {
      await this.#write(sink, next.value, signal);
      if (sink.destroyed) return;
    }
  }

  async #write(sink: Sink, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    const taken = (error?: Error | null): void => {
      if (error == null) this.#buffers.giveBack(chunk);
    };
    if (!sink.write(chunk, taken)) await this.#drained(sink, chunk.length, signal);
  }

  /**
   * The last byte follows when all before it is taken. A client that has the whole answer may send its next request, and
   * Node ends the connection (`HPE_PAUSED`) when that comes in two TLS records while the socket still waits to be drained.
   * Of chunks that are joined here the last byte comes alone: written beside the next chunk, each would be copied once more.
   */
  async #writeButLast(sink: Sink, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#write(sink, chunk.subarray(0, -1), signal);
    if (!sink.destroyed) await this.#write(sink, chunk.subarray(-1), signal);
  }

  /** Smaller, the more waits already: the sum stays near the budget however many clients don't read. */
  #chunkBytes(): number {
    const share = (this.#budgetBytes - this.#waitingBytes) / shares;
    return Math.max(minChunkBytes, Math.min(maxChunkBytes, share));
  }

  #drained(sink: Sink, bytes: number, signal: AbortSignal): Promise<void> {
    this.#waitingBytes += bytes;
    return new Promise((resolve) => {
      const giveUp = (): unknown => sink.destroy();
      let timer = setTimeout(giveUp, signal.aborted ? stoppingStallMs : this.#stallMs);
      const hurry = (): void => {
        clearTimeout(timer);
        timer = setTimeout(giveUp, stoppingStallMs);
      };
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", hurry);
        sink.off("drain", done);
        sink.off("close", done);
        this.#waitingBytes -= bytes;
        resolve();
      };
      signal.addEventListener("abort", hurry);
      sink.on("drain", done);
      sink.on("close", done);
    });
  }
}
