import type { Schema } from "../../../openapi/schema.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { duplicate, required, tooMany } from "../../errors/field-error.ts";
import { limits } from "../../limits.ts";
import { clone, isObject, member, setMember, stringifyJson } from "../../machinery/json.ts";
import { type Node, unlike, wrongType } from "./scalar-nodes.ts";
import type { Walk } from "./walk.ts";

/** What becomes of members that a schema doesn't declare: dropped and reported, kept as they are, or decoded alike. */
export type UndeclaredMembers = "unknown" | "keep" | Node;

export type ObjectParts = {
  readonly properties: ReadonlyMap<string, Node>;
  readonly undeclared: UndeclaredMembers;
  /** Names in order. */
  readonly required: readonly string[];
  /** Lists and maps that are absent when they are empty. */
  readonly omittedWhenEmpty: ReadonlySet<string>;
  /** Set when the member is absent; `node` adds the defaults inside it. */
  readonly defaults: readonly { readonly name: string; readonly value: JsonValue; readonly node: Node }[];
};

const noParts: ObjectParts = {
  properties: new Map(),
  undeclared: "keep",
  required: [],
  omittedWhenEmpty: new Set(),
  defaults: [],
};

export class ObjectNode implements Node {
  readonly nullable: boolean;
  readonly #maxProperties: number;
  readonly #minProperties: number;
  #parts: ObjectParts = noParts;

  constructor(schema: Schema) {
    this.nullable = schema.nullable === true;
    this.#maxProperties = schema.maxProperties ?? Number.POSITIVE_INFINITY;
    this.#minProperties = schema.minProperties ?? 0;
  }

  /** A schema may contain itself, so a node exists before its parts do. */
  complete(parts: ObjectParts): void {
    this.#parts = parts;
  }

  decode(value: JsonValue, walk: Walk): JsonValue {
    if (!isObject(value)) {
      if (value !== null || !this.nullable) walk.report(wrongType(value, "object"));
      return value;
    }
    return this.decodeObject(value, walk);
  }

  decodeObject(value: JsonObject, walk: Walk): JsonObject {
    const result = this.#withDefaults(this.#decodeMembers(value, walk), walk);
    for (const name of this.#parts.required) {
      if (!Object.hasOwn(result, name)) walk.reportMember(name, (field) => required(field, ""));
    }
    this.#checkCount(result, walk);
    return result;
  }

  /**
   * The object with no more unknown members than are told: each would be copied several times on the way.
   * @returns  the object itself when it has few members
   */
  cropped(value: JsonObject): JsonObject {
    const names = Object.keys(value);
    const { properties, undeclared } = this.#parts;
    if (names.length <= manyMembers || undeclared !== "unknown") return value;
    const unknown = names.filter((name) => !properties.has(name)).slice(limits.maxDecodingProblems.value);
    return without(value, unknown);
  }

  #decodeMembers(value: JsonObject, walk: Walk): JsonObject {
    const changed: [name: string, value: JsonValue][] = [];
    const dropped: string[] = [];
    for (const name of Object.keys(value)) {
      const before = value[name];
      const node = this.#parts.properties.get(name) ?? this.#parts.undeclared;
      if (node === "keep") continue;
      let after: JsonValue | undefined;
      if (node === "unknown") {
        if (before !== undefined) walk.reportUnknown(name);
      } else if (before !== undefined && (before !== null || node.nullable)) {
        walk.enter(name);
        after = node.decode(before, walk);
        walk.leave();
        if (this.#parts.omittedWhenEmpty.has(name) && isEmpty(after)) after = undefined;
      }
      if (after === before && before !== undefined) continue;
      if (after === undefined) dropped.push(name);
      else changed.push([name, after]);
    }
    if (dropped.length === 0 && changed.length === 0) return value;
    const result = without(value, dropped);
    for (const [name, after] of changed) setMember(result, name, after);
    return result;
  }

