/**
 * Keeps `metadata.managedFields` true on every write, and makes the object that an apply asks for (API 5.5). One per
 * endpoint: the object itself, its status and its scale each name different fields.
 */
import {
  apiVersionOf,
  type GroupVersionKind,
  type JsonObject,
  type JsonValue,
  type KubeObject,
  type ManagedFieldsEntry,
} from "../../apis/meta/v1.ts";
import { newBadRequest, newInternal } from "../../errors/status-error.ts";
import { deepEqual, isEmptyObject, isObject } from "../json.ts";
import { difference, equalSets, type FieldSet, fieldSet, noFields, union } from "../structured-merge/field-set.ts";
import {
  apply,
  ConflictError,
  type Owner,
  update,
  type Version,
  type Versions,
} from "../structured-merge/ownership.ts";
import { fieldElement } from "../structured-merge/path-element.ts";
import type { Type } from "../structured-merge/types.ts";
import { joinProblems, typeProblems } from "../structured-merge/validate.ts";
import { runAtOnce, type Steps } from "../turns.ts";
import { type Conflicts, newApplyConflict } from "./conflicts.ts";
import { fieldsOfLastApplied, kubectlManager, withLastApplied } from "./last-applied.ts";
import {
  capUpdateManagers,
  decodeManagers,
  encodeManagersInSteps,
  identityOf,
  ManagedFieldsError,
  type Manager,
  type ManagerKey,
  type Managers,
  managedFieldsProblem,
  type Operation,
  withOwners,
} from "./managers.ts";

export type FieldManagerOptions = {
  readonly gvk: GroupVersionKind;
  readonly versions: Versions;
  /** Members that a new object of the kind has although nobody set them. */
  readonly empty?: JsonObject;
  /** `""` for the object itself. Others ignore the managedFields that a client sends (API M-24). */
  readonly subresource: string;
  /** The endpoint shows a part only, and who owns nothing of that is a stranger here: `/scale`. */
  readonly seesPartOnly?: boolean;
  /** The version of the endpoint's own kind, which conflicts name: `autoscaling/v1` (API S-26). */
  readonly shownVersion?: string;
};

export type Writer = {
  readonly manager: string;
  /** RFC 3339, UTC, whole seconds. */
  readonly time: string;
};

export type ApplyRequest = Writer & { readonly force: boolean };

export type AppliedObject = {
  /** The live object itself when nothing in it changes. */
  readonly object: JsonObject;
  readonly managedFields: ManagedFieldsEntry[];
};

/** What no manager owns: the server's, or the object's identity (API S-13). */
const systemFields: FieldSet = fieldSet(
  [fieldElement("apiVersion")],
  [fieldElement("kind")],
  [fieldElement("metadata")],
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ].map((name) => [fieldElement("metadata"), fieldElement(name)]),
);

const beforeFirstApply = "before-first-apply";
/** Of the write that is under way: what it touches is told apart from what its manager touched before. */
const currentWrite = "";

export class FieldManager {
  readonly #options: FieldManagerOptions;
  readonly #version: Version;
  readonly #typeOf = (apiVersion: string) => this.#options.versions.find(apiVersion)?.type;

  /** @throws Error for a kind whose own version is not among `versions`: found at start-up */
  constructor(options: FieldManagerOptions) {
    this.#options = options;
    const version = options.versions.find(apiVersionOf(options.gvk));
    if (version === undefined) throw new Error(`no type of ${options.gvk.kind} in version ${options.gvk.version}`);
    this.#version = version;
  }

