/** Read, decide, write if nobody else did (upstream `GuaranteedUpdate`). */
import type { KubeObject } from "../../apis/meta/v1.ts";
import { newNotFound } from "../../errors/status-error.ts";
import { deepEqual } from "../../machinery/json.ts";
import type { CachedObject } from "../../storage/cacher/object-codec.ts";
import { isStorageError } from "../../storage/errors.ts";
import type { EncodedObject, RequestContext } from "../rest/interface.ts";
import { interpretError } from "./interpret-error.ts";
import { decodeStored, keyOf, type Resource } from "./resource.ts";

/** What to do with the stored object. `put` of an equal object writes nothing (API U-07). */
export type Decision =
  | { readonly action: "put"; readonly object: KubeObject }
  | { readonly action: "delete"; readonly object: KubeObject }
  | { readonly action: "keep" };

/** `deleted`: gone now; `item` is then the object as it was decided upon. */
export type Outcome = { readonly deleted: boolean; readonly item: EncodedObject };

type Change = {
  readonly context: RequestContext;
  readonly name: string;
  readonly dryRun: boolean;
  /** Runs once per attempt, each time with a newer object; throwing refuses the change. */
  readonly decide: (existing: KubeObject) => Promise<Decision>;
};

/**
 * Starts from what the cache has. Every conclusion drawn from that, a refusal included, counts only if storage still
 * has the same object; otherwise it is drawn again from storage's.
 *
 * @throws StatusError `NotFound`, and whatever `decide` throws
 */
export async function changeObject(resource: Resource, change: Change): Promise<Outcome> {
  const { context, name } = change;
  const key = keyOf(resource, context.namespace, name);
  const cached = resource.cacher.latest(key);
  let existing = cached ?? (await read(resource, key, name, context.signal));
  let newest = cached === undefined;
  for (;;) {
    const attempt = await tryOnce(resource, key, existing, change);
    if (attempt.settled === "written") return attempt.outcome;
    if (attempt.settled === "concluded" && newest) return attempt.conclude();
    context.signal.throwIfAborted();
    const stored = await read(resource, key, name, context.signal);
    if (attempt.settled === "concluded" && stored.revision === existing.revision) return attempt.conclude();
    existing = stored;
    newest = true;
  }
}

type Attempt =
  | { readonly settled: "written"; readonly outcome: Outcome }
  /** Nothing was written: true as long as the object is the one that was looked at. */
  | { readonly settled: "concluded"; readonly conclude: () => Outcome }
  /** Another writer was faster. */
  | { readonly settled: "no" };

async function tryOnce(resource: Resource, key: string, existing: CachedObject, change: Change): Promise<Attempt> {
  let decision: Decision;
  try {
    decision = await change.decide(existing.object);
  } catch (error) {
    return {
      settled: "concluded",
      conclude: () => {
        throw error;
      },
    };
  }
  const unchanged = decision.action === "put" && deepEqual(decision.object, existing.object);
  if (decision.action === "keep" || unchanged) return concluded({ deleted: false, item: existing });
  const deleted = decision.action === "delete";
  if (change.dryRun) return concluded({ deleted, item: resource.codec.unstored(decision.object) });
  try {
    const item = deleted
      ? await remove(resource, key, existing, decision.object)
      : await replace(resource, key, existing, decision.object);
    return { settled: "written", outcome: { deleted, item } };
  } catch (error) {
    if (isStorageError(error, "Conflict") || isStorageError(error, "KeyNotFound")) return { settled: "no" };
    throw interpretError(error, { resource: resource.groupResource, name: change.name });
  }
}

const concluded = (outcome: Outcome): Attempt => ({ settled: "concluded", conclude: () => outcome });

async function replace(resource: Resource, key: string, existing: CachedObject, object: KubeObject) {
  const { backend, codec, cacher, prefix } = resource;
  const value = codec.encode(object);
  const revision = await backend.update(prefix + key, value, existing.revision);
  const item = codec.stored(object, value, revision);
  cacher.noteWrite(key, item);
  return item;
}

async function remove(resource: Resource, key: string, existing: CachedObject, object: KubeObject) {
  await resource.backend.delete(resource.prefix + key, existing.revision);
  return resource.codec.unstored(object);
}

async function read(resource: Resource, key: string, name: string, signal: AbortSignal): Promise<CachedObject> {
  const { backend, prefix, groupResource } = resource;
  try {
    const { value } = await backend.get(prefix + key, signal);
    if (value !== undefined) return decodeStored(resource, value);
  } catch (error) {
    throw interpretError(error, { resource: groupResource, name });
  }
  throw newNotFound(groupResource, name);
}
