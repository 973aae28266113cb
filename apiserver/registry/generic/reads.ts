/** get, list and watch of one resource: from the cache when it is proven fresh enough, else from storage. */

import type { Snapshot } from "../../cacher/cacher.ts";
import {
  newExpired,
  newInternal,
  newNotFound,
  newTooLargeResourceVersion,
  newTooManyRequests,
  StatusError,
} from "../../errors/status-error.ts";
import { isStorageError } from "../../storage/errors.ts";
import type { Revision } from "../../storage/interface.ts";
import type {
  EncodedObject,
  Getter,
  Lister,
  ListOptions,
  ListResult,
  RequestContext,
  RestWatchEvent,
  Watcher,
  WatchOptions,
} from "../rest/interface.ts";
import type { CachedObject } from "./cached-object.ts";
import { type Continue, encodeContinue, newestRevision } from "./continue-token.ts";
import { interpreted } from "./interpret-error.ts";
import { type Page, type PageRequest, pageOfSnapshot, pageOfStorage } from "./page.ts";
import { listPosition, type Position, positionOf } from "./positions.ts";
import type { Selection } from "./selection.ts";
import { decodeStored, keyOf, type StoredResource } from "./stored-resource.ts";

/** `Retry-After` while the cache is rebuilt, in seconds: a second per so much downtime, within these bounds (API W-44). */
const downtimeMsPerRetrySecond = 2000;
const maxRetryAfterSeconds = 30;

export class Reads implements Getter, Lister, Watcher {
  readonly #resource: StoredResource;

  constructor(resource: StoredResource) {
    this.#resource = resource;
  }

  async get(context: RequestContext, name: string, options: { resourceVersion: string }): Promise<EncodedObject> {
    const { cacher, groupResource } = this.#resource;
    const position = positionOf(options.resourceVersion);
    const key = keyOf(this.#resource, context.namespace, name);
    const cached = cacher.ready && (await this.#reach(position, context.signal));
    const found = cached ? cacher.get(key) : undefined;
    const known = found !== undefined || (cached && cacher.unreadable(key) === undefined);
    const item = known ? found : await this.#getStored(key, name, position, context.signal);
    if (item === undefined) throw newNotFound(groupResource, name);
    return item;
  }

  async list(context: RequestContext, options: ListOptions): Promise<ListResult> {
    const selection = this.#resource.selections.select(context.namespace, options);
    const { position, continued, limit } = listPosition(options);
    const request = { selection, start: continued?.start ?? "", limit };
    const page = await this.#page(position, request, continued, context.signal);
    return { items: page.items, metadata: listMeta(page) };
  }

  async watch(context: RequestContext, options: WatchOptions): Promise<AsyncIterable<readonly RestWatchEvent[]>> {
    const { cacher, selections } = this.#resource;
    const { scope, lookups, matches, singleKey } = selections.select(context.namespace, options);
    const position = positionOf(options.resourceVersion);
    const initialEvents = options.sendInitialEvents ?? position.at !== "notOlderThan";
    await this.#untilReady(context.signal);
    const common = {
      scope,
      lookups,
      matches: singleKey ? onlyKey(scope, matches) : matches,
      wantsBookmarks: options.allowBookmarks,
      timeoutMs: options.timeoutMs,
      signal: context.signal,
    };
    if (position.at === "notOlderThan" && !initialEvents) {
      if (options.refusesFuture === true && !(await cacher.waitFor(position.revision, context.signal))) {
        return endingWith(newTooLargeResourceVersion(position.revision, cacher.revision));
      }
      return this.#opened(cacher.watch({ ...common, from: "revision", after: position.revision }));
    }
    if (!(await this.#reach(position, context.signal))) {
      return endingWith(newTooLargeResourceVersion(revisionOf(position), cacher.revision));
    }
    const unreadable = initialEvents ? cacher.unreadable(scope) : undefined;
    if (unreadable !== undefined) return endingWith(newUnreadable(unreadable));
    return this.#opened(cacher.watch({ ...common, from: "now", initialEvents }));
  }

  /** True when the cache shows a state that `position` allows; false when it did not get there in time. */
  async #reach(position: Position, signal: AbortSignal): Promise<boolean> {
    const { cacher, groupResource } = this.#resource;
    switch (position.at) {
      case "any":
        return true;
      case "newest":
        return interpreted({ resource: groupResource, name: "" }, cacher.becomeFresh(signal));
      case "notOlderThan":
      case "exactly":
        return cacher.waitFor(position.revision, signal);
    }
  }

  async #getStored(key: string, name: string, position: Position, signal: AbortSignal) {
    const { backend, prefix, groupResource } = this.#resource;
    const read = backend.get(prefix + key, signal);
    const { value, revision } = await interpreted({ resource: groupResource, name }, read);
    if (revision < revisionOf(position)) throw newTooLargeResourceVersion(revisionOf(position), revision);
    return value === undefined ? undefined : decodeStored(this.#resource, value);
  }

  async #page(
    position: Position,
    request: PageRequest,
    continued: Continue | undefined,
    signal: AbortSignal,
  ): Promise<Page> {
    const { cacher } = this.#resource;
    if (position.at === "exactly") return this.#pageAt(position.revision, request, continued, signal);
    const fromStorage = !cacher.ready && request.limit > 0 && request.selection.everything;
    if (!fromStorage) await this.#untilReady(signal);
    const reached = !fromStorage && (await this.#reach(position, signal));
    const snapshot = reached ? cacher.snapshot(request.selection) : undefined;
    const unreadable = cacher.unreadable(request.selection.scope);
    if (unreadable !== undefined) throw newUnreadable(unreadable);
    if (snapshot !== undefined) return this.#pageAndHold(snapshot, request);
    if (position.at === "notOlderThan") throw newTooLargeResourceVersion(position.revision, cacher.revision);
    return this.#pageStored(undefined, request, signal);
  }

  async #pageAt(
    revision: Revision,
    request: PageRequest,
    continued: Continue | undefined,
    signal: AbortSignal,
  ): Promise<Page> {
    const { cacher } = this.#resource;
    const held = cacher.snapshotAt(revision, request.selection);
    if (held !== undefined) return pageOfSnapshot(held, request);
    if (cacher.ready && !(await cacher.waitFor(revision, signal))) {
      throw newTooLargeResourceVersion(revision, cacher.revision);
    }
    try {
      return await this.#pageStored(revision, request, signal);
    } catch (error) {
      if (continued === undefined || !isExpiredHistory(error)) throw error;
      throw newExpiredContinue(continued);
    }
  }

  #pageAndHold(snapshot: Snapshot<CachedObject>, request: PageRequest): Page {
    const { cacher } = this.#resource;
    const page = pageOfSnapshot(snapshot, request);
    const whole = page.next === undefined ? undefined : cacher.snapshot();
    if (whole !== undefined) cacher.hold(whole);
    return page;
  }

