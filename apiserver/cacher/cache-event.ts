import type { Revision } from "../storage/interface.ts";
import type { ChangeType, Encoded, Encoder } from "./encoder.ts";

/** A change as one kind of reader sees it. */
export type SeenChange<T> = { readonly type: ChangeType; readonly item: T; readonly frame: Uint8Array };

type Change<T> = {
  readonly key: string;
  readonly revision: Revision;
  /** Absent when the write was a deletion. */
  readonly item?: T | undefined;
  readonly previous?: T | undefined;
};

/**
 * One committed write. How it looks depends on the reader's selectors (API W-34), so each of its three forms is made
 * when the first reader needs it, and shared by all that do.
 */
export class CacheEvent<T extends Encoded> {
  readonly key: string;
  readonly revision: Revision;
  readonly item: T | undefined;
  readonly previous: T | undefined;
  readonly receivedAtMs: number;
  readonly #encoder: Encoder<T>;
  #added: SeenChange<T> | undefined;
  #modified: SeenChange<T> | undefined;
  #deleted: SeenChange<T> | undefined;

  constructor(change: Change<T>, encoder: Encoder<T>, receivedAtMs: number) {
    this.key = change.key;
    this.revision = change.revision;
    this.item = change.item;
    this.previous = change.previous;
    this.receivedAtMs = receivedAtMs;
    this.#encoder = encoder;
  }

  /** Bytes of JSON that this event keeps from being freed, within a factor of a few. */
  get bytes(): number {
    return (this.item ?? this.previous)?.json.length ?? 0;
  }

  /** What a reader that wants only objects for which `matches` holds must be told; `undefined`: nothing. */
  seenBy(matches: (item: T, key: string) => boolean): SeenChange<T> | undefined {
    const { item, previous, key } = this;
    const isWanted = item !== undefined && matches(item, key);
    const wasWanted = previous !== undefined && matches(previous, key);
    if (isWanted) return wasWanted ? this.#asModified(item) : this.#asAdded(item);
    return wasWanted ? this.#asDeleted(previous) : undefined;
  }

  #asAdded(item: T): SeenChange<T> {
    this.#added ??= addedEvent(item, this.#encoder);
    return this.#added;
  }

  #asModified(item: T): SeenChange<T> {
    this.#modified ??= { type: "MODIFIED", item, frame: this.#encoder.frame("MODIFIED", item) };
    return this.#modified;
  }

  #asDeleted(previous: T): SeenChange<T> {
    if (this.#deleted === undefined) {
      const item = this.#encoder.atRevision(previous, this.revision);
      this.#deleted = { type: "DELETED", item, frame: this.#encoder.frame("DELETED", item) };
    }
    return this.#deleted;
  }
}

export function addedEvent<T extends Encoded>(item: T, encoder: Encoder<T>): SeenChange<T> {
  return { type: "ADDED", item, frame: encoder.frame("ADDED", item) };
}
