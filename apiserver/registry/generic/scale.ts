/** `/scale`: an `autoscaling/v1` Scale as a view of an object (API D-12, CR-27). */
import { Buffer } from "node:buffer";
import { apiVersionOf, type JsonObject, type JsonValue, type KubeObject } from "../../apis/meta/v1.ts";
import { invalid, path } from "../../errors/field-error.ts";
import { newBadRequest, newInvalid } from "../../errors/status-error.ts";
import { isObject, setMember, stringifyJson } from "../../machinery/json.ts";
import type { EncodedObject, Getter, Patcher, Updater } from "../rest/interface.ts";
import type { Part, View } from "../rest/part.ts";
import type { ResourceDefinition, ScalePaths } from "../rest/strategy.ts";
import { type DecodedInput, type ObjectDecoder, silently } from "./object-decoder.ts";
import { wholeObject } from "./part.ts";

export const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" } as const;
export const scaleSchemaName = "io.k8s.api.autoscaling.v1.Scale";

/** Instances of an object that names no number: what every workload kind runs then. */
const impliedReplicas = 1;

/** `/scale` of a kind that declares it and has nothing to scale. */
export function refusedScale(refusal: string, patchTypes: readonly string[]): Getter & Updater & Patcher {
  const refuse = async (): Promise<never> => {
    throw newBadRequest(refusal);
  };
  return { get: refuse, update: refuse, patchTypes, patch: refuse };
}

/**
 * @param scales   decodes Scales
 * @param parents  decodes the kind that is scaled
 */
export function scalePart(
  definition: ResourceDefinition,
  paths: ScalePaths,
  { scales, parents }: { readonly scales: ObjectDecoder; readonly parents: ObjectDecoder },
): Part {
  const show = (stored: KubeObject): KubeObject => scaleOf(stored, paths);
  const view: View = {
    decoder: scales,
    show,
    present: ({ object }) => encoded(show(object)),
    absorb: ({ object: scale }, base) => scaled(scale, base, paths, parents),
  };
  return { ...wholeObject(definition, view), subresource: "scale" };
}

/** Without a version the change is unconditional, whatever the object itself demands (API section 17). */
function scaled(
  scale: KubeObject,
  base: KubeObject | undefined,
  paths: ScalePaths,
  parents: ObjectDecoder,
): DecodedInput {
  if (base === undefined) throw new Error("a Scale creates nothing");
  const { uid, resourceVersion } = scale.metadata;
  const metadata = {
    ...base.metadata,
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  const parent = { ...withMember(base, paths.specReplicas, wantedReplicas(scale)), metadata };
  return parents.decode(parent, { namespace: undefined, name: undefined, previous: base }, silently);
}

function scaleOf(object: KubeObject, paths: ScalePaths): KubeObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const wanted = memberAt(object, paths.specReplicas);
  const observed = memberAt(object, paths.statusReplicas);
  const selector = paths.statusSelector === undefined ? undefined : memberAt(object, paths.statusSelector);
  return {
    kind: scaleKind.kind,
    apiVersion: apiVersionOf(scaleKind),
    metadata: {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    },
    spec: { replicas: typeof wanted === "number" ? wanted : impliedReplicas },
    status: {
      replicas: typeof observed === "number" ? observed : 0,
      ...(typeof selector === "string" && selector !== "" ? { selector } : {}),
    },
  };
}

/** @throws StatusError 422 for a count below zero */
function wantedReplicas(scale: KubeObject): number {
  const replicas = memberAt(scale, ["spec", "replicas"]) ?? 0;
  if (typeof replicas === "number" && replicas >= 0) return replicas;
  const negative = invalid(path("spec", "replicas"), replicas, "must be greater than or equal to 0");
  throw newInvalid(scaleKind, scale.metadata.name ?? "", [negative]);
}

function memberAt(object: KubeObject, names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = object;
  for (const name of names) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

/** A copy of `object` with the member at `names` replaced; what lies beside the way is shared. */
function withMember(object: KubeObject, names: readonly string[], value: JsonValue): KubeObject {
  const [first, ...rest] = names;
  if (first === undefined) return object;
  const child = memberAt(object, [first]);
  return { ...object, [first]: replaced(isObject(child) ? child : {}, rest, value) };
}

function replaced(parent: JsonObject, names: readonly string[], value: JsonValue): JsonValue {
  const [first, ...rest] = names;
  if (first === undefined) return value;
  const child = parent[first];
  const copy = { ...parent };
  setMember(copy, first, replaced(isObject(child) ? child : {}, rest, value));
  return copy;
}

function encoded(object: KubeObject): EncodedObject {
  return { object, json: Buffer.from(stringifyJson(object)) };
}
