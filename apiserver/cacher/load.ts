import type { Revision, StorageBackend } from "../storage/interface.ts";
import type { Encoded, Encoder } from "./encoder.ts";
import type { Entry } from "./ordered-state.ts";

/** Objects decoded without giving other work a turn. */
const pageSize = 500;

export type Loaded<T> = {
  readonly revision: Revision;
  /** In key order, keys without the prefix. */
  readonly entries: Entry<T>[];
  /** Keys whose value is no object, with the reason. */
  readonly unreadable: Map<string, unknown>;
};

type Source<T extends Encoded> = {
  readonly backend: StorageBackend;
  readonly prefix: string;
  readonly encoder: Encoder<T>;
  readonly signal: AbortSignal;
};

/** Everything under the prefix, as of one revision. The next page is read while one is decoded. */
export async function loadState<T extends Encoded>({
  backend,
  prefix,
  encoder,
  signal,
}: Source<T>): Promise<Loaded<T>> {
  const entries: Entry<T>[] = [];
  const unreadable = new Map<string, unknown>();
  let page = await backend.range({ prefix, limit: pageSize }, signal);
  const { revision } = page;
  for (;;) {
    const last = page.items.at(-1);
    const isLast = last === undefined || page.items.length >= page.count;
    const next = isLast
      ? undefined
      : backend.range({ prefix, startKey: `${last.key}\0`, limit: pageSize, revision }, signal);
    // Its failure is met when it is waited for.
    next?.catch(() => {});
    for (const stored of page.items) {
      const key = stored.key.slice(prefix.length);
      try {
        entries.push({ key, item: encoder.decode(stored.value, stored.revision) });
      } catch (error) {
        unreadable.set(key, error);
      }
    }
    if (next === undefined) return { revision, entries, unreadable };
    page = await next;
  }
}
