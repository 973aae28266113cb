/** Whether a live object still is what was applied, as the API server's defaults and other writers allow. */
import { createHash } from "node:crypto";
import { group } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { JsonValue, KubeObject, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { deepEqual, isObject, stringifyJson } from "../../apiserver/machinery/json.ts";
import { compareQuantities, parseQuantity } from "../../apiserver/machinery/quantity.ts";
import { ordered } from "./ordered.ts";

/**
 * Digest of the object as it was applied last. A field that is no longer wanted looks like one that somebody else
 * added; only this tells them apart.
 */
export const digestAnnotation = `${group}/applied-digest`;

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
export function differences(wanted: KubeObject, live: KubeObject): string[] {
  const { metadata, apiVersion: _, kind: __, ...fields } = wanted;
  const { labels, annotations, ownerReferences } = metadata;
  return [
    ...lacks({ labels, annotations, ownerReferences }, live.metadata, "metadata"),
    ...Object.entries(fields).flatMap(([field, value]) => lacks(value, live[field], field)),
  ];
}

/** The same of two values; `path` says where they are. */
export function lacks(wanted: Part, live: Part, path = ""): string[] {
  const found: string[] = [];
  compare(wanted, live, path, found);
  return found;
}

/** A value inside an object; metadata is one whose members have types. */
type Part = JsonValue | ObjectMeta | undefined;

function compare(wanted: JsonValue | undefined, live: JsonValue | undefined, path: string, found: string[]): void {
  if (wanted === undefined || (live === undefined && isZero(wanted))) return;
  if (Array.isArray(wanted)) compareLists(wanted, live, path, found);
  else if (!isObject(wanted)) {
    if (!deepEqual(wanted, live) && !(amounts.test(path) && sameAmount(wanted, live))) found.push(path);
  } else if (!isObject(live)) found.push(path);
  else for (const [key, value] of Object.entries(wanted)) compare(value, live[key], `${path}.${key}`, found);
}

/** Where the API server may spell a quantity differently. */
const amounts = /\.(limits|requests|minAllowed|maxAllowed)\.[^.]+$|\.(averageValue|value|sizeLimit|divisor)$/;

function sameAmount(wanted: JsonValue, live: JsonValue | undefined): boolean {
  const a = parseQuantity(wanted);
  const b = live === undefined ? undefined : parseQuantity(live);
  return a !== undefined && b !== undefined && compareQuantities(a, b) === 0;
}

function compareLists(wanted: JsonValue[], live: JsonValue | undefined, path: string, found: string[]): void {
  if (!Array.isArray(live)) {
    found.push(path);
    return;
  }
  const named = wanted.every((item) => nameOf(item) !== undefined);
  if (!named && wanted.length !== live.length) {
    found.push(path);
    return;
  }
  const byName = new Map(named ? live.map((item) => [nameOf(item), item] as const).reverse() : []);
  for (const [index, item] of wanted.entries()) {
    const counterpart = named ? byName.get(nameOf(item)) : live[index];
    compare(item, counterpart ?? null, `${path}[${nameOf(item) ?? index}]`, found);
  }
}

/** Lists of named things are merged by name, so others may have added to them. */
function nameOf(item: JsonValue): string | undefined {
  const name = isObject(item) ? (item.mountPath ?? item.name) : undefined;
  return typeof name === "string" ? name : undefined;
}

function isZero(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isObject(value)) return Object.values(value).every((item) => item === undefined || isZero(item));
  return value === null || value === "" || value === 0 || value === false;
}
