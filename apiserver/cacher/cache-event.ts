import { Buffer } from "node:buffer";
import type { Revision } from "../storage/interface.ts";
import type { CachedObject, ObjectCodec, RestWatchEvent } from "./object-codec.ts";

const modifiedHead = Buffer.from('{"type":"MODIFIED","object":');
const deletedHead = Buffer.from('{"type":"DELETED","object":');
const frameEnd = Buffer.from("}\n");

type Change = {
  readonly key: string;
  readonly revision: Revision;
  /** Absent when the write was a deletion. */
  readonly item?: CachedObject | undefined;
  readonly previous?: CachedObject | undefined;
};

/**
 * One committed write. How it looks depends on the reader's selectors (API W-34), so each of its three forms is made
 * when the first reader needs it, and shared by all that do.
 */
export class CacheEvent {
  readonly key: string;
  readonly revision: Revision;
  readonly item: CachedObject | undefined;
  readonly previous: CachedObject | undefined;
  readonly receivedAtMs: number;
  readonly #codec: ObjectCodec;
  #added: RestWatchEvent | undefined;
  #modified: RestWatchEvent | undefined;
  #deleted: RestWatchEvent | undefined;

  constructor(change: Change, codec: ObjectCodec, receivedAtMs: number) {
    this.key = change.key;
    this.revision = change.revision;
    this.item = change.item;
    this.previous = change.previous;
    this.receivedAtMs = receivedAtMs;
    this.#codec = codec;
  }

  /** Bytes of JSON that this event keeps from being freed, within a factor of a few. */
  get bytes(): number {
    return (this.item ?? this.previous)?.json.length ?? 0;
  }

  /** What a reader that wants only objects for which `matches` holds must be told; `undefined`: nothing. */
  seenBy(matches: (item: CachedObject) => boolean): RestWatchEvent | undefined {
    const { item, previous } = this;
    const isWanted = item !== undefined && matches(item);
    const wasWanted = previous !== undefined && matches(previous);
    if (isWanted) return wasWanted ? this.#asModified(item) : this.#asAdded(item);
    return wasWanted ? this.#asDeleted(previous) : undefined;
  }

  #asAdded(item: CachedObject): RestWatchEvent {
    this.#added ??= addedEvent(item);
    return this.#added;
  }

  #asModified(item: CachedObject): RestWatchEvent {
    this.#modified ??= {
      type: "MODIFIED",
      item,
      frame: Buffer.concat([modifiedHead, item.json, frameEnd]),
    };
    return this.#modified;
  }

  #asDeleted(previous: CachedObject): RestWatchEvent {
    if (this.#deleted === undefined) {
      const item = this.#codec.atRevision(previous, this.revision);
      this.#deleted = {
        type: "DELETED",
        item,
        frame: Buffer.concat([deletedHead, item.json, frameEnd]),
      };
    }
    return this.#deleted;
  }
}

export function addedEvent(item: CachedObject): RestWatchEvent {
  return { type: "ADDED", item, frame: item.addedFrame };
}
