/**
 * Who owns which field, and what a write makes of that (API S-21 to S-25). Owners recorded in other versions of the object
 * are compared in theirs (API S-33).
 */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { isObject } from "../json.ts";
import { type Comparison, compare, isSame } from "./compare.ts";
import { difference, type FieldSet, intersection, noFields, union } from "./field-set.ts";
import { fieldsOf } from "./fields-of.ts";
import { merge } from "./merge.ts";
import { remove, withNamedFields } from "./remove.ts";
import type { Type } from "./types.ts";

export type Owner = {
  /** In which `fields` are named. */
  readonly apiVersion: string;
  /** By apply, whose fields go when it leaves them out; otherwise by any other write. */
  readonly applied: boolean;
  readonly fields: FieldSet;
  /** `false`: it owns none of these, which can be told without reading all that it owns. */
  readonly mayOwn?: (fields: FieldSet) => boolean;
};
/** By an identity that means nothing here. */
export type Owners = ReadonlyMap<string, Owner>;

/** One version of a kind. */
export type Version = {
  readonly apiVersion: string;
  readonly type: Type;
  /** What of a set counts: fields that the endpoint resets are neither compared nor claimed (API S-28). */
  readonly writable: (fields: FieldSet) => FieldSet;
};

export interface Versions {
  /** `undefined` for a version that is not served any more; its owners are forgotten (API S-18). */
  find(apiVersion: string): Version | undefined;
  /** @param object  in any version that is served */
  convert(object: JsonObject, to: Version): JsonObject;
}

/** Fields that an apply would change although others own them. */
export class ConflictError extends Error {
  /** By the owner's identity. */
  readonly fields: ReadonlyMap<string, FieldSet>;

  constructor(fields: ReadonlyMap<string, FieldSet>) {
    super("apply conflicts with other owners");
    this.name = "ConflictError";
    this.fields = fields;
  }
}

export type Change = {
  readonly versions: Versions;
  /** Of both objects and of the writer. */
  readonly version: Version;
  readonly live: JsonObject;
  readonly owners: Owners;
  /** Identity of who writes. */
  readonly writer: string;
};

/** What `next` adds or modifies is the writer's and nobody else's; what it removes is nobody's. */
export function update(change: Change, next: JsonObject): Owners {
  const { version, owners, writer } = change;
  const comparison = compareIn(version, change.live, next);
  if (isSame(comparison)) return owners;
  const { added, modified, removed } = comparison;
  const result = new Map(takeFields(change, next, comparison, () => {}));
  const own = difference(owners.get(writer)?.fields ?? noFields, removed);
  return withOwner(result, writer, {
    apiVersion: version.apiVersion,
    applied: false,
    fields: version.writable(union(union(own, modified), added)),
  });
}

export type Applied = {
  /** `live` itself when nothing changed. */
  readonly object: JsonObject;
  readonly owners: Owners;
};

/**
 * Merges what the writer wants into the live object and takes out what the writer wanted before and now leaves out, unless
 * somebody else owns it.
 *
 * @param wanted  valid by its type
 * @throws ConflictError unless `force`, which takes the fields from the others
 */
export function apply(change: Change, wanted: JsonObject, force: boolean): Applied {
  const { version, live, owners, writer } = change;
  const fields = version.writable(fieldsOf(version.type, wanted));
  const previous = owners.get(writer);
  const own = withOwner(new Map(owners), writer, { apiVersion: version.apiVersion, applied: true, fields });
  const merged = asObject(merge(version.type, live, wanted), live);
  const object = previous === undefined ? merged : prune(change.versions, version, merged, own, previous, fields);
  if (object === live) return { object, owners: own };
  const comparison = compareIn(version, live, object);
  if (isSame(comparison)) return { object, owners: own };
  const refuse = (conflicts: ReadonlyMap<string, FieldSet>): void => {
    if (!force) throw new ConflictError(conflicts);
  };
  return { object, owners: takeFields({ ...change, owners: own }, object, comparison, refuse) };
}

