/** What `kubectl apply` without a server notes of the last object that it applied, and how that gives way (API S-34). */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { limits } from "../../limits.ts";
import { isObject, parseJson, stringifyJson } from "../json.ts";
import { ordered } from "../ordered.ts";
import { compare } from "../structured-merge/compare.ts";
import { difference, type FieldSet, noFields, union } from "../structured-merge/field-set.ts";
import { fieldsOf } from "../structured-merge/fields-of.ts";
import type { Version } from "../structured-merge/ownership.ts";
import { typeProblems } from "../structured-merge/validate.ts";

/** The manager that takes over from the annotation; whoever wants conflicts instead calls itself otherwise. */
export const kubectlManager = "kubectl";
const annotation = "kubectl.kubernetes.io/last-applied-configuration";

/** Fields that the annotation says as they are now: they are kubectl's, whoever owns them. */
export function fieldsOfLastApplied(live: KubeObject, { apiVersion, type }: Version): FieldSet {
  const applied = parseApplied(live.metadata.annotations?.[annotation]);
  if (applied?.apiVersion !== apiVersion || typeProblems(type, applied).length > 0) return noFields;
  const { added, modified, removed } = compare(type, applied, live);
  return difference(fieldsOf(type, applied), union(union(modified, added), removed));
}

function parseApplied(text: string | undefined): JsonObject | undefined {
  if (text === undefined || text === "") return undefined;
  try {
    const value = parseJson(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Renews the annotation of an object that has one; it goes when annotations would become too large. */
export function withLastApplied(object: JsonObject, applied: JsonObject): JsonObject {
  const { metadata } = object;
  const annotations = isObject(metadata) ? metadata.annotations : undefined;
  if (!isObject(metadata) || !isObject(annotations) || !annotations[annotation]) return object;
  const { [annotation]: _old, ...rest } = annotations;
  const text = appliedText(applied);
  const kept =
    sizeOf(rest) + sizeOf({ [annotation]: text }) > limits.maxAnnotationsBytes.value
      ? rest
      : { ...annotations, [annotation]: text };
  return { ...object, metadata: { ...metadata, annotations: kept } };
}

function sizeOf(annotations: JsonObject): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) bytes += Buffer.byteLength(`${key}${String(value)}`);
  return bytes;
}

/** As kubectl writes it: members in order of name, no annotation of itself, a line end. */
function appliedText(applied: JsonObject): string {
  const { metadata } = applied;
  if (!isObject(metadata) || !isObject(metadata.annotations)) return `${stringifyJson(ordered(applied))}\n`;
  const { [annotation]: _old, ...annotations } = metadata.annotations;
  return `${stringifyJson(ordered({ ...applied, metadata: { ...metadata, annotations } }))}\n`;
}
