/** From a decoded body to a `KubeObject` of the endpoint's kind: type, identity and the shape of metadata. */
import type { GroupVersionKind, JsonObject, JsonValue, KubeObject, ObjectMeta } from "../apis/meta/v1.ts";
import { apiVersionOf } from "../apis/meta/v1.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { isObject } from "../machinery/json.ts";

/** What an endpoint expects of the objects it is sent. */
export type ExpectedObject = GroupVersionKind & {
  readonly namespaced: boolean;
};

/** A value of another type than the wire type has. `field` is its path, e.g. `metadata.labels.a`. */
export class FieldTypeError extends Error {
  constructor(field: string, value: JsonValue | undefined, wanted: string) {
    super(`json: cannot unmarshal ${jsonTypeOf(value)} into Go struct field ${field} of type ${wanted}`);
    this.name = "FieldTypeError";
  }
}

function jsonTypeOf(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return "array";
  if (isObject(value)) return "object";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "string" : "number";
}

type MetaCheck = (value: JsonValue, field: string) => void;

const text: MetaCheck = (value, field) => {
  if (typeof value !== "string") throw new FieldTypeError(field, value, "string");
};
const integer: MetaCheck = (value, field) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw new FieldTypeError(field, value, "int64");
};
const boolean: MetaCheck = (value, field) => {
  if (typeof value !== "boolean") throw new FieldTypeError(field, value, "bool");
};
const anything: MetaCheck = () => {};
const time: MetaCheck = (value, field) => {
  text(value, field);
  if (typeof value === "string" && value !== "" && !isTimestamp(value)) {
    throw new FieldTypeError(field, value, "time.Time");
  }
};
const list =
  (item: MetaCheck): MetaCheck =>
  (value, field) => {
    if (!Array.isArray(value)) throw new FieldTypeError(field, value, "array");
    value.forEach((entry, index) => {
      item(entry, `${field}[${index}]`);
    });
  };
const struct =
  (fields: { readonly [name: string]: MetaCheck }): MetaCheck =>
  (value, field) => {
    if (!isObject(value)) throw new FieldTypeError(field, value, "object");
    for (const [name, check] of Object.entries(fields)) {
      const entry = Object.hasOwn(value, name) ? value[name] : undefined;
      if (entry !== undefined && entry !== null) check(entry, `${field}.${name}`);
    }
  };
const stringMap: MetaCheck = (value, field) => {
  if (!isObject(value)) throw new FieldTypeError(field, value, "map[string]string");
  for (const [name, entry] of Object.entries(value)) {
    if (entry !== undefined && entry !== null) text(entry, `${field}.${name}`);
  }
};

function isTimestamp(value: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
  );
}

/** Wire types of `ObjectMeta`; other members are left to the schema, which knows how to report them. */
const metaFields = {
  name: text,
  generateName: text,
  namespace: text,
  uid: text,
  resourceVersion: text,
  generation: integer,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: integer,
  labels: stringMap,
  annotations: stringMap,
  ownerReferences: list(
    struct({
      apiVersion: text,
      kind: text,
      name: text,
      uid: text,
      controller: boolean,
      blockOwnerDeletion: boolean,
    }),
  ),
  finalizers: list(text),
  managedFields: list(
    struct({
      manager: text,
      operation: text,
      apiVersion: text,
      time,
      fieldsType: text,
      fieldsV1: anything,
      subresource: text,
    }),
  ),
} satisfies { [field in keyof ObjectMeta]: MetaCheck };
const checkMeta = struct(metaFields);

function isObjectMeta(value: JsonObject): value is JsonObject & ObjectMeta {
  checkMeta(value, "metadata");
  return true;
}

/**
 * `null` counts as absent (API N-14); a null label or annotation is the empty string, as Go decodes it.
 * @throws FieldTypeError
 */
export function decodeObjectMeta(value: JsonValue | ObjectMeta | undefined): ObjectMeta {
  if (value === undefined || value === null) return {};
  const json: JsonValue = value;
  if (!isObject(json)) throw new FieldTypeError("metadata", json, "ObjectMeta");
  if (!isObjectMeta(json)) return {};
  return hasNull(json) ? withoutNulls(json) : json;
}

function hasNull(meta: JsonObject): boolean {
  for (const name in meta) if (meta[name] === null) return true;
  return mapHasNull(meta.labels) || mapHasNull(meta.annotations);
}
function mapHasNull(map: JsonValue | undefined): boolean {
  return isObject(map) && Object.values(map).includes(null);
}

function withoutNulls(meta: JsonObject): ObjectMeta {
  const kept: JsonObject = Object.fromEntries(Object.entries(meta).filter(([, value]) => value !== null));
  for (const field of ["labels", "annotations"]) {
    const map = kept[field];
    if (!isObject(map)) continue;
    kept[field] = Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value ?? ""]));
  }
  return isObjectMeta(kept) ? kept : {};
}

/**
 * The object with the endpoint's apiVersion and kind, where the body left them out (API V-23).
 * @throws StatusError    400 for another apiVersion or kind
 * @throws FieldTypeError for metadata of wrong types
 */
export function decodeObject(value: JsonObject | KubeObject, expected: ExpectedObject): KubeObject {
  const apiVersion = apiVersionOf(expected);
  const given: JsonObject = value;
  checkType(given, { ...expected, apiVersion });
  return {
    ...given,
    apiVersion,
    kind: expected.kind,
    metadata: decodeObjectMeta(given.metadata),
  };
}

function checkType(given: JsonObject, expected: ExpectedObject & { apiVersion: string }): void {
  const { apiVersion, kind } = given;
  if (apiVersion !== undefined && apiVersion !== null && apiVersion !== "" && apiVersion !== expected.apiVersion) {
    throw newBadRequest(
      `the API version in the data (${printed(apiVersion)}) does not match the expected API version (${expected.apiVersion})`,
    );
  }
  if (kind !== undefined && kind !== null && kind !== "" && kind !== expected.kind) {
    throw newBadRequest(
      `${printed(kind)} in version ${JSON.stringify(expected.version)} cannot be handled as a ${expected.kind}: ` +
        `converting (${expected.version}.${printed(kind)}) to (${expected.version}.${expected.kind}): unknown conversion`,
    );
  }
}
const printed = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));

/** Text of a 400 for a body that parses but is no such object (API V-17, V-24). */
export const cannotBeHandled = ({ kind, version }: GroupVersionKind, why: string): string =>
  `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`;

/**
 * Fills in the namespace of the URL, and refuses another one (API V-22).
 * @param namespace  of the URL; `""` for cluster-scoped resources
 */
export function inNamespace(object: KubeObject, namespace: string, namespaced: boolean): KubeObject {
  const given = object.metadata.namespace ?? "";
  if (!namespaced) {
    if (object.metadata.namespace === undefined) return object;
    const { namespace: _cleared, ...metadata } = object.metadata;
    return { ...object, metadata };
  }
  if (given !== "" && given !== namespace) {
    throw newBadRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  return given === namespace ? object : { ...object, metadata: { ...object.metadata, namespace } };
}

/** An update keeps the name of the URL (API U-05). @throws StatusError 400 */
export function checkName(object: KubeObject, name: string): void {
  const given = object.metadata.name ?? "";
  if (given === "") {
    throw newBadRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (given !== name) {
    throw newBadRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
  }
}