/** Takes what a write touches from every other owner. */
function takeFields(
  { versions, version, live, owners, writer }: Change,
  next: JsonObject,
  comparison: Comparison,
  onConflicts: (conflicts: ReadonlyMap<string, FieldSet>) => void,
): Owners {
  const touched = new Map([[version.apiVersion, touchedBy(comparison)]]);
  const conflicts = new Map<string, FieldSet>();
  const result = new Map<string, Owner>();
  for (const [identity, owner] of owners) {
    if (identity === writer) {
      result.set(identity, owner);
      continue;
    }
    const seen = touched.get(owner.apiVersion) ?? touchedElsewhere(versions, owner.apiVersion, live, next);
    if (seen === undefined) continue;
    touched.set(owner.apiVersion, seen);
    if (owner.mayOwn?.(seen.all) === false) {
      result.set(identity, owner);
      continue;
    }
    const taken = intersection(owner.fields, seen.changed);
    if (taken.size > 0) conflicts.set(identity, taken);
    const fields = difference(difference(owner.fields, taken), seen.removed);
    withOwner(result, identity, withFields(owner, fields));
  }
  if (conflicts.size > 0) onConflicts(conflicts);
  return result;
}

/** What a write does to fields, as it matters to those who own them. */
type Touched = { readonly changed: FieldSet; readonly removed: FieldSet; readonly all: FieldSet };

function touchedBy({ added, modified, removed }: Comparison): Touched {
  const changed = union(modified, added);
  return { changed, removed, all: union(changed, removed) };
}

function touchedElsewhere(versions: Versions, apiVersion: string, before: JsonObject, after: JsonObject) {
  const version = versions.find(apiVersion);
  if (version === undefined) return undefined;
  return touchedBy(compareIn(version, versions.convert(before, version), versions.convert(after, version)));
}

function compareIn({ type, writable }: Version, before: JsonObject, after: JsonObject): Comparison {
  const { added, modified, removed } = compare(type, before, after);
  return { added: writable(added), modified: writable(modified), removed: writable(removed) };
}

/** @returns `owner` itself when it keeps its fields */
function withFields(owner: Owner, fields: FieldSet): Owner {
  if (fields === owner.fields) return owner;
  return { apiVersion: owner.apiVersion, applied: owner.applied, fields };
}

/** Owners of nothing are none. */
function withOwner(owners: Map<string, Owner>, identity: string, owner: Owner): Map<string, Owner> {
  if (owner.fields.size === 0) owners.delete(identity);
  else owners.set(identity, owner);
  return owners;
}

/**
 * Takes out the fields that the writer gave up. Of those stay: what others own, and what holds something that stays.
 *
 * @param owners    with the writer's new fields
 * @param previous  what the writer owned before
 */
function prune(
  versions: Versions,
  version: Version,
  merged: JsonObject,
  owners: Owners,
  previous: Owner,
  fields: FieldSet,
): JsonObject {
  const sameVersion = previous.apiVersion === version.apiVersion;
  // Nothing given up: the usual case, and it spares six walks over the object.
  if (sameVersion && difference(previous.fields, fields).size === 0) return merged;
  const then = versions.find(previous.apiVersion);
  if (then === undefined) return merged;
  const before = versions.convert(merged, then);
  const bare = remove(then.type, before, withNamedFields(then.type, previous.fields));
  const kept = addBackOwned(versions, then, before, asObject(bare, {}), owners);
  const gone = difference(namedFieldsOf(then.type, before), namedFieldsOf(then.type, kept));
  const given = intersection(gone, withNamedFields(then.type, previous.fields));
  const pruned = asObject(remove(then.type, before, given), {});
  return pruned === before ? merged : versions.convert(pruned, version);
}

/** Puts back what anybody owns, in each version in which somebody does, beginning with that of the objects. */
function addBackOwned(
  versions: Versions,
  then: Version,
  merged: JsonObject,
  pruned: JsonObject,
  owners: Owners,
): JsonObject {
  const owned = new Map<string, FieldSet>([[then.apiVersion, noFields]]);
  for (const { apiVersion, fields } of owners.values()) {
    owned.set(apiVersion, union(owned.get(apiVersion) ?? noFields, fields));
  }
  let result = pruned;
  for (const [apiVersion, fields] of owned) {
    const version = versions.find(apiVersion);
    if (version === undefined) continue;
    const { type } = version;
    const whole = versions.convert(merged, version);
    const part = versions.convert(result, version);
    const stays = union(namedFieldsOf(type, part), withNamedFields(type, fields));
    const goes = difference(namedFieldsOf(type, whole), stays);
    result = versions.convert(asObject(remove(type, whole, goes), {}), then);
  }
  return result;
}

function namedFieldsOf(type: Type, value: JsonObject): FieldSet {
  return withNamedFields(type, fieldsOf(type, value));
}

/** Objects stay objects, for their `apiVersion` and `kind` are theirs and nobody takes them away. */
function asObject(value: JsonValue, otherwise: JsonObject): JsonObject {
  return isObject(value) ? value : otherwise;
}
