import type { Revision, StorageBackend } from "../storage/interface.ts";
import type { ObjectCodec } from "./object-codec.ts";
import type { Entry } from "./ordered-state.ts";

/** Objects decoded without giving other work a turn. */
const pageSize = 500;

export type Loaded = {
  readonly revision: Revision;
  /** In key order, keys without the prefix. */
  readonly entries: Entry[];
  /** Keys whose value is no object, with the reason. */
  readonly unreadable: Map<string, unknown>;
};

type Source = {
  readonly backend: StorageBackend;
  readonly prefix: string;
  readonly codec: ObjectCodec;
  readonly signal: AbortSignal;
};

/** Everything under the prefix, as of one revision. */
export async function loadState({ backend, prefix, codec, signal }: Source): Promise<Loaded> {
  const entries: Entry[] = [];
  const unreadable = new Map<string, unknown>();
  let page = await backend.range({ prefix, limit: pageSize }, signal);
  const { revision } = page;
  for (;;) {
    for (const stored of page.items) {
      const key = stored.key.slice(prefix.length);
      try {
        entries.push({ key, item: codec.decode(stored.value, stored.revision) });
      } catch (error) {
        unreadable.set(key, error);
      }
    }
    const last = page.items.at(-1);
    if (last === undefined || page.items.length >= page.count) return { revision, entries, unreadable };
    page = await backend.range({ prefix, startKey: `${last.key}\0`, limit: pageSize, revision }, signal);
  }
}
