import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { deepEqual, isEmptyObject, isObject, member } from "../json.ts";
import { FieldCollector, type FieldNode, type FieldSet, leaf } from "./field-set.ts";
import { fieldElement, itemElement } from "./path-element.ts";
import { type ListType, type MapType, memberType, type Shape, shapeOf, type Type, typeAt } from "./types.ts";

/** No field is in more than one of the sets; all are empty when the values are equal. */
export type Comparison = { readonly added: FieldSet; readonly modified: FieldSet; readonly removed: FieldSet };

/**
 * What becomes of the fields of `before` when `after` takes its place. Parts that both share are not looked at.
 * Items of a list that share a key count as one field.
 */
export function compare(type: Type, before: JsonValue, after: JsonValue): Comparison {
  const comparer = new Comparer();
  comparer.compare(type, before, after);
  return comparer.result;
}

export function isSame({ added, modified, removed }: Comparison): boolean {
  return added.size === 0 && modified.size === 0 && removed.size === 0;
}

type Maybe<T> = T | undefined;

class Comparer {
  readonly #added = new FieldCollector();
  readonly #modified = new FieldCollector();
  readonly #removed = new FieldCollector();
  readonly #path: string[] = [];

  get result(): Comparison {
    return { added: this.#added.fields, modified: this.#modified.fields, removed: this.#removed.fields };
  }

  compare(declared: Type, before: Maybe<JsonValue>, after: Maybe<JsonValue>): void {
    if (before === after) return;
    if (before === undefined) this.#added.addNode(this.#path, allFields(declared, after ?? null, this.#path.length));
    else if (after === undefined) this.#removed.addNode(this.#path, allFields(declared, before, this.#path.length));
    else this.#compareBoth(typeAt(declared, this.#path.length), before, after);
  }

  #compareBoth(type: Type, before: JsonValue, after: JsonValue): void {
    const shapes = [shapeOf(type, before), shapeOf(type, after)] as const;
    // What had another shape is modified as that, and all that the new shape holds is added.
    if (shapes[0] !== shapes[1]) this.#compareAs(shapes[0], type, before, after);
    this.#compareAs(shapes[1], type, before, after);
  }

  #compareAs(shape: Shape, type: Type, before: JsonValue, after: JsonValue): void {
    if (shape === "map" && type.map?.atomic === false) {
      const [left, right] = [isObject(before) ? before : {}, isObject(after) ? after : {}];
      if (!isEmptyObject(left) || !isEmptyObject(right)) {
        this.#compareMembers(type.map, left, right);
        return;
      }
    }
    if (shape === "list" && type.list !== undefined && type.list.relation !== "atomic") {
      const [left, right] = [Array.isArray(before) ? before : [], Array.isArray(after) ? after : []];
      if (left.length > 0 || right.length > 0) {
        this.#compareItems(type.list, left, right);
        return;
      }
    }
    if (!deepEqual(before, after)) this.#modified.add(this.#path);
  }

  #compareMembers(map: MapType, before: JsonObject, after: JsonObject): void {
    for (const name of Object.keys(before)) {
      const [left, right] = [before[name], member(after, name)];
      if (left !== right) this.#compareBelow(fieldElement(name), memberType(map, name), left, right);
    }
    for (const name of Object.keys(after)) {
      const right = after[name];
      if (right !== undefined && member(before, name) === undefined) {
        this.#compareBelow(fieldElement(name), memberType(map, name), undefined, right);
      }
    }
  }

  #compareItems(list: ListType, before: readonly JsonValue[], after: readonly JsonValue[]): void {
    const [left, right] = [groupByElement(list, before), groupByElement(list, after)];
    for (const [element, items] of left) this.#compareGroup(list, element, items, right.get(element) ?? []);
    for (const [element, items] of right) if (!left.has(element)) this.#compareGroup(list, element, [], items);
  }

  #compareGroup(list: ListType, element: string, before: readonly JsonValue[], after: readonly JsonValue[]): void {
    if (before.length <= 1 && after.length <= 1) {
      this.#compareBelow(element, list.element, before[0], after[0]);
      return;
    }
    this.#path.push(element);
    if (before.length > 1 && after.length > 1) {
      if (!deepEqual([...before], [...after])) this.#modified.add(this.#path);
    } else if (before.length > 1) {
      if (after.length > 0) this.compare(list.element, undefined, after[0]);
      this.#removed.add(this.#path);
    } else {
      if (before.length > 0) this.compare(list.element, before[0], undefined);
      this.#added.add(this.#path);
    }
    this.#path.pop();
  }

  #compareBelow(element: string, type: Type, before: Maybe<JsonValue>, after: Maybe<JsonValue>): void {
    this.#path.push(element);
    this.compare(type, before, after);
    this.#path.pop();
  }
}

/** Every field of a value that comes or goes as a whole, and what only holds fields too. */
function allFields(declared: Type, value: JsonValue, depth: number): FieldNode {
  if (typeof value !== "object" || value === null) return leaf;
  const type = typeAt(declared, depth);
  const below = new Map<string, FieldNode>();
  if (Array.isArray(value) && shapeOf(type, value) === "list" && type.list !== undefined) {
    if (type.list.relation !== "atomic") allItems(type.list, value, depth, below);
  } else if (isObject(value) && shapeOf(type, value) === "map" && type.map?.atomic === false) {
    for (const name of Object.keys(value)) {
      const item = value[name];
      if (item !== undefined) below.set(fieldElement(name), allFields(memberType(type.map, name), item, depth + 1));
    }
  }
  return below.size === 0 ? leaf : { owned: true, below };
}

function allItems(list: ListType, items: readonly JsonValue[], depth: number, into: Map<string, FieldNode>): void {
  for (const item of items) {
    const element = itemElement(list, item);
    into.set(element, into.has(element) ? leaf : allFields(list.element, item, depth + 1));
  }
}

/** Items by their step, in order of first appearance. */
function groupByElement(list: ListType, items: readonly JsonValue[]): ReadonlyMap<string, readonly JsonValue[]> {
  const groups = new Map<string, JsonValue[]>();
  for (const item of items) {
    const element = itemElement(list, item);
    const group = groups.get(element);
    if (group === undefined) groups.set(element, [item]);
    else group.push(item);
  }
  return groups;
}
