/** Whether a live object still is what was applied, as the API server's defaults and other writers allow. */
import { createHash } from "node:crypto";
import { controllerAnnotations } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonValue, KubeObject, ManagedFieldsEntry, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { limits } from "../../apiserver/limits.ts";
import { isSet, objectOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual, isObject, stringifyJson } from "../../apiserver/machinery/json.ts";
import { ordered } from "../../apiserver/machinery/ordered.ts";
import { compareQuantities, parseQuantity } from "../../apiserver/machinery/quantity.ts";
import { fieldManager } from "./labels.ts";

/**
 * Digest of the object as it was applied last. A field that is no longer wanted looks like one that somebody else
 * added; only this tells them apart.
 */
export const digestAnnotation = controllerAnnotations.appliedDigest;

/**
 * Paths that the cluster did not keep when they were applied: fields of a feature it lacks, or that a webhook of its writes
 * anew each time. Nobody gains by applying them again, so they are no drift.
 */
const notKeptAnnotation = controllerAnnotations.notKept;
/** More than that is no matter of some fields. */
const maxNotKept = 50;

/** @param paths  `differences` to what the cluster answered to an apply of `object` */
export function notingNotKept(object: KubeObject, paths: readonly string[]): KubeObject {
  const annotations = { ...object.metadata.annotations, [notKeptAnnotation]: paths.slice(0, maxNotKept).join(" ") };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** What somebody else wrote there excuses nothing: then the field is no longer ours. */
function notKept({ metadata }: KubeObject): ReadonlySet<string> {
  const noted = metadata.annotations?.[notKeptAnnotation];
  return new Set(noted !== undefined && metadata.managedFields?.some(ownsNote) === true ? noted.split(" ") : []);
}

const ownsNote = ({ manager, operation, fieldsV1 }: ManagedFieldsEntry): boolean =>
  manager === fieldManager &&
  operation === "Apply" &&
  isSet(objectOf(objectOf(fieldsV1, "f:metadata"), "f:annotations"), `f:${notKeptAnnotation}`);

/** The same value for equal objects, whatever the order of their members. */
export function digest(value: JsonValue | object): string {
  return createHash("sha256")
    .update(stringifyJson(ordered(value)))
    .digest("hex")
    .slice(0, digestLength);
}
/** 64 bits: enough to notice a change; nobody gains by forging it. */
const digestLength = 16;

export function stamped(object: KubeObject): KubeObject {
  const annotations = { ...object.metadata.annotations, [digestAnnotation]: digest(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/** Applying `wanted`, which is `stamped`, would change nothing. */
export function isCurrent(wanted: KubeObject, live: KubeObject): boolean {
  const seen = live.metadata.annotations?.[digestAnnotation];
  return seen === wanted.metadata.annotations?.[digestAnnotation] && differences(wanted, live).length === 0;
}

/**
 * Paths at which `live` lacks what `wanted` asks for. What `live` has besides is none of our business, and where
 * `wanted` asks for a zero value absence will do: the API server drops those.
 */
export const differences = (wanted: KubeObject, live: KubeObject): string[] => changes(wanted, live).map(pathOf);

/** The same with what is there and what is asked for. */
export function changes(wanted: KubeObject, live: KubeObject): Change[] {
  const { metadata, apiVersion: _, kind: __, ...fields } = wanted;
  const { labels, annotations, ownerReferences } = metadata;
  const expected = notKept(live);
  return [
    ...changesOf({ labels, annotations, ownerReferences }, live.metadata, "metadata"),
    ...Object.entries(fields).flatMap(([field, value]) => changesOf(value, live[field], field)),
  ].filter(({ path }) => !expected.has(path));
}

/** `differences` of two values. */
export const lacks = (wanted: Part, live: Part): string[] => changesOf(wanted, live, "").map(pathOf);

export type Change = { readonly path: string; readonly from: Part; readonly to: Part };
const pathOf = ({ path }: Change): string => path;

function changesOf(wanted: Part, live: Part, path: string): Change[] {
  const found: Change[] = [];
  compare({ wanted, live, path, depth: 0 }, found);
  return found;
}

/** A value inside an object; metadata is one whose members have types. */
type Part = JsonValue | ObjectMeta | undefined;

type Place = {
  readonly wanted: JsonValue | undefined;
  readonly live: JsonValue | undefined;
  readonly path: string;
  readonly depth: number;
};

/** What lies deeper is configuration, which nobody adds to: it is looked at as a whole. */
const maxDepth = limits.maxFieldDepth.value;

function compare({ wanted, live, path, depth }: Place, found: Change[]): void {
  if (wanted === undefined || (live === undefined && isZero(wanted))) return;
  if (depth < maxDepth && Array.isArray(wanted)) compareLists(wanted, live, path, depth, found);
  else if (depth === maxDepth || !isObject(wanted)) {
    if (!deepEqual(wanted, live) && !(amounts.test(path) && sameAmount(wanted, live)))
      found.push({ path, from: live, to: wanted });
  } else if (!isObject(live)) found.push({ path, from: live, to: wanted });
  else {
    for (const [key, value] of Object.entries(wanted)) {
      compare({ wanted: value, live: live[key], path: `${path}.${key}`, depth: depth + 1 }, found);
    }
  }
}

/** Where the API server may spell a quantity differently. */
const amounts = /\.(limits|requests|minAllowed|maxAllowed)\.[^.]+$|\.(averageValue|value|sizeLimit|divisor)$/;

function sameAmount(wanted: JsonValue, live: JsonValue | undefined): boolean {
  const a = parseQuantity(wanted);
  const b = live === undefined ? undefined : parseQuantity(live);
  return a !== undefined && b !== undefined && compareQuantities(a, b) === 0;
}

function compareLists(
  wanted: JsonValue[],
  live: JsonValue | undefined,
  path: string,
  depth: number,
  found: Change[],
): void {
  if (!Array.isArray(live)) {
    found.push({ path, from: live, to: wanted });
    return;
  }
  const named = wanted.every((item) => nameOf(item) !== undefined);
  if (!named && wanted.length !== live.length) {
    found.push({ path, from: live, to: wanted });
    return;
  }
  const byName = new Map(named ? live.map((item) => [nameOf(item), item] as const).reverse() : []);
  for (const [index, item] of wanted.entries()) {
    const counterpart = named ? byName.get(nameOf(item)) : live[index];
    const itemPath = `${path}[${nameOf(item) ?? index}]`;
    compare({ wanted: item, live: counterpart ?? null, path: itemPath, depth: depth + 1 }, found);
  }
}

/** Lists of named things are merged by name, so others may have added to them. */
function nameOf(item: JsonValue): string | undefined {
  const name = isObject(item) ? (item.mountPath ?? item.name) : undefined;
  return typeof name === "string" ? name : undefined;
}

function isZero(value: JsonValue): boolean {
  const rest = [value];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (Array.isArray(next) ? next.length > 0 : !isObject(next) && !zeros.has(next)) return false;
    if (isObject(next)) for (const item of Object.values(next)) if (item !== undefined) rest.push(item);
  }
  return true;
}
const zeros: ReadonlySet<JsonValue> = new Set([null, "", 0, false]);
