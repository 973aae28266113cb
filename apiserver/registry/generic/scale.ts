/** `/scale`: an `autoscaling/v1` Scale as a view of an object (API D-12, CR-27). */
import { Buffer } from "node:buffer";
import { apiVersionOf, type JsonObject, type JsonValue, type KubeObject } from "../../apis/meta/v1.ts";
import { invalid, path } from "../../errors/field-error.ts";
import { newBadRequest, newInvalid } from "../../errors/status-error.ts";
import { isObject, setMember, stringifyJson } from "../../machinery/json.ts";
import type { EncodedObject, Getter, UpdateOptions, Updater } from "../rest/interface.ts";
import type { RefusedScale, ResourceDefinition, ScalePaths } from "../rest/strategy.ts";
import { cannotBeHandled, checkPlace } from "./input.ts";
import { type Part, wholeObject } from "./part.ts";
import type { GenericStore } from "./store.ts";
import type { TypedDecoder } from "./typed-body.ts";

export const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" } as const;
export const scaleSchemaName = "io.k8s.api.autoscaling.v1.Scale";

/** Instances of an object that names no number: what every workload kind runs then. */
const impliedReplicas = 1;

export function scaleStore(
  definition: ResourceDefinition,
  paths: ScalePaths | RefusedScale,
  store: GenericStore,
  decoder: TypedDecoder,
): Getter & Updater {
  if ("refusal" in paths) return refusedScale(paths);
  const part = scalePart(definition, paths);
  return {
    async get(context, name, options) {
      const { object } = await store.get(context, name, options);
      return encoded(part.show(object));
    },
    async update(context, name, transform, options) {
      const onParent: UpdateOptions = { ...options, fieldValidation: "Ignore", decodingProblems: [] };
      const place = { name, namespace: definition.namespaced ? context.namespace : undefined };
      const change = async (existing: KubeObject): Promise<KubeObject> => {
        const shown = decoder.decode(await transform(part.show(existing)), place.namespace, options, context.warn);
        checkPlace(shown.metadata, place);
        const { uid, resourceVersion } = shown.metadata;
        // Without a version the change is unconditional, whatever the object itself demands (API section 17).
        const claims = {
          ...(uid === undefined ? {} : { uid }),
          ...(resourceVersion === undefined ? {} : { resourceVersion }),
        };
        const scaled = part.absorb(shown, existing);
        return { ...scaled, metadata: { ...existing.metadata, ...claims } };
      };
      const { object } = await store.update(context, name, change, onParent, part);
      return encoded(part.show(object));
    },
  };
}

function refusedScale({ refusal }: RefusedScale): Getter & Updater {
  const refuse = (): never => {
    throw newBadRequest(refusal);
  };
  return { get: async () => refuse(), update: async () => refuse() };
}

function scalePart(definition: ResourceDefinition, paths: ScalePaths): Part {
  return {
    ...wholeObject(definition),
    subresource: "scale",
    kind: scaleKind,
    show: (object) => scaleOf(object, paths),
    absorb: (shown, object) => withMember(object, paths.specReplicas, wantedReplicas(shown)),
  };
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

/** @throws StatusError 400 for a wrong type, 422 for a count below zero */
function wantedReplicas(scale: KubeObject): number {
  const spec = memberAt(scale, ["spec"]) ?? {};
  const replicas = isObject(spec) ? (spec.replicas ?? 0) : undefined;
  if (!isInt32(replicas)) {
    throw cannotBeHandled(scaleKind, scaleKind.kind, "spec.replicas: expected an integer");
  }
  if (replicas >= 0) return replicas;
  const negative = invalid(path("spec", "replicas"), replicas, "must be greater than or equal to 0");
  throw newInvalid(scaleKind, scale.metadata.name ?? "", [negative]);
}

const isInt32 = (value: unknown): value is number =>
  typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31;

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
