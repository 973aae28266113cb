/** More than are on their way between a write and the watch that tells of it. */
const maxKept = 4096;

/** Keys that this process deleted lately: a watch need not ask who it was. */
export class OwnDeletes {
  readonly #keys = new Set<string>();

  note(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    if (this.#keys.size <= maxKept) return;
    for (const oldest of this.#keys) {
      this.#keys.delete(oldest);
      return;
    }
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}
