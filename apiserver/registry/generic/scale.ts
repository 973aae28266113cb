/** `/scale`: an `autoscaling/v1` Scale as a view of an object (API D-12, CR-27). */
import { Buffer } from "node:buffer";
import {
  apiVersionOf,
  type GroupVersionKind,
  type JsonObject,
  type JsonValue,
  type KubeObject,
} from "../../apis/meta/v1.ts";
import { invalid, path } from "../../errors/field-error.ts";
import { newBadRequest, newInvalid } from "../../errors/status-error.ts";
import { isObject, setMember, stringifyJson } from "../../machinery/json.ts";
import { checkApplied } from "../../machinery/managed-fields/field-manager.ts";
import type { Type } from "../../machinery/structured-merge/types.ts";
import type { EncodedObject, Getter, Patcher, Updater } from "../rest/interface.ts";
import type { Part, View } from "../rest/part.ts";
import type { ScalePaths } from "../rest/strategy.ts";
import { type DecodedInput, type ObjectDecoder, silently } from "./object-decoder.ts";
import { type PartOf, wholeObject } from "./object-parts.ts";

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

type Scales = {
  readonly decoder: ObjectDecoder;
  /** Which fields they have. */
  readonly type: Type;
};

/** @param of  the kind that is scaled, as it is stored: in that version the paths hold */
export function scalePart(of: PartOf, paths: ScalePaths, scales: Scales): Part {
  const { definition, view: whole, tracked } = of;
  const show = (stored: KubeObject): KubeObject => scaleOf(stored, paths);
  const view: View = {
    decoder: scales.decoder,
    show,
    present: ({ object }) => encoded(show(object)),
    asked(body) {
      checkApplied(scaleKind, scales.type, body);
      return askedOf(body, whole.decoder.gvk, paths);
    },
    absorb: ({ object: scale }, base) => scaled(scale, base, paths, whole.decoder),
  };
  const subresource = "scale";
  const fields = tracked.managerOf(
    definition,
    { only: [paths.specReplicas] },
    { subresource, seesPartOnly: true, shownVersion: apiVersionOf(scaleKind) },
  );
  const check = (next: KubeObject): void => refuseNegative(memberAt(next, paths.specReplicas), next);
  return { ...wholeObject(of), subresource, view, fields, check };
}

/** Of an applied Scale only its identity and its replicas ask for anything (API S-39); conflicts are told before what is wrong. */
function askedOf(scale: JsonObject, gvk: GroupVersionKind, { specReplicas }: ScalePaths): JsonObject {
  const { metadata } = scale;
  const { name, namespace, uid, resourceVersion } = isObject(metadata) ? metadata : {};
  const identity = Object.entries({ name, namespace, uid, resourceVersion }).filter(([, value]) => value !== undefined);
  const asked = { apiVersion: apiVersionOf(gvk), kind: gvk.kind, metadata: Object.fromEntries(identity) };
  const replicas = memberAt(scale, ["spec", "replicas"]);
  return replicas === undefined ? asked : withMember(asked, specReplicas, replicas);
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
  const selector =
    paths.statusSelector === undefined ? paths.selectorOf?.(object) : memberAt(object, paths.statusSelector);
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

const wantedReplicas = (scale: KubeObject): JsonValue => memberAt(scale, ["spec", "replicas"]) ?? 0;

/** @throws StatusError 422 for a count below zero */
function refuseNegative(replicas: JsonValue | undefined, { metadata: { name = "" } }: KubeObject): void {
  if (typeof replicas !== "number" || replicas >= 0) return;
  const negative = invalid(path("spec", "replicas"), replicas, "must be greater than or equal to 0");
  throw newInvalid(scaleKind, name, [negative]);
}

function memberAt(object: KubeObject | JsonObject, names: readonly string[]): JsonValue | undefined {
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
