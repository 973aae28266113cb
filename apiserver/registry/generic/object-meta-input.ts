/**
 * `metadata` of a request body: JSON of any shape into `ObjectMeta`, as a typed decoder would (API V-24, M-05, M-27).
 * Empty lists, maps and strings are absent, so that they make no difference between two objects.
 */
import type { JsonObject, JsonValue, ObjectMeta, OwnerReference } from "../../apis/meta/v1.ts";
import { joinPath } from "../../errors/field-error.ts";
import { isObject, member, setMember } from "../../machinery/json.ts";

export type DecodedMeta = {
  readonly metadata: ObjectMeta;
  /** Paths of members that no `ObjectMeta` has. */
  readonly unknownFields: readonly string[];
  /** What has the wrong type; the object cannot be used then. */
  readonly problems: readonly string[];
};

/** Read, but not kept: the one is obsolete (API M-12), the other belongs to field management. */
const ignoredMembers = ["selfLink", "managedFields"];
const metaMembers = new Set([
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "labels",
  "annotations",
  "ownerReferences",
  "finalizers",
  ...ignoredMembers,
]);
const ownerMembers = new Set(["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"]);

export function decodeObjectMeta(value: JsonValue | undefined): DecodedMeta {
  const reader = new MemberReader();
  const source = reader.object(value, "metadata");
  const metadata: ObjectMeta = {};
  const at = (name: string): [JsonValue | undefined, string] => [member(source, name), joinPath("metadata", name)];
  const set = <K extends keyof ObjectMeta>(name: K, read: Required<ObjectMeta>[K] | undefined): void => {
    if (read !== undefined) metadata[name] = read;
  };
  set("name", reader.string(...at("name")));
  set("generateName", reader.string(...at("generateName")));
  set("namespace", reader.string(...at("namespace")));
  set("uid", reader.string(...at("uid")));
  set("resourceVersion", reader.string(...at("resourceVersion")));
  set("generation", reader.integer(...at("generation")));
  set("creationTimestamp", reader.time(...at("creationTimestamp")));
  set("deletionTimestamp", reader.time(...at("deletionTimestamp")));
  set("deletionGracePeriodSeconds", reader.integer(...at("deletionGracePeriodSeconds")));
  set("labels", reader.stringMap(...at("labels")));
  set("annotations", reader.stringMap(...at("annotations")));
  set(
    "ownerReferences",
    reader.list(...at("ownerReferences"), (item, path) => ownerReference(reader, item, path)),
  );
  set(
    "finalizers",
    reader.list(...at("finalizers"), (item, path) => reader.string(item, path) ?? ""),
  );
  reader.expectMembers(source, metaMembers, "metadata");
  return { metadata, unknownFields: reader.unknownFields, problems: reader.problems };
}

function ownerReference(reader: MemberReader, value: JsonValue, path: string): OwnerReference {
  const source = reader.object(value, path);
  reader.expectMembers(source, ownerMembers, path);
  const text = (name: string): string => reader.string(member(source, name), joinPath(path, name)) ?? "";
  const flag = (name: string): boolean | undefined => reader.boolean(member(source, name), joinPath(path, name));
  const controller = flag("controller");
  const blockOwnerDeletion = flag("blockOwnerDeletion");
  return {
    apiVersion: text("apiVersion"),
    kind: text("kind"),
    name: text("name"),
    uid: text("uid"),
    ...(controller === undefined ? {} : { controller }),
    ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
  };
}

/** Reads members of one type each; `null` counts as absent. Collects everything that is wrong. */
class MemberReader {
  readonly problems: string[] = [];
  readonly unknownFields: string[] = [];

  string(value: JsonValue | undefined, path: string): string | undefined {
    if (typeof value === "string") return value === "" ? undefined : value;
    return this.#absent(value, path, "string");
  }

  boolean(value: JsonValue | undefined, path: string): boolean | undefined {
    return typeof value === "boolean" ? value : this.#absent(value, path, "boolean");
  }

  integer(value: JsonValue | undefined, path: string): number | undefined {
    if (typeof value === "number" && Number.isSafeInteger(value)) return value;
    return this.#absent(value, path, "integer");
  }

  /** Any RFC 3339 time, made UTC with whole seconds. */
  time(value: JsonValue | undefined, path: string): string | undefined {
    if (typeof value === "string" && rfc3339.test(value)) {
      const ms = Date.parse(value);
      if (!Number.isNaN(ms)) return `${new Date(ms).toISOString().slice(0, 19)}Z`;
    }
    return this.#absent(value, path, "RFC 3339 time");
  }

  object(value: JsonValue | undefined, path: string): JsonObject {
    if (isObject(value)) return value;
    this.#absent(value, path, "object");
    return {};
  }

  stringMap(value: JsonValue | undefined, path: string): { [key: string]: string } | undefined {
    const result: { [key: string]: string } = {};
    const entries = Object.entries(this.object(value, path));
    for (const [key, item] of entries) setMember(result, key, this.string(item, joinPath(path, { key })) ?? "");
    return entries.length === 0 ? undefined : result;
  }

  list<T>(value: JsonValue | undefined, path: string, read: (item: JsonValue, path: string) => T): T[] | undefined {
    if (Array.isArray(value)) {
      return value.length === 0 ? undefined : value.map((item, index) => read(item, joinPath(path, index)));
    }
    return this.#absent(value, path, "array");
  }

  expectMembers(object: JsonObject, known: ReadonlySet<string>, path: string): void {
    for (const name of Object.keys(object)) if (!known.has(name)) this.unknownFields.push(joinPath(path, name));
  }

  #absent(value: JsonValue | undefined, path: string, expected: string): undefined {
    if (value === undefined || value === null) return undefined;
    this.problems.push(`${path}: expected ${expected}, found ${typeName(value)}`);
    return undefined;
  }
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

function typeName(value: JsonValue): string {
  if (Array.isArray(value)) return "array";
  return isObject(value) ? "object" : typeof value === "object" ? "number" : typeof value;
}
