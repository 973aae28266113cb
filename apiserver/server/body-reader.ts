import type { IncomingMessage } from "node:http";
import { newRequestEntityTooLarge, newTimeout } from "../errors/status-error.ts";
import { limits } from "../limits.ts";

const empty = new Uint8Array(0);

/**
 * Reads the body of one request, at most once.
 *
 * A client that is refused for size is read on and its bytes are dropped, because closing the connection under its
 * feet would lose the answer (API N-40). One that sends nothing for `stallMs` is answered, then disconnected.
 */
export class BodyReader {
  private readonly message: IncomingMessage;
  private readonly stallMs: number;
  private reading: Promise<Uint8Array> | undefined;
  /** The client owes bytes that won't come: the connection cannot be used again. */
  stalled = false;

  constructor(message: IncomingMessage, stallMs: number) {
    this.message = message;
    this.stallMs = stallMs;
  }

  /**
   * @throws StatusError 413 over `limit` bytes, 504 for a stall
   * @throws Error when the client goes away
   */
  read(limit: number): Promise<Uint8Array> {
    this.reading ??= this.start(limit);
    return this.reading;
  }

  private start(limit: number): Promise<Uint8Array> {
    const { headers } = this.message;
    const length = headers["content-length"];
    if (headers["transfer-encoding"] === undefined && (length === undefined || length === "0")) {
      return Promise.resolve(empty);
    }
    if (length !== undefined && Number(length) > limit) return Promise.reject(tooLarge(limit));
    return this.collect(limit);
  }

  private collect(limit: number): Promise<Uint8Array> {
    const { message, stallMs } = this;
    return new Promise((resolve, reject) => {
      let chunks: Uint8Array[] = [];
      let bytes = 0;
      const timer = setTimeout(() => {
        this.stalled = true;
        reject(newTimeout("the body of the request did not arrive in time"));
      }, stallMs);
      message.on("data", (chunk: Uint8Array) => {
        timer.refresh();
        bytes += chunk.length;
        if (bytes <= limit) {
          chunks.push(chunk);
          return;
        }
        chunks = [];
        reject(tooLarge(limit));
        if (bytes > limit + limits.maxDiscardedBytes.value) message.destroy();
      });
      message.once("end", () => {
        clearTimeout(timer);
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      });
      message.once("close", () => {
        clearTimeout(timer);
        reject(new Error("the client went away while sending its request"));
      });
    });
  }
}

const tooLarge = (limit: number): Error => newRequestEntityTooLarge(`limit is ${limit}`);
