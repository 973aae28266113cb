/** From a decoded body to a `KubeObject` of the endpoint's kind: type, identity and the shape of metadata. */
import type { GroupVersionKind, JsonObject, JsonValue, KubeObject, ObjectMeta } from "../apis/meta/v1.ts";
import { apiVersionOf } from "../apis/meta/v1.ts";
import { newBadRequest, UndecodableError } from "../errors/status-error.ts";
import { decodeObjectMeta } from "../machinery/decode-object-meta.ts";
import { isObject } from "../machinery/json.ts";

/** What an endpoint expects of the objects it is sent. */
export type ExpectedObject = GroupVersionKind & {
  readonly namespaced: boolean;
};

/** Unknown members pass: the registry decodes metadata again, and reports them with those of the schema. */
function isObjectMeta(value: JsonObject): value is JsonObject & ObjectMeta {
  return decodeObjectMeta(value).malformed === undefined;
}

/**
 * `null` counts as absent (API N-14); a null label or annotation is the empty string, as Go decodes it.
 * @throws UndecodableError
 */
function metaOf(value: JsonValue | undefined, kind: GroupVersionKind): ObjectMeta {
  if (value === undefined || value === null) return {};
  const json = isObject(value) && hasNull(value) ? withoutNulls(value) : value;
  if (isObject(json) && isObjectMeta(json)) return json;
  throw new UndecodableError(kind, kind.kind, decodeObjectMeta(json).malformed ?? "metadata must be an object");
}

function hasNull(meta: JsonObject): boolean {
  for (const name in meta) if (meta[name] === null) return true;
  return mapHasNull(meta.labels) || mapHasNull(meta.annotations);
}
function mapHasNull(map: JsonValue | undefined): boolean {
  return isObject(map) && Object.values(map).includes(null);
}

function withoutNulls(meta: JsonObject): JsonObject {
  const kept: JsonObject = Object.fromEntries(Object.entries(meta).filter(([, value]) => value !== null));
  for (const field of ["labels", "annotations"]) {
    const map = kept[field];
    if (isObject(map)) kept[field] = Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value ?? ""]));
  }
  return kept;
}

/**
 * The object with the endpoint's apiVersion and kind, where the body left them out (API V-23).
 * @throws StatusError 400 for another apiVersion or kind, or metadata of wrong types
 */
export function decodeObject(value: JsonObject | KubeObject, expected: ExpectedObject): KubeObject {
  const apiVersion = apiVersionOf(expected);
  const given: JsonObject = value;
  checkType(given, { ...expected, apiVersion });
  return {
    ...given,
    apiVersion,
    kind: expected.kind,
    metadata: metaOf(given.metadata, expected),
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
    throw new UndecodableError(expected, printed(kind), `its kind must be ${expected.kind}`);
  }
}
const printed = (value: JsonValue): string => (typeof value === "string" ? value : JSON.stringify(value));

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
