/** `metadata.managedFields` as owners of fields, and back (API S-10 to S-12, S-16). */
import type { JsonObject, ManagedFieldsEntry } from "../../apis/meta/v1.ts";
import { limits } from "../../limits.ts";
import { deepEqual } from "../json.ts";
import { type FieldSet, noFields, union } from "../structured-merge/field-set.ts";
import { FieldsV1Error } from "../structured-merge/fields-v1.ts";
import type { Owner, Owners } from "../structured-merge/ownership.ts";
import { PathElementError } from "../structured-merge/path-element.ts";
import { reconcile } from "../structured-merge/reconcile.ts";
import type { Type } from "../structured-merge/types.ts";
import type { Steps } from "../turns.ts";
import { mayHoldFields, readFieldsV1, sharedFieldsV1InSteps } from "./shared-fields.ts";

export type Operation = "Apply" | "Update";
/** Who an entry belongs to. An Update in another version is another manager; an Apply is the same one. */
export type ManagerKey = {
  readonly manager: string;
  readonly operation: Operation;
  readonly apiVersion: string;
  readonly subresource: string;
};

/** An owner with what its entry says besides. */
export type Manager = Owner & {
  readonly key: ManagerKey;
  /** RFC 3339; `undefined` for an apply that never changed anything. */
  readonly time: string | undefined;
};
export type Managers = ReadonlyMap<string, Manager>;

/** Entries that cannot be read. */
export class ManagedFieldsError extends Error {
  constructor(why: string, options?: ErrorOptions) {
    super(why, options);
    this.name = "ManagedFieldsError";
  }
}

export function identityOf({ manager, operation, apiVersion, subresource }: ManagerKey): string {
  return JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);
}

/** An entry as stored. Its fields are read when somebody asks, for most writes look at few entries. */
class StoredManager implements Manager {
  readonly key: ManagerKey;
  readonly apiVersion: string;
  readonly applied: boolean;
  readonly entry: ManagedFieldsEntry;
  readonly #type: Type | undefined;
  #fields: FieldSet | undefined;

  constructor(key: ManagerKey, entry: ManagedFieldsEntry, type: Type | undefined) {
    this.key = key;
    this.apiVersion = key.apiVersion;
    this.applied = key.operation === "Apply";
    this.entry = entry;
    this.#type = type;
  }

  get time(): string | undefined {
    return this.entry.time;
  }

  /** @throws ManagedFieldsError */
  get fields(): FieldSet {
    this.#fields ??= this.#read();
    return this.#fields;
  }

  mayOwn(fields: FieldSet): boolean {
    const { fieldsV1 } = this.entry;
    return this.#fields !== undefined || (fieldsV1 !== undefined && mayHoldFields(fieldsV1, fields));
  }

  #read(): FieldSet {
    const fields = parseFields(this.entry.fieldsV1);
    const type = this.#type;
    if (type === undefined || fitting.get(fields) === type) return fields;
    const reconciled = reconcile(type, fields);
    fitting.set(reconciled, type);
    return reconciled;
  }
}

/** Sets that are known to be as a type has them. */
const fitting = new WeakMap<FieldSet, Type>();

function parseFields(json: JsonObject | undefined): FieldSet {
  if (json === undefined) return noFields;
  try {
    return readFieldsV1(json);
  } catch (error) {
    if (!(error instanceof FieldsV1Error || error instanceof PathElementError)) throw error;
    throw new ManagedFieldsError(error.message, { cause: error });
  }
}

/**
 * @param typeOf  of a version; `undefined` for one that is not served
 * @throws ManagedFieldsError  for an entry without a valid operation, version or type of fields; its fields themselves are
 *                             read later
 */
export function decodeManagers(
  entries: readonly ManagedFieldsEntry[],
  typeOf: (apiVersion: string) => Type | undefined,
): Managers {
  const managers = new Map<string, Manager>();
  for (const [index, entry] of entries.entries()) {
    const key = keyOf(entry, index);
    managers.set(identityOf(key), new StoredManager(key, entry, typeOf(key.apiVersion)));
  }
  return managers;
}

/** Why these entries cannot be read; `undefined` when all can. */
export function managedFieldsProblem(entries: readonly ManagedFieldsEntry[]): string | undefined {
  try {
    for (const [index, entry] of entries.entries()) {
      keyOf(entry, index);
      parseFields(entry.fieldsV1);
    }
    return undefined;
  } catch (error) {
    if (error instanceof ManagedFieldsError) return error.message;
    throw error;
  }
}