  #withDefaults(value: JsonObject, walk: Walk): JsonObject {
    let result = value;
    for (const { name, value: defaultValue, node } of this.#parts.defaults) {
      if (Object.hasOwn(value, name)) continue;
      if (result === value) result = { ...value };
      walk.enter(name);
      result[name] = node.decode(clone(defaultValue), walk);
      walk.leave();
    }
    return result;
  }

  #checkCount(value: JsonObject, walk: Walk): void {
    if (this.#minProperties === 0 && this.#maxProperties === Number.POSITIVE_INFINITY) return;
    const count = Object.keys(value).length;
    if (count > this.#maxProperties) walk.report((field) => tooMany(field, count, this.#maxProperties));
    if (count < this.#minProperties) {
      walk.report(unlike(value, `should have at least ${this.#minProperties} properties`));
    }
  }
}

/** More than are deleted one by one: an object that lost many stays as large for whoever copies it. */
const fewMembers = 16;
/** More than any object of a kind that doesn't take every name. */
const manyMembers = 200;

/** A copy of the object, and never one of what is left out of it if that is much. */
function without(object: JsonObject, names: readonly string[]): JsonObject {
  if (names.length <= fewMembers) {
    const copy = { ...object };
    for (const name of names) delete copy[name];
    return copy;
  }
  const unwanted = new Set(names);
  const kept: JsonObject = {};
  for (const name of Object.keys(object)) if (!unwanted.has(name)) setMember(kept, name, object[name]);
  return kept;
}

const isEmpty = (collection: JsonValue): boolean =>
  Array.isArray(collection) ? collection.length === 0 : isObject(collection) && Object.keys(collection).length === 0;

/** How the items of a list are told apart; two of them must not be alike. */
type Identity = (item: JsonValue) => JsonValue;

function identityOf(schema: Schema): Identity | undefined {
  if (schema["x-functionmesh-duplicates"] === "tolerated") return undefined;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  switch (schema["x-kubernetes-list-type"]) {
    case "set":
      return (item) => item;
    case "map":
      return (item) => {
        const key: JsonObject = {};
        for (const name of keys) if (isObject(item)) key[name] = member(item, name);
        return key;
      };
    default:
      return undefined;
  }
}

export class ListNode implements Node {
  readonly nullable: boolean;
  readonly #identity: Identity | undefined;
  readonly #uniqueItems: boolean;
  readonly #maxItems: number;
  readonly #minItems: number;
  readonly #items: Node;

  constructor(schema: Schema, items: Node) {
    this.nullable = schema.nullable === true;
    this.#identity = identityOf(schema);
    this.#uniqueItems = schema.uniqueItems === true;
    this.#maxItems = schema.maxItems ?? Number.POSITIVE_INFINITY;
    this.#minItems = schema.minItems ?? 0;
    this.#items = items;
  }

  decode(value: JsonValue, walk: Walk): JsonValue {
    if (!Array.isArray(value)) {
      if (value !== null || !this.nullable) walk.report(wrongType(value, "array"));
      return value;
    }
    const result = this.#decodeItems(value, walk);
    const count = result.length;
    if (count > this.#maxItems) walk.report((field) => tooMany(field, count, this.#maxItems));
    if (count < this.#minItems) walk.report(unlike(result, `should have at least ${this.#minItems} items`));
    if (count > 1) this.#checkDuplicates(result, walk);
    return result;
  }

  #decodeItems(value: JsonValue[], walk: Walk): JsonValue[] {
    let result = value;
    for (const [index, before] of value.entries()) {
      walk.enter(index);
      const after = this.#items.decode(before, walk);
      walk.leave();
      if (after === before) continue;
      if (result === value) result = [...value];
      result[index] = after;
    }
    return result;
  }

  #checkDuplicates(items: readonly JsonValue[], walk: Walk): void {
    if (this.#uniqueItems && new Set(items.map(stringifyJson)).size < items.length) {
      walk.report(unlike([...items], "shouldn't contain duplicates"));
    }
    if (this.#identity === undefined) return;
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const identity = this.#identity(item);
      const text = stringifyJson(identity);
      if (seen.has(text)) walk.reportMember(index, (field) => duplicate(field, identity));
      seen.add(text);
    }
  }
}
