import type { Readable } from "node:stream";
import { newRequestEntityTooLarge, newTimeout } from "../errors/status-error.ts";
import { limits } from "../limits.ts";

const empty = new Uint8Array(0);

export type BodyLimits = {
  /** A client that sends nothing of its body for so long is given up, in ms. */
  readonly bodyStallMs?: number;
  /** The whole body must come within this, in ms: a byte now and then is no progress. */
  readonly bodyMs?: number;
};

export type Incoming = {
  readonly stream: Readable;
  /** As announced; `undefined` where only the end of the body tells it. */
  readonly length: number | undefined;
  /** Refuse for size only once the body is over: HTTP/2 clients stop sending at an answer, and proxies then lose it. */
  readonly refusesAtEnd?: boolean;
};

/**
 * Reads the body of one request, at most once.
 *
 * A client that is refused for size is read on and its bytes are dropped, because closing the connection under its
 * feet would lose the answer (API N-40). One that is too slow is answered, then disconnected.
 */
export class BodyReader {
  readonly #incoming: Incoming;
  readonly #stallMs: number;
  readonly #totalMs: number;
  #reading: Promise<Uint8Array> | undefined;
  #stalled = false;

  constructor(incoming: Incoming, { bodyStallMs, bodyMs }: BodyLimits) {
    this.#incoming = incoming;
    this.#stallMs = bodyStallMs ?? limits.maxBodyStallMs.value;
    this.#totalMs = bodyMs ?? limits.maxBodyMs.value;
  }

  /** The client owes bytes that won't come: the connection cannot be used again. */
  get stalled(): boolean {
    return this.#stalled;
  }

  /**
   * @throws StatusError 413 over `limit` bytes, 504 when it comes too slowly
   * @throws Error when the client goes away
   */
  read(limit: number): Promise<Uint8Array> {
    this.#reading ??= this.#start(limit);
    return this.#reading;
  }

  #start(limit: number): Promise<Uint8Array> {
    const { length } = this.#incoming;
    if (length === 0) return Promise.resolve(empty);
    const most = this.#incoming.refusesAtEnd === true ? limit + limits.maxDiscardedBytes.value : limit;
    if (length !== undefined && length > most) return Promise.reject(tooLarge(limit));
    const { stream } = this.#incoming;
    // It came with its headers: most do, and need nobody to wait for them. Without a length only the first piece would be read.
    const bytes: unknown = length === stream.readableLength && length <= limit ? stream.read(length) : null;
    if (!(bytes instanceof Uint8Array)) return this.#collect(limit);
    stream.resume();
    return Promise.resolve(bytes);
  }

  #collect(limit: number): Promise<Uint8Array> {
    const { stream, refusesAtEnd = false } = this.#incoming;
    return new Promise((resolve, reject) => {
      let chunks: Uint8Array[] = [];
      let bytes = 0;
      const giveUp = (): void => {
        clear();
        this.#stalled = true;
        chunks = [];
        reject(newTimeout("the body of the request did not arrive in time"));
      };
      const stall = setTimeout(giveUp, this.#stallMs);
      const total = setTimeout(giveUp, this.#totalMs);
      const clear = (): void => {
        clearTimeout(stall);
        clearTimeout(total);
      };
      stream.on("data", (chunk: Uint8Array) => {
        stall.refresh();
        bytes += chunk.length;
        if (bytes <= limit) {
          if (!this.#stalled) chunks.push(chunk);
          return;
        }
        chunks = [];
        const isEndless = bytes > limit + limits.maxDiscardedBytes.value;
        if (!refusesAtEnd || isEndless) reject(tooLarge(limit));
        if (isEndless && !refusesAtEnd) stream.destroy();
      });
      stream.once("end", () => {
        clear();
        if (bytes > limit) reject(tooLarge(limit));
        else resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      });
      stream.once("close", () => {
        clear();
        reject(new Error("the client went away while sending its request"));
      });
    });
  }
}

const tooLarge = (limit: number): Error => newRequestEntityTooLarge(`limit is ${limit}`);
