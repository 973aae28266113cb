import { prefixEnd } from "../keys.ts";

/** etcd's way to say "to the end of all keys". */
const endOfKeys = Buffer.from([0]);

/** Puts a configured prefix before every key, and takes it off again. */
export class Keyspace {
  readonly #prefix: string;
  readonly #prefixBytes: number;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#prefixBytes = Buffer.byteLength(prefix);
  }

  key(key: string): Buffer {
    return Buffer.from(this.#prefix + key);
  }

  /** From `startKey` to the last key with `prefix`, as etcd asks for it. */
  range(prefix: string, startKey = prefix): { key: Buffer; range_end: Buffer } {
    const start = this.key(startKey);
    const end = prefixEnd(this.#prefix + prefix);
    // etcd has no empty key, so the first one possible stands for it.
    return { key: start.length === 0 ? endOfKeys : start, range_end: end === undefined ? endOfKeys : Buffer.from(end) };
  }

  name(key: Buffer): string {
    return key.toString("utf8", this.#prefixBytes);
  }
}
