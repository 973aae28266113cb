/** Buffers that chunks of answers are joined in, again and again: to get new memory takes longer than to fill it. */
export class ChunkBuffers {
  readonly #sizeBytes: number;
  readonly #most: number;
  readonly #spare: Buffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /**
   * @param sizeBytes  of each
   * @param most       kept for later use
   */
  constructor(sizeBytes: number, most: number) {
    this.#sizeBytes = sizeBytes;
    this.#most = most;
  }

  /** Of so many bytes, whatever they are. What is small beside the buffers of this pool is no part of one. */
  take(bytes: number): Buffer {
    if (bytes > this.#sizeBytes || bytes * 2 < this.#sizeBytes) return Buffer.allocUnsafeSlow(bytes);
    const buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#sizeBytes);
    this.#lent.add(buffer.buffer);
    return buffer.subarray(0, bytes);
  }

  /** @param chunk  that nobody reads any more; what was not taken here stays whose it is */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#lent.delete(buffer) || this.#spare.length === this.#most) return;
    this.#spare.push(Buffer.from(buffer));
  }
}
