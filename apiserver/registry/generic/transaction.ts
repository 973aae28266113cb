/** Read, decide, write if nobody else did (upstream `GuaranteedUpdate`). */
import type { KubeObject } from "../../apis/meta/v1.ts";
import { newAlreadyExists, newConflict, newNotFound, StatusError } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
import { deepEqual } from "../../machinery/json.ts";
import { equalButForTimes } from "../../machinery/managed-fields/managers.ts";
import { giveWay, type Pace } from "../../machinery/turns.ts";
import { isStorageError } from "../../storage/errors.ts";
import type { Revision, StoredValue } from "../../storage/interface.ts";
import type { EncodedObject, RequestContext } from "../rest/interface.ts";
import type { CachedObject } from "./cached-object.ts";
import { interpretError, interpreted } from "./interpret-error.ts";
import { decodeStored, keyOf, nameOf, type StoredResource } from "./stored-resource.ts";
import { withManagedFields } from "./tracking.ts";

/** What to do with the stored object. `put` of an equal object writes nothing (API U-07). */
export type Decision =
  | { readonly action: "put"; readonly object: KubeObject }
  | { readonly action: "delete"; readonly object: KubeObject }
  | { readonly action: "keep" };

/**
 * `deleted`: gone now; `item` is then the object as it was decided upon. `unchanged`: what is stored is what was decided on,
 * and `item`.
 */
export type Outcome = { readonly deleted: boolean; readonly unchanged: boolean; readonly item: EncodedObject };

type Change = {
  readonly context: RequestContext;
  readonly name: string;
  readonly dryRun: boolean;
  /** Not an apply, of which who owns what is half the meaning (API C-10). */
  readonly mayForgetManagers?: boolean;
  readonly pace: Pace;
  /** Runs once per attempt, each time with a newer object; throwing refuses the change. */
  readonly decide: (existing: KubeObject, item: EncodedObject) => Promise<Decision>;
};

/**
 * Starts from what the cache has, and again from what is stored whenever another writer was faster: as often as the
 * request's deadline allows (API P-03). Every conclusion drawn from that, a refusal included, counts only if storage still
 * has the same object; otherwise it is drawn again from storage's.
 *
 * @throws StatusError `NotFound`, and whatever `decide` throws
 */
export async function changeObject(resource: StoredResource, change: Change): Promise<Outcome> {
  const { context, name } = change;
  const key = keyOf(resource, context.namespace, name);
  const cached = resource.cacher.latest(key);
  let existing = cached ?? (await read(resource, key, name, context.signal));
  let newest = cached === undefined;
  await giveWay(context.user.name);
  for (;;) {
    if (existing.json.length > limits.maxBytesAtOnce.value) change.pace.slowDown();
    const attempt = await tryOnce(resource, key, existing, change);
    if (attempt.settled === "written") return attempt.outcome;
    if (attempt.settled === "concluded" && newest) return attempt.conclude();
    context.signal.throwIfAborted();
    const stored = await readBytes(resource, key, name, context.signal);
    if (attempt.settled === "concluded" && stored.revision === existing.revision) return attempt.conclude();
    existing = decodeStored(resource, stored);
    newest = true;
  }
}

type Attempt =
  | { readonly settled: "written"; readonly outcome: Outcome }
  /** Nothing was written: true as long as the object is the one that was looked at. */
  | { readonly settled: "concluded"; readonly conclude: () => Outcome }
  /** Another writer was faster. */
  | { readonly settled: "no" };

async function tryOnce(
  resource: StoredResource,
  key: string,
  existing: CachedObject,
  change: Change,
): Promise<Attempt> {
  const { object } = existing;
  let decision: Decision;
  try {
    decision = await change.decide(object, existing);
  } catch (error) {
    return {
      settled: "concluded",
      conclude: () => {
        throw error;
      },
    };
  }
  const { pace } = change;
  const unchanged = await pace.run(
    () => decision.action === "put" && !existing.isOutdated && isUnchanged(decision.object, object),
  );
  if (decision.action === "keep" || unchanged) return concluded({ deleted: false, unchanged, item: existing });
  const deleted = decision.action === "delete";
  if (change.dryRun)
    return concluded({ deleted, unchanged, item: await pace.run(() => resource.codec.unstored(decision.object)) });
  try {
    const item = deleted
      ? await remove(resource, key, existing, decision.object)
      : await fitting(decision.object, change, (object) => replace(resource, key, existing, object, pace));
    return { settled: "written", outcome: { deleted, unchanged, item } };
  } catch (error) {
    if (isStorageError(error, "Conflict") || isStorageError(error, "KeyNotFound")) return { settled: "no" };
    throw interpretError(error, { resource: resource.groupResource, name: change.name });
  }
}

/** Times of managedFields alone are no change (API U-07). */
function isUnchanged(next: KubeObject, existing: KubeObject): boolean {
  const [before, after] = [existing.metadata.managedFields ?? [], next.metadata.managedFields ?? []];
  return equalButForTimes(after, before) && deepEqual(withManagedFields(next, before), existing);
}

const concluded = (outcome: Outcome): Attempt => ({ settled: "concluded", conclude: () => outcome });