  async #pageStored(revision: Revision | undefined, request: PageRequest, signal: AbortSignal): Promise<Page> {
    const { backend, prefix, groupResource } = this.#resource;
    const decode = decodeStored.bind(undefined, this.#resource);
    try {
      return await pageOfStorage({ backend, prefix, revision, decode, signal }, request);
    } catch (error) {
      if (revision !== undefined && isStorageError(error, "FutureRevision")) {
        throw newTooLargeResourceVersion(revision, error.revision ?? 0);
      }
      return interpreted({ resource: groupResource, name: "" }, Promise.reject(error));
    }
  }

  /** @throws StatusError 429 when the cache has no state and gets none within some seconds (API W-44) */
  async #untilReady(signal: AbortSignal): Promise<void> {
    const { cacher } = this.#resource;
    if (cacher.ready || (await cacher.waitFor(0, signal))) return;
    const seconds = Math.ceil(cacher.downtimeMs / downtimeMsPerRetrySecond);
    throw notReady(Math.min(seconds, maxRetryAfterSeconds));
  }

  #opened(events: AsyncIterable<readonly RestWatchEvent[]> | undefined): AsyncIterable<readonly RestWatchEvent[]> {
    if (events === undefined) throw notReady(1);
    return events;
  }
}

const notReady = (seconds: number) => newTooManyRequests("storage is (re)initializing", Math.max(1, seconds));

/** The list as a whole fails: leaving the object out would tell a controller that it is gone (API L-17). */
const newUnreadable = (cause: unknown): StatusError =>
  cause instanceof StatusError ? cause : newInternal("a stored object cannot be decoded", { cause });

const isExpiredHistory = (error: unknown): boolean => error instanceof StatusError && error.status.reason === "Expired";

function revisionOf(position: Position): Revision {
  return "revision" in position ? position.revision : 0;
}

/** The scope of a single key is also the beginning of longer names. */
const onlyKey =
  (scope: string, matches: Selection["matches"]): Selection["matches"] =>
  (item, key) =>
    key === scope && matches(item, key);

function listMeta({ revision, next, remaining }: Page): ListResult["metadata"] {
  return {
    resourceVersion: String(revision),
    ...(next === undefined ? {} : { continue: encodeContinue({ revision, start: next }) }),
    ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
  };
}

/** 410 with a token that goes on from the same key in the newest state (API L-12). */
function newExpiredContinue({ start }: Continue): StatusError {
  const { status } = newExpired(
    "The provided continue parameter is too old to display a consistent list result. Either start a new list without " +
      "it, or go on with the token in metadata.continue: the rest then shows the newest state, so that objects that " +
      "changed since the first page may be missing or come twice.",
  );
  return new StatusError({ ...status, metadata: { continue: encodeContinue({ revision: newestRevision, start }) } });
}

async function* endingWith({ status }: StatusError): AsyncGenerator<readonly RestWatchEvent[]> {
  yield [{ type: "ERROR", status }];
}
