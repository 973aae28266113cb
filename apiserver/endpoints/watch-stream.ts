/**
 * Watch answers: events as lines of JSON (API section 6).
 *
 * Invariant: an event nobody transforms is written as the bytes that all its readers share.
 * Invariant: nothing is buffered here. The transport pulls; who pulls too slowly is ended by the watch cache.
 */

import { initialEventsEndAnnotation, type ListMeta, type ObjectMeta } from "../apis/meta/v1.ts";
import { systemClock } from "../machinery/clock.ts";
import type { RestWatchEvent } from "../registry/rest/interface.ts";
import type { ApiResponse } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import type { CheckedFormat } from "./output.ts";
import type { HeaderFields } from "./responses.ts";
import type { RequestScope } from "./scope.ts";
import { columnDefinitions, partialObjectParts, rowParts, tableHeader } from "./table.ts";

type ObjectEvent = Extract<RestWatchEvent, { type: "ADDED" | "MODIFIED" | "DELETED" }>;
type BookmarkEvent = Extract<RestWatchEvent, { type: "BOOKMARK" }>;
type EventEncoder = (event: RestWatchEvent) => readonly Uint8Array[];

/**
 * A signal that aborts when `parent` does or the time is up, whichever is first.
 * Dispose of it when the watch is over: until then it holds a timer.
 */
export class WatchLifetime implements Disposable {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly parent: AbortSignal;
  private readonly end = (): void => {
    clearTimeout(this.timer);
    this.controller.abort();
  };

