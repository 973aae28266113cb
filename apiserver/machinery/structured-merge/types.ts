/**
 * What the fields of an object are to those who share it: which are owned one by one and which as a whole.
 *
 * This folder is server-side apply without a server: values, their types, sets of fields, and who owns which. It does no
 * I/O, knows no kinds, and works on plain JSON. The rules are those of `sigs.k8s.io/structured-merge-diff` (API 5.5).
 *
 * Invariant: nothing here changes a value or a set that it was given, and results share with them what did not change.
 * Invariant: work is linear in the values and sets given; items of lists are found by key, never by search.
 */
import type { JsonValue } from "../../apis/meta/v1.ts";
import { limits } from "../../limits.ts";
import { isRawNumber } from "../json.ts";

export type Scalar = "string" | "numeric" | "boolean" | "untyped";

/** The shapes that a value of a type may have; most types have one. */
export type Type = {
  readonly scalar?: Scalar;
  readonly list?: ListType;
  readonly map?: MapType;
};

export type ListType = {
  /** `atomic`: one field. `set`: every scalar is a field. `keyed`: every item is, told apart by `keys`. */
  readonly relation: "atomic" | "set" | "keyed";
  /** Of `keyed` lists, in order of name. */
  readonly keys: readonly ListKey[];
  readonly element: Type;
};

/** @property default  what counts when an item does not name the key, `TCP` for `protocol` (API S-31) */
export type ListKey = { readonly name: string; readonly default?: JsonValue };

export type MapType = {
  /** The whole map is one field. */
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, Type>;
  /** Of members that `fields` does not list; `undefined`: there are none (API S-52). */
  readonly element: Type | undefined;
};

/** Levels of an object whose fields are told apart; what lies deeper is one field of its own. */
export const maxDepth = limits.maxFieldDepth.value;

const opaque: { scalar: Scalar; list?: ListType; map?: MapType } = { scalar: "untyped" };
opaque.list = { relation: "atomic", keys: [], element: opaque };
opaque.map = { atomic: true, fields: new Map(), element: opaque };
/** Any value, owned as a whole. */
export const opaqueType: Type = opaque;

const freeForm: { scalar: Scalar; list: ListType; map?: MapType } = { scalar: "untyped", list: opaque.list };
freeForm.map = { atomic: false, fields: new Map(), element: freeForm };
/** Any value without a schema: members of maps are owned one by one, lists as a whole. */
export const freeFormType: Type = freeForm;

export type Shape = "map" | "list" | "scalar";

/** The shape in which a value of this type is treated; null and values of a wrong type count as the type's first. */
export function shapeOf(type: Type, value: JsonValue | undefined): Shape {
  const own = ownShape(value);
  if (own !== undefined && type[own] !== undefined) return own;
  if (type.map !== undefined) return "map";
  return type.scalar !== undefined ? "scalar" : "list";
}

function ownShape(value: JsonValue | undefined): Shape | undefined {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) return "list";
  return typeof value === "object" && !isRawNumber(value) ? "map" : "scalar";
}

/** The type of a member; one that nothing declares is owned as a whole. */
export function memberType(map: MapType, name: string): Type {
  return map.fields.get(name) ?? map.element ?? opaqueType;
}

/** The type as it counts `depth` levels below the object. */
export function typeAt(type: Type, depth: number): Type {
  return depth < maxDepth ? type : opaqueType;
}