  /**
   * The managers of `next`. Never refuses: who owns what must not keep an object from being written.
   *
   * @param live  what `next` replaces, in the same version; `undefined` for a new object
   * @param next  in which nothing differs from `live` but what this endpoint may change; its managedFields are the client's
   * @returns     the entries of `live` themselves when they stay
   */
  *updateInSteps(live: KubeObject | undefined, next: KubeObject, writer: Writer): Steps<ManagedFieldsEntry[]> {
    try {
      const managers = this.#managersFor(live, next);
      if (live !== undefined && !this.#isTracked(managers))
        return keepSame(live, yield* encodeManagersInSteps(managers));
      yield;
      const updated = this.#afterUpdate(managers, live ?? this.#emptyObject(next), next, writer.manager, writer.time);
      yield;
      return keepSame(live, yield* encodeManagersInSteps(capUpdateManagers(updated)));
    } catch (error) {
      if (error instanceof ManagedFieldsError) return [];
      throw error;
    }
  }

  /** As `updateInSteps`. */
  update(...change: Parameters<FieldManager["updateInSteps"]>): ManagedFieldsEntry[] {
    return runAtOnce(this.updateInSteps(...change));
  }

  /** Those that the client sent, if it may and they can be read; otherwise the stored ones (API M-24). */
  #managersFor(live: KubeObject | undefined, next: KubeObject): Managers {
    const stored = live?.metadata.managedFields ?? [];
    const sent = next.metadata.managedFields;
    const isOwn = this.#options.subresource === "" && live !== undefined && sent !== undefined;
    if (!isOwn || deepEqual(sent, stored)) return decodeManagers(stored, this.#typeOf);
    if (isReset(sent)) return new Map();
    return managedFieldsProblem(sent) === undefined
      ? this.#meaningful(decodeManagers(sent, this.#typeOf))
      : decodeManagers(stored, this.#typeOf);
  }

  /** Without entries of versions that are not served, and those that own nothing (API S-13, S-18). */
  #meaningful(managers: Managers): Managers {
    const isMeaningful = ({ apiVersion, fields }: Manager): boolean =>
      this.#typeOf(apiVersion) !== undefined && fields.size > 0;
    return new Map([...managers].filter(([, manager]) => isMeaningful(manager)));
  }

  /** An object that nobody tracked yet stays so until it is applied to (API S-19). */
  #isTracked(managers: Managers): boolean {
    if (this.#options.seesPartOnly !== true) return managers.size > 0;
    return [...managers.values()].some(({ fields }) => this.#version.writable(fields).size > 0);
  }

  #afterUpdate(managers: Managers, live: KubeObject, next: KubeObject, manager: string, time: string): Managers {
    const { versions } = this.#options;
    const change = { versions, version: this.#version, live, owners: managers, writer: currentWrite };
    const owners = new Map(update(change, withManagersOf(live, next)));
    const touched = difference(owners.get(currentWrite)?.fields ?? noFields, systemFields);
    owners.delete(currentWrite);
    const result = withOwners(managers, owners);
    if (touched.size === 0) return result;
    const key = this.#keyOf(manager, "Update");
    const identity = identityOf(key);
    const fields = union(result.get(identity)?.fields ?? noFields, touched);
    return new Map(result).set(identity, { key, apiVersion: key.apiVersion, applied: false, fields, time });
  }

  /**
   * The live object with what `wanted` asks for.
   *
   * @param live    `undefined`: the object is to be created
   * @param wanted  the body of the request; nothing about it is trusted
   * @throws StatusError 400 for a body of another type, or that does not fit the schema; 409 for conflicts; 500 for stored
   *                     managedFields that cannot be read
   */
  *applyInSteps(live: KubeObject | undefined, wanted: JsonObject, request: ApplyRequest): Steps<AppliedObject> {
    checkApplied(this.#options.gvk, this.#version.type, wanted);
    yield;
    try {
      return yield* this.#apply(live, wanted, request);
    } catch (error) {
      if (!(error instanceof ManagedFieldsError)) throw error;
      throw newInternal(`failed to decode managed fields: ${error.message}`, { cause: error });
    }
  }

  /** As `applyInSteps`. */
  apply(...change: Parameters<FieldManager["applyInSteps"]>): AppliedObject {
    return runAtOnce(this.applyInSteps(...change));
  }

  *#apply(live: KubeObject | undefined, wanted: JsonObject, request: ApplyRequest): Steps<AppliedObject> {
    const before = live ?? emptyObject(wanted);
    const stored = decodeManagers(before.metadata.managedFields ?? [], this.#typeOf);
    const managers = this.#isTracked(stored) ? stored : this.#firstManagers(stored, before, request.time);
    const key = this.#keyOf(request.manager, "Apply");
    const identity = identityOf(key);
    yield;
    const { object, owners } = this.#applyOrConflict(managers, before, named(wanted, before), request, identity);
    const own = ownEntry(
      key,
      managers.get(identity),
      owners.get(identity),
      object === before ? undefined : request.time,
    );
    const others = new Map(owners);
    others.delete(identity);
    const result = new Map(withOwners(managers, others));
    if (own !== undefined) result.set(identity, own);
    yield;
    return {
      object: request.manager === kubectlManager ? withLastApplied(object, wanted) : object,
      managedFields: keepSame(live, yield* encodeManagersInSteps(result)),
    };
  }

  #applyOrConflict(managers: Managers, live: KubeObject, wanted: JsonObject, request: ApplyRequest, writer: string) {
    const change = { versions: this.#options.versions, version: this.#version, live, owners: managers, writer };
    try {
      return apply(change, wanted, request.force);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const allowed = request.manager === kubectlManager ? fieldsOfLastApplied(live, this.#version) : noFields;
      const refused = this.#conflicts(managers, error, allowed);
      if (refused.length > 0) throw newApplyConflict(refused);
      return apply(change, wanted, true);
    }
  }

  #conflicts(managers: Managers, error: ConflictError, allowed: FieldSet): Conflicts {
    const { shownVersion } = this.#options;
    return [...error.fields].flatMap(([identity, taken]) => {
      const key = managers.get(identity)?.key;
      const fields = difference(taken, allowed);
      if (key === undefined || fields.size === 0) return [];
      return [{ manager: shownVersion === undefined ? key : { ...key, apiVersion: shownVersion }, fields }];
    });
  }

  /** Everything that is there when tracking begins belongs to those who came before (API S-19). */
  #firstManagers(stored: Managers, live: KubeObject, time: string): Managers {
    return this.#afterUpdate(stored, this.#emptyObject(live), live, beforeFirstApply, time);
  }

  #emptyObject(object: KubeObject): KubeObject {
    return { ...this.#options.empty, ...emptyObject(object) };
  }

  #keyOf(manager: string, operation: Operation): ManagerKey {
    const { apiVersion } = this.#version;
    return { manager: manager || "unknown", operation, apiVersion, subresource: this.#options.subresource };
  }
}

/**
 * What an apply may say at all, whatever is stored.
 *
 * @throws StatusError 400 for another type than `gvk`, for managedFields, and for what is not of `type` (API S-02, S-03, S-50)
 */
export function checkApplied(gvk: GroupVersionKind, type: Type, wanted: JsonObject): void {
  const { apiVersion, kind, metadata } = wanted;
  if (apiVersion !== apiVersionOf(gvk) || kind !== gvk.kind) {
    throw newBadRequest(`invalid object type: ${describeType(apiVersion, kind)}`);
  }
  if (isObject(metadata) && (metadata.managedFields ?? null) !== null) {
    throw newBadRequest("metadata.managedFields must be nil");
  }
  const problems = typeProblems(type, wanted);
  if (problems.length === 0) return;
  const object = `${describeName(metadata)}; ${describeType(apiVersion, kind)}`;
  throw newBadRequest(`failed to create typed patch object (${object}): ${joinProblems(problems)}`);
}

/**
 * The entry of who applied: the old one if nothing is different, with its time unless the object changed (API S-15).
 *
 * @param time  `undefined`: the object did not change
 */
function ownEntry(
  key: ManagerKey,
  previous: Manager | undefined,
  owner: Owner | undefined,
  time: string | undefined,
): Manager | undefined {
  const fields = difference(owner?.fields ?? noFields, systemFields);
  if (fields.size === 0) return undefined;
  const isSame = previous?.apiVersion === key.apiVersion && equalSets(previous.fields, fields);
  if (isSame && time === undefined) return previous;
  // Fields that are read already need not be ordered and printed again.
  const kept = isSame ? previous.fields : fields;
  return { key, apiVersion: key.apiVersion, applied: true, fields: kept, time: time ?? previous?.time };
}

/** `next` as if it had the managers of `live`: who manages what is no field of the object. */
function withManagersOf({ metadata: { managedFields } }: KubeObject, next: KubeObject): KubeObject {
  if (next.metadata.managedFields === managedFields) return next;
  const { managedFields: _sent, ...metadata } = next.metadata;
  return { ...next, metadata: managedFields === undefined ? metadata : { ...metadata, managedFields } };
}

/** What names the object may be left out and is not given up by that. */
function named(wanted: JsonObject, { metadata: { name } }: KubeObject): JsonObject {
  const metadata = isObject(wanted.metadata) ? wanted.metadata : {};
  return name === undefined || metadata.name !== undefined ? wanted : { ...wanted, metadata: { ...metadata, name } };
}

function emptyObject({ apiVersion, kind }: JsonObject | KubeObject): KubeObject {
  return { apiVersion: String(apiVersion), kind: String(kind), metadata: {} };
}

/** How a client says that tracking shall begin anew (API M-24). */
function isReset(entries: readonly ManagedFieldsEntry[]): boolean {
  const [first, ...others] = entries;
  return others.length === 0 && (first === undefined || isEmptyObject(first));
}

/** The entries of `live` when these are the same, so that an unchanged object is seen to be one. */
function keepSame(live: KubeObject | undefined, entries: ManagedFieldsEntry[]): ManagedFieldsEntry[] {
  const stored = live?.metadata.managedFields ?? [];
  return stored.length === entries.length && entries.every((entry, index) => entry === stored[index])
    ? stored
    : entries;
}

/** `group/version, Kind=kind`, as Go prints a type; missing parts are empty (API S-02). */
function describeType(apiVersion: JsonValue | undefined, kind: JsonValue | undefined): string {
  const version = typeof apiVersion === "string" ? apiVersion : "";
  return `${version.includes("/") ? version : `/${version}`}, Kind=${typeof kind === "string" ? kind : ""}`;
}

function describeName(metadata: JsonValue | undefined): string {
  const { namespace, name } = isObject(metadata) ? metadata : {};
  return `${typeof namespace === "string" ? namespace : ""}/${typeof name === "string" ? name : ""}`;
}
