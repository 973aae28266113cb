import type { KubeObject } from "../apis/meta/v1.ts";
import { isExpired, StatusError } from "../errors/status-error.ts";
import type { ResourceClient, ResourceType, WatchQuery } from "./client.ts";
import { type Sleep, sleep } from "./retry.ts";

/** Receives the state of a collection: once whole, then change by change, and whole again after a gap. */
export interface FollowSink {
  replace(objects: readonly KubeObject[]): void;
  upsert(object: KubeObject): void;
  remove(object: KubeObject): void;
}

export type FollowOptions = {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly fieldSelector?: string;
  readonly signal: AbortSignal;
  /** Told of every failure; following goes on. */
  readonly onError: (error: unknown) => void;
  readonly sleep?: Sleep;
};

/** Objects per page of the initial list: client-go's own page size. */
const pageSize = 500;
/** First delay after a failure and its ceiling, as client-go's reflector waits; doubled per failure in a row. */
const firstDelayMs = 800;
const maxDelayMs = 30_000;

/**
 * Keeps `sink` equal to a collection until the signal aborts: list, then watch from there, again after any failure.
 * Runs until the signal aborts and then resolves; never rejects.
 */
export async function follow(client: ResourceClient, sink: FollowSink, options: FollowOptions): Promise<void> {
  const { signal, onError } = options;
  const wait = options.sleep ?? sleep;
  let resourceVersion: string | undefined;
  let delayMs = firstDelayMs;
  while (!signal.aborted) {
    try {
      resourceVersion ??= await listInto(client, sink, options);
      const next = await watchInto(client, sink, options, resourceVersion);
      delayMs = firstDelayMs;
      // A stream that ends without having said anything would otherwise be opened again in a tight loop.
      if (next === resourceVersion) await wait(firstDelayMs, signal);
      resourceVersion = next;
    } catch (error) {
      if (signal.aborted) return;
      resourceVersion = undefined;
      if (!isExpired(error)) onError(error);
      await wait(delayMs, signal).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, maxDelayMs);
    }
  }
}

const selection = ({ namespace, fieldSelector }: FollowOptions) => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
});

async function listInto(client: ResourceClient, sink: FollowSink, options: FollowOptions): Promise<string> {
  const objects: KubeObject[] = [];
  let token: string | undefined;
  for (;;) {
    const query = { ...selection(options), limit: pageSize, ...(token === undefined ? {} : { continue: token }) };
    const page = await client.list(options.type, query, options.signal);
    objects.push(...page.items);
    token = page.metadata.continue;
    if (token !== undefined && token !== "") continue;
    sink.replace(objects);
    return page.metadata.resourceVersion ?? "";
  }
}

/** @returns the position to watch from next, when the server ended the stream as it does every few minutes */
async function watchInto(
  client: ResourceClient,
  sink: FollowSink,
  options: FollowOptions,
  from: string,
): Promise<string> {
  let resourceVersion = from;
  const query: WatchQuery = { ...selection(options), resourceVersion, allowBookmarks: true };
  for await (const event of client.watch(options.type, query, options.signal)) {
    if (event.type === "ERROR") throw new StatusError({ ...event.object, code: event.object.code ?? 500 });
    resourceVersion = event.object.metadata.resourceVersion ?? resourceVersion;
    if (event.type === "DELETED") sink.remove(event.object);
    else if (event.type !== "BOOKMARK") sink.upsert(event.object);
  }
  return resourceVersion;
}
