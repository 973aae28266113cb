import { describeElement, sortedElements } from "./path-element.ts";

/**
 * A set of fields, as a tree of path elements (`path-element.ts`). An owned node is a member of the set; one that is only
 * on the way to members is not. A node without members at or below it does not exist, so equal sets are equal trees.
 */
export type FieldSet = ReadonlyMap<string, FieldNode>;
export type FieldNode = { readonly owned: boolean; readonly below: FieldSet };
export type FieldPath = readonly string[];

export const noFields: FieldSet = new Map();
/** A member with none below it. */
export const leaf: FieldNode = { owned: true, below: noFields };

/** A set while it is collected. */
export class FieldCollector {
  readonly #root = new Map<string, FieldNode>();

  /** The empty path is the object itself, which nobody owns. */
  add(path: FieldPath): void {
    this.addNode(path, leaf);
  }

  /** Adds a node with all that is below it. */
  addNode(path: FieldPath, node: FieldNode): void {
    const last = path.at(-1);
    if (last === undefined) return;
    let level = this.#root;
    for (let at = 0; at < path.length - 1; at++) {
      const element = path[at] ?? "";
      level = growing(level, element, level.get(element)).level;
    }
    const known = level.get(last);
    level.set(last, known === undefined ? node : joinedNode(known, node));
  }

  get fields(): FieldSet {
    return this.#root;
  }
}

/** A node that still gets fields. */
class GrowingNode implements FieldNode {
  readonly owned: boolean;
  readonly level: Map<string, FieldNode>;

  constructor({ owned, below }: FieldNode) {
    this.owned = owned;
    this.level = new Map(below);
  }

  get below(): FieldSet {
    return this.level;
  }
}
const emptyNode: FieldNode = { owned: false, below: noFields };

function growing(level: Map<string, FieldNode>, element: string, known: FieldNode = emptyNode): GrowingNode {
  if (known instanceof GrowingNode) return known;
  const node = new GrowingNode(known);
  level.set(element, node);
  return node;
}

export function fieldSet(...paths: readonly FieldPath[]): FieldSet {
  const collector = new FieldCollector();
  for (const path of paths) collector.add(path);
  return collector.fields;
}

export function newNode(owned: boolean, below: FieldSet): FieldNode | undefined {
  if (below.size > 0) return { owned, below };
  return owned ? leaf : undefined;
}

export function has(set: FieldSet, path: FieldPath): boolean {
  let level = set;
  let owned = false;
  for (const element of path) {
    const node = level.get(element);
    if (node === undefined) return false;
    ({ owned, below: level } = node);
  }
  return owned;
}

/** Every member with its path in the order of messages: at each level its members, then what is below them. */
export function* pathsOf(set: FieldSet, prefix: FieldPath = []): Generator<FieldPath> {
  const elements = sortedElements(set.keys());
  for (const element of elements) if (set.get(element)?.owned === true) yield [...prefix, element];
  for (const element of elements) yield* pathsOf(set.get(element)?.below ?? noFields, [...prefix, element]);
}

/** How many members it has. */
export function sizeOf(set: FieldSet): number {
  let size = 0;
  for (const { owned, below } of set.values()) size += (owned ? 1 : 0) + sizeOf(below);
  return size;
}

/** As messages name a field: `.spec.ports[port=80,protocol="TCP"].name` (API S-27). */
export function describePath(path: FieldPath): string {
  return path.map(describeElement).join("");
}

/** @returns `a` itself when `b` adds nothing */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || b.size === 0) return a;
  if (a.size === 0) return b;
  let result: Map<string, FieldNode> | undefined;
  for (const [element, right] of b) {
    const left = a.get(element);
    const joined = left === undefined ? right : joinedNode(left, right);
    if (joined === left) continue;
    result ??= new Map(a);
    result.set(element, joined);
  }
  return result ?? a;
}

function joinedNode(left: FieldNode, right: FieldNode): FieldNode {
  const below = union(left.below, right.below);
  const owned = left.owned || right.owned;
  return owned === left.owned && below === left.below ? left : { owned, below };
}

/** @returns `a` itself when all of it is in `b` */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return a === b
    ? a
    : mapNodes(a, (left, element) => {
        const right = b.get(element);
        if (right === undefined) return undefined;
        return changedNode(left, left.owned && right.owned, intersection(left.below, right.below));
      });
}

/** Members of `a` that are not members of `b`; what is below a member of `b` stays. Returns `a` itself if all stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return noFields;
  if (b.size === 0) return a;
  return mapNodes(a, (left, element) => {
    const right = b.get(element);
    if (right === undefined) return left;
    return changedNode(left, left.owned && !right.owned, difference(left.below, right.below));
  });
}

/** As `difference`, but all that is below a member of `b` goes with it. */
export function without(a: FieldSet, b: FieldSet): FieldSet {
  if (b.size === 0) return a;
  return mapNodes(a, (left, element) => {
    const right = b.get(element);
    if (right === undefined) return left;
    return right.owned ? undefined : changedNode(left, left.owned, without(left.below, right.below));
  });
}

/** Members of `set` at or below this path. */
export function within(set: FieldSet, [element, ...rest]: FieldPath): FieldSet {
  if (element === undefined) return set;
  const node = set.get(element);
  if (node === undefined) return noFields;
  if (rest.length === 0) return set.size === 1 ? set : new Map([[element, node]]);
  const below = within(node.below, rest);
  return below.size === 0 ? noFields : new Map([[element, { owned: false, below }]]);
}

function changedNode(node: FieldNode, owned: boolean, below: FieldSet): FieldNode | undefined {
  return owned === node.owned && below === node.below ? node : newNode(owned, below);
}

/** @returns `set` itself when `map` changes no node */
export function mapNodes(set: FieldSet, map: (node: FieldNode, element: string) => FieldNode | undefined): FieldSet {
  let result: Map<string, FieldNode> | undefined;
  for (const [element, node] of set) {
    const mapped = map(node, element);
    if (mapped === node) continue;
    result ??= new Map(set);
    if (mapped === undefined) result.delete(element);
    else result.set(element, mapped);
  }
  return result ?? set;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [element, left] of a) {
    const right = b.get(element);
    if (right === undefined || left.owned !== right.owned || !equalSets(left.below, right.below)) return false;
  }
  return true;
}
