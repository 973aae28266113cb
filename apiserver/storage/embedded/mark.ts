import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import type { StorePosition } from "../interface.ts";
import { parsePosition } from "../position.ts";

/** Longer than any mark; written whole each time, so that nothing of a longer one is left behind. */
const markLength = 256;

/**
 * Where the store stood, in a file beside it: what it is compared with when it is opened.
 *
 * Invariant: it is written after a commit is durable, and never waits for the disk itself: after a power loss it may be
 *            behind the store, never ahead of it.
 */
export class MarkFile {
  readonly #file: string;
  #handle: number | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * `undefined`: there is none, as in what releases without marks wrote.
   * @throws Error when it is there but says nothing
   */
  read(): StorePosition | undefined {
    if (!existsSync(this.#file)) return undefined;
    const position = parsePosition(readFileSync(this.#file, "utf8"));
    if (position === undefined) throw new Error(`${this.#file} does not say where the store stood`);
    return position;
  }

  /** A mark that cannot be written is behind, which is safe: the store's own writes tell of the disk's trouble. */
  write({ identity, revision, objects, marks }: StorePosition): void {
    const line = JSON.stringify({ identity, revision, objects, marks });
    try {
      this.#handle ??= openSync(this.#file, existsSync(this.#file) ? "r+" : "wx", 0o600);
      writeSync(this.#handle, `${line.padEnd(markLength - 1)}\n`, 0);
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
}