  constructor(parent: AbortSignal, timeoutMs: number) {
    this.parent = parent;
    // Node runs longer timers at once.
    this.timer = setTimeout(this.end, Math.min(timeoutMs, 2 ** 31 - 1));
    if (parent.aborted) this.end();
    else parent.addEventListener("abort", this.end, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  [Symbol.dispose](): void {
    this.parent.removeEventListener("abort", this.end);
    this.end();
  }
}

/** `events` until they or the lifetime end; then everything that serves them is released. */
export async function* eventsWithin(
  events: AsyncIterable<readonly RestWatchEvent[]>,
  lifetime: WatchLifetime,
): AsyncGenerator<readonly RestWatchEvent[]> {
  try {
    for await (const batch of events) {
      yield batch;
      if (lifetime.signal.aborted) return;
    }
  } catch (error) {
    if (!lifetime.signal.aborted) throw error;
  } finally {
    lifetime[Symbol.dispose]();
  }
}

export function watchResponse(
  scope: RequestScope,
  events: AsyncIterable<readonly RestWatchEvent[]>,
  { format, headers, observed }: { format: CheckedFormat; headers: HeaderFields; observed: ObservedWatch },
): ApiResponse {
  return {
    status: 200,
    headers: { "content-type": "application/json", ...headers },
    body: () => lines(events, tellingEncoder(encoderFor(scope, format), scope, observed)),
    result: { kind: "watch", events },
  };
}

/** What metrics tell of a watch: over what it goes, and when it was asked for, by `systemClock.elapsedMs()`. */
export type ObservedWatch = { readonly over: "cluster" | "namespace" | "resource"; readonly startedMs: number };

function tellingEncoder(
  encode: EventEncoder,
  { watches, kind, resource: { resource } }: RequestScope,
  { over, startedMs }: ObservedWatch,
): EventEncoder {
  if (watches === undefined) return encode;
  const watched = { group: kind.group, version: kind.version, resource };
  return (event) => {
    const parts = encode(event);
    watches.told(
      watched,
      parts.reduce((sum, { length }) => sum + length, 0),
    );
    if (event.type === "BOOKMARK" && event.initialEventsEnd)
      watches.listed(watched, over, systemClock.elapsedMs() - startedMs);
    return parts;
  };
}

async function* lines(
  events: AsyncIterable<readonly RestWatchEvent[]>,
  encode: EventEncoder,
): AsyncGenerator<Iterable<Uint8Array>> {
  for await (const batch of events) yield encodedParts(batch, encode);
}

function* encodedParts(batch: readonly RestWatchEvent[], encode: EventEncoder): Generator<Uint8Array> {
  for (const event of batch) yield* encode(event);
}

function encoderFor(scope: RequestScope, { transform, include }: CheckedFormat): EventEncoder {
  switch (transform.as) {
    case "Table":
      return tableEncoder(scope, { include, version: transform.version });
    case "PartialObjectMetadata":
      return partialEncoder(transform.version);
    default:
      return plainEncoder(scope);
  }
}

const lineEnd = utf8("}\n");
const eventStart: Readonly<Record<RestWatchEvent["type"], Uint8Array>> = {
  ADDED: utf8('{"type":"ADDED","object":'),
  MODIFIED: utf8('{"type":"MODIFIED","object":'),
  DELETED: utf8('{"type":"DELETED","object":'),
  BOOKMARK: utf8('{"type":"BOOKMARK","object":'),
  ERROR: utf8('{"type":"ERROR","object":'),
};

/** Metadata of a bookmark: its position, and whether it ends the initial events (API W-30). */
export function bookmarkMetadata({ resourceVersion, initialEventsEnd }: BookmarkEvent): ObjectMeta {
  return initialEventsEnd
    ? { resourceVersion, annotations: { [initialEventsEndAnnotation]: "true" } }
    : { resourceVersion };
}

/** Errors are plain under any transform (API W-53). */
function errorLine(event: Extract<RestWatchEvent, { type: "ERROR" }>): Uint8Array[] {
  return [eventStart.ERROR, utf8(JSON.stringify(event.status)), lineEnd];
}

function bookmarkLine(type: { kind: string; apiVersion: string }, event: BookmarkEvent): Uint8Array[] {
  return [eventStart.BOOKMARK, utf8(JSON.stringify({ ...type, metadata: bookmarkMetadata(event) })), lineEnd];
}

function plainEncoder({ kind, apiVersion }: RequestScope): EventEncoder {
  const type = { kind: kind.kind, apiVersion };
  return (event) => {
    if (event.type === "BOOKMARK") return bookmarkLine(type, event);
    return event.type === "ERROR" ? errorLine(event) : [event.frame];
  };
}

function partialEncoder(version: "v1" | "v1beta1"): EventEncoder {
  const type = {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
  };
  return (event) => {
    if (event.type === "BOOKMARK") return bookmarkLine(type, event);
    if (event.type === "ERROR") return errorLine(event);
    return [eventStart[event.type], ...partialObjectParts(event.item, version), lineEnd];
  };
}

type TableWatchOptions = {
  readonly include: CheckedFormat["include"];
  readonly version: "v1" | "v1beta1";
};

/** Definitions come with the first event only; every later Table has none (API W-51). */
function tableEncoder({ columns }: RequestScope, options: TableWatchOptions): EventEncoder {
  let definitions = JSON.stringify(columnDefinitions(columns));
  const table = (event: ObjectEvent | BookmarkEvent, metadata: ListMeta, row: readonly Uint8Array[]): Uint8Array[] => {
    const header = tableHeader(metadata, options.version, definitions);
    definitions = "null";
    return [eventStart[event.type], header, ...row, tableEnd];
  };
  return (event) => {
    if (event.type === "ERROR") return errorLine(event);
    if (event.type === "BOOKMARK") {
      const { resourceVersion } = event;
      return table(event, { resourceVersion }, bookmarkRow(event, columns.length, options.version));
    }
    const { resourceVersion = "" } = event.item.object.metadata;
    return table(event, { resourceVersion }, rowParts(event.item, { columns, ...options }, new Date()));
  };
}
const tableEnd = utf8("]}}\n");

/** Keeps its object even with `includeObject=None`: the end of the initial events is told by an annotation (API W-52). */
function bookmarkRow(event: BookmarkEvent, columns: number, version: "v1" | "v1beta1"): Uint8Array[] {
  const object = {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${version}`,
    metadata: bookmarkMetadata(event),
  };
  return [utf8(JSON.stringify({ cells: new Array(columns).fill(null), object }))];
}