function keyOf(entry: ManagedFieldsEntry, index: number): ManagerKey {
  const { manager = "", operation, apiVersion = "", fieldsType = "", subresource = "" } = entry;
  if (operation !== "Apply" && operation !== "Update") {
    throw new ManagedFieldsError("operation must be `Apply` or `Update`");
  }
  if (apiVersion === "") throw new ManagedFieldsError("apiVersion must not be empty");
  if (fieldsType === "") throw new ManagedFieldsError(`missing fieldsType in managed fields entry ${index}`);
  if (fieldsType !== "FieldsV1") {
    throw new ManagedFieldsError(`invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${index}`);
  }
  return { manager, operation, apiVersion, subresource };
}

/** Whether these differ in their times at most, which alone are no reason to write (API U-07). */
export function equalButForTimes(a: readonly ManagedFieldsEntry[], b: readonly ManagedFieldsEntry[]): boolean {
  if (a === b) return true;
  return a.length === b.length && deepEqual(a.map(withoutTime), b.map(withoutTime));
}

const withoutTime = ({ time: _time, ...entry }: ManagedFieldsEntry): JsonObject => entry;

/** Entries whose manager kept its fields are the entries that were decoded. Empty for an object that is not tracked. */
export function* encodeManagersInSteps(managers: Managers): Steps<ManagedFieldsEntry[]> {
  const entries: ManagedFieldsEntry[] = [];
  for (const manager of managers.values()) entries.push(yield* encodeManager(manager));
  return entries.sort(compareEntries);
}

function* encodeManager(manager: Manager): Steps<ManagedFieldsEntry> {
  if (manager instanceof StoredManager) return manager.entry;
  const { key, apiVersion, time, fields } = manager;
  return {
    manager: key.manager,
    operation: key.operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1",
    fieldsV1: yield* sharedFieldsV1InSteps(fields),
    ...(key.subresource === "" ? {} : { subresource: key.subresource }),
  };
}

/** Times are RFC 3339 in UTC with whole seconds, which order as texts. */
function compareEntries(a: ManagedFieldsEntry, b: ManagedFieldsEntry): number {
  for (const name of ["operation", "time", "manager", "apiVersion", "subresource"] as const) {
    const [left = "", right = ""] = [a[name], b[name]];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** What became of the managers, each with what its entry says besides. */
export function withOwners(managers: Managers, owners: Owners): Managers {
  const result = new Map<string, Manager>();
  for (const [identity, owner] of owners) {
    const manager = managers.get(identity);
    if (manager === owner) result.set(identity, manager);
    else if (manager !== undefined) result.set(identity, { ...owner, key: manager.key, time: manager.time });
  }
  return result;
}

/** Of Update entries that were joined. */
const ancientChanges = "ancient-changes";

/** Joins the oldest Update entries of a version into one until few enough are left (API S-16). Apply entries are never joined. */
export function capUpdateManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, { applied }]) => !applied);
  let excess = updaters.length - limits.maxUpdateManagers.value;
  if (excess <= 0) return managers;
  updaters.sort(
    ([a, { time: left = "" }], [b, { time: right = "" }]) => compareTexts(left, right) || compareTexts(a, b),
  );
  const result = new Map(managers);
  const oldest = new Map<string, string>();
  for (const [identity, manager] of updaters) {
    if (excess === 0) break;
    const first = oldest.get(manager.apiVersion);
    if (first === undefined) {
      oldest.set(manager.apiVersion, identity);
      continue;
    }
    const bucket = bucketOf(manager.apiVersion);
    const target = result.has(bucket.identity) && identity !== bucket.identity ? bucket.identity : first;
    const before = result.get(target);
    if (before === undefined) continue;
    result.delete(target);
    result.delete(identity);
    result.set(bucket.identity, {
      key: bucket.key,
      apiVersion: manager.apiVersion,
      applied: false,
      fields: union(manager.fields, before.fields),
      time: manager.time,
    });
    excess--;
  }
  return result;
}

function bucketOf(apiVersion: string): { key: ManagerKey; identity: string } {
  const key: ManagerKey = { manager: ancientChanges, operation: "Update", apiVersion, subresource: "" };
  return { key, identity: identityOf(key) };
}

function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
