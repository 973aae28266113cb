import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** What a full disk needs to take deletes again: room for a whole write-ahead log to be copied into the table. */
const mostBytes = 16 * 1024 * 1024;
/** Of a small disk; less would not help. */
const leastBytes = 1024 * 1024;
/** Part of what the disk has free that the reserve may take. */
const share = 4;
const chunk = new Uint8Array(1024 * 1024);

/**
 * A file of nothing beside the store. When the disk is full it is removed, and the room goes to what makes room: deletes.
 */
export class Reserve {
  readonly #file: string;
  #bytes = 0;

  constructor(file: string) {
    this.#file = file;
    try {
      this.#bytes = statSync(file).size;
    } catch {
      // There is none yet.
    }
  }

  /** 0 when it is not held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes it if the disk has room to spare. */
  take(): boolean {
    if (this.#bytes >= leastBytes) return true;
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#file));
      const bytes = Math.min(mostBytes, Math.floor((bavail * bsize) / share));
      if (bytes < leastBytes) return false;
      this.#fill(bytes);
      this.#bytes = bytes;
      return true;
    } catch {
      this.release();
      return false;
    }
  }

  release(): void {
    this.#bytes = 0;
    try {
      rmSync(this.#file, { force: true });
    } catch {
      // A disk that lets nothing be removed fails the write that comes next, and says why.
    }
  }

  /** Written, not only declared: a file with a hole takes no room. */
  #fill(bytes: number): void {
    const handle = openSync(this.#file, "w", 0o600);
    try {
      for (let written = 0; written < bytes; ) {
        written += writeSync(handle, chunk, 0, Math.min(chunk.byteLength, bytes - written));
      }
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }
}