/** Stores the object, without its managers if it only fits so: what it says matters more than who said it (API C-10). */
async function fitting<T>(
  object: KubeObject,
  { mayForgetManagers }: { readonly mayForgetManagers?: boolean },
  store: (object: KubeObject) => Promise<T>,
): Promise<T> {
  try {
    return await store(object);
  } catch (error) {
    const { managedFields } = object.metadata;
    if (mayForgetManagers !== true || managedFields === undefined || !isStorageError(error, "TooLarge")) throw error;
    return store(withManagedFields(object, []));
  }
}

async function replace(
  resource: StoredResource,
  key: string,
  existing: CachedObject,
  object: KubeObject,
  pace: Pace,
): Promise<EncodedObject> {
  const { backend, codec, cacher, prefix } = resource;
  const value = await pace.run(() => codec.encode(object));
  const make = (revision: Revision): CachedObject => codec.stored(object, value, revision);
  return cacher.write(key, { value, make }, () => backend.update(prefix + key, value, existing.revision));
}

async function remove(resource: StoredResource, key: string, existing: CachedObject, object: KubeObject) {
  await resource.backend.delete(resource.prefix + key, existing.revision);
  return resource.codec.unstored(object);
}

/**
 * Removes what is stored under a name and is no object of the kind.
 * @throws StatusError `NotFound`; `Conflict` for what can be read and so be deleted as everything else (API X-13)
 */
export async function removeUndecodable(
  resource: StoredResource,
  { context, name, dryRun }: Pick<Change, "context" | "name" | "dryRun">,
): Promise<void> {
  const { backend, prefix, groupResource } = resource;
  const key = keyOf(resource, context.namespace, name);
  for (;;) {
    const found = await readBytes(resource, key, name, context.signal);
    if (isDecodable(resource, found)) throw newConflict(groupResource, name, decodableSentence);
    if (dryRun) return;
    try {
      await backend.delete(prefix + key, found.revision);
      return;
    } catch (error) {
      const isRace = isStorageError(error, "Conflict") || isStorageError(error, "KeyNotFound");
      if (!isRace) throw interpretError(error, { resource: groupResource, name });
    }
    context.signal.throwIfAborted();
  }
}

const decodableSentence = "unsafe deletion is not allowed because the object is decodable from storage";

/** @throws StatusError 503 for an object of a version that this server does not know, but another may */
function isDecodable(resource: StoredResource, value: StoredValue): boolean {
  try {
    decodeStored(resource, value);
    return true;
  } catch (error) {
    if (error instanceof StatusError) throw error;
    return false;
  }
}

type Insertion = {
  readonly context: RequestContext;
  /** With its name. */
  readonly object: KubeObject;
  readonly dryRun: boolean;
  readonly mayForgetManagers: boolean;
  readonly pace: Pace;
};

/** @throws StatusError `AlreadyExists`, of a dry run too (API C-03, V-14) */
export async function insertObject(resource: StoredResource, insertion: Insertion): Promise<EncodedObject> {
  const { context, object, dryRun, pace } = insertion;
  const { backend, codec, cacher, prefix, groupResource } = resource;
  const name = nameOf(object);
  const key = keyOf(resource, context.namespace, name);
  if (dryRun) {
    const existing = await stored(resource, key, name, context.signal);
    if (existing === undefined) return pace.run(() => codec.unstored(object));
    throw alreadyExists(resource, name, existing);
  }
  const insert = async (born: KubeObject): Promise<EncodedObject> => {
    const value = await pace.run(() => codec.encode(born));
    const make = (revision: Revision): CachedObject => codec.stored(born, value, revision);
    return cacher.write(key, { value, make }, () => backend.create(prefix + key, value));
  };
  try {
    return await fitting(object, insertion, insert);
  } catch (error) {
    if (!isStorageError(error, "KeyExists")) throw interpretError(error, { resource: groupResource, name });
    throw alreadyExists(resource, name, await stored(resource, key, name, context.signal));
  }
}

function alreadyExists(
  { groupResource }: StoredResource,
  name: string,
  existing: CachedObject | undefined,
): StatusError {
  const error = newAlreadyExists(groupResource, name);
  if (existing?.object.metadata.deletionTimestamp === undefined) return error;
  return new StatusError({ ...error.status, message: `object is being deleted: ${error.message}` });
}

/** Nothing is stored under the name that a change is for. */
export class MissingObject extends StatusError {
  constructor({ groupResource }: StoredResource, name: string) {
    super(newNotFound(groupResource, name).status);
  }
}

async function read(resource: StoredResource, key: string, name: string, signal: AbortSignal): Promise<CachedObject> {
  return decodeStored(resource, await readBytes(resource, key, name, signal));
}

async function readBytes(
  resource: StoredResource,
  key: string,
  name: string,
  signal: AbortSignal,
): Promise<StoredValue> {
  const value = await bytesOf(resource, key, name, signal);
  if (value === undefined) throw new MissingObject(resource, name);
  return value;
}

async function bytesOf(
  { backend, prefix, groupResource }: StoredResource,
  key: string,
  name: string,
  signal: AbortSignal,
) {
  const { value } = await interpreted({ resource: groupResource, name }, backend.get(prefix + key, signal));
  return value;
}

async function stored(resource: StoredResource, key: string, name: string, signal: AbortSignal) {
  const value = await bytesOf(resource, key, name, signal);
  return value === undefined ? undefined : decodeStored(resource, value);
}
