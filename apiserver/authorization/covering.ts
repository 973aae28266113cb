/**
 * Whether some rules cover others: nobody may grant what they do not hold. A rule is a product of lists, so a small one
 * stands for millions of single rights; values that the held rules treat alike are compared once.
 */
import { limits } from "../limits.ts";
import { everything, matchesPath, type PolicyRule } from "./rules.ts";

export type Uncovered = {
  /** The first single rights that are not held: one verb on one resource, name or path each. */
  readonly first: readonly PolicyRule[];
  /** How many there are. */
  readonly count: number;
  /** The comparison was given up: take it as not held. */
  readonly tooComplex: boolean;
};

/** The parts of `wanted` that `held` does not allow; none when whoever holds `held` may do all of `wanted`. */
export function uncovered(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): Uncovered {
  const comparison = new Comparison(held);
  for (const rule of wanted) {
    if (comparison.tooComplex) break;
    comparison.compare(rule);
  }
  return comparison;
}

/** Positions of held rules, ascending. */
type Positions = readonly number[];
/** Values of one list of a rule that the same held rules allow. */
type Class = { readonly allowedBy: Positions; readonly values: string[] };

class Comparison implements Uncovered {
  readonly first: PolicyRule[] = [];
  count = 0;
  #steps = 0;
  readonly #held: readonly PolicyRule[];
  readonly #verbs: PositionIndex;
  readonly #groups: PositionIndex;
  readonly #resources: PositionIndex;
  readonly #names: PositionIndex;
  readonly #ofEveryName: Positions;
  readonly #withPaths: Positions;

  constructor(held: readonly PolicyRule[]) {
    this.#held = held;
    this.#verbs = positionsBy(held, ({ verbs }) => verbs);
    this.#groups = positionsBy(held, ({ apiGroups }) => apiGroups);
    this.#resources = positionsBy(held, ({ resources }) => resources);
    this.#names = positionsBy(held, ({ resourceNames }) => resourceNames);
    this.#ofEveryName = positionsWhere(held, ({ resourceNames }) => resourceNames.length === 0);
    this.#withPaths = positionsWhere(held, ({ nonResourceURLs }) => nonResourceURLs.length > 0);
  }

  get tooComplex(): boolean {
    return this.#steps > limits.maxGrantSteps.value;
  }

  compare({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): void {
    const verbClasses = this.#classes(verbs, (verb) => [this.#verbs.get(verb), this.#verbs.get(everything)]);
    const byResource = [
      verbClasses,
      this.#classes(apiGroups, (group) => [this.#groups.get(group), this.#groups.get(everything)]),
      this.#classes(resources, (resource) => this.#allowingResource(resource)),
      resourceNames.length === 0
        ? [{ allowedBy: this.#ofEveryName, values: [] }]
        : this.#classes(resourceNames, (name) => [this.#names.get(name), this.#ofEveryName]),
    ];
    for (const [verb, group, resource, name] of this.#combinations(byResource)) {
      this.#report(verb, group, resource, name, (v, g, r, n) => ({
        verbs: v,
        apiGroups: g,
        resources: r,
        resourceNames: n,
        nonResourceURLs: [],
      }));
    }
    const byPath = [verbClasses, this.#classes(nonResourceURLs, (url) => [this.#allowingPath(url)])];
    for (const [verb, url] of this.#combinations(byPath)) {
      this.#report(verb, url, none, none, (v, u) => ({
        verbs: v,
        apiGroups: [],
        resources: [],
        resourceNames: [],
        nonResourceURLs: u,
      }));
    }
  }

  #allowingResource(resource: string): readonly (Positions | undefined)[] {
    const slash = resource.indexOf("/");
    const ofAnyResource = slash < 0 ? undefined : this.#resources.get(`${everything}${resource.slice(slash)}`);
    return [this.#resources.get(resource), this.#resources.get(everything), ofAnyResource];
  }

  /** A pattern is covered by a shorter pattern as any path would be: `/a/b*` starts with the `/a/` of `/a/*`. */
  #allowingPath(url: string): Positions {
    return this.#withPaths.filter((position) => {
      const patterns = this.#held[position]?.nonResourceURLs ?? [];
      this.#steps += patterns.length;
      return !this.tooComplex && patterns.some((pattern) => matchesPath(pattern, url));
    });
  }

  #classes(values: readonly string[], allowing: (value: string) => readonly (Positions | undefined)[]): Class[] {
    const classes = new Map<string, Class>();
    for (const value of values) {
      if (this.tooComplex) break;
      const allowedBy = merged(allowing(value));
      this.#steps += 1 + allowedBy.length;
      const key = allowedBy.join();
      const known = classes.get(key);
      if (known === undefined) classes.set(key, { allowedBy, values: [value] });
      else known.values.push(value);
    }
    return [...classes.values()];
  }

  /** One class of each list, for every way to choose them that no single held rule allows. */
  *#combinations(lists: readonly (readonly Class[])[], chosen: readonly Class[] = []): Generator<readonly Class[]> {
    const [list, ...others] = lists;
    if (list === undefined) {
      if (!this.#haveOneRule(chosen)) yield chosen;
      return;
    }
    for (const one of list) {
      if (this.tooComplex) return;
      yield* this.#combinations(others, [...chosen, one]);
    }
  }

  #haveOneRule(chosen: readonly Class[]): boolean {
    const [fewest = [], ...others] = chosen.map(({ allowedBy }) => allowedBy).sort((a, b) => a.length - b.length);
    this.#steps += 1 + fewest.length * others.length;
    return fewest.some((position) => others.every((positions) => includes(positions, position)));
  }

  #report(
    a: Class = none,
    b: Class = none,
    c: Class = none,
    d: Class = none,
    rule: (...values: [string[], string[], string[], string[]]) => PolicyRule,
  ): void {
    const size = ({ values }: Class): number => Math.max(1, values.length);
    this.count += size(a) * size(b) * size(c) * size(d);
    for (const v of single(a))
      for (const w of single(b))
        for (const x of single(c))
          for (const y of single(d)) {
            if (this.first.length >= limits.maxCauses.value) return;
            this.first.push(rule(v, w, x, y));
          }
  }
}

const none: Class = { allowedBy: [], values: [] };

/** Each value as a list of its own; no value at all is one choice as well. */
const single = ({ values }: Class): readonly string[][] =>
  values.length === 0 ? [[]] : values.map((value) => [value]);

type PositionIndex = ReadonlyMap<string, Positions>;

function positionsBy(rules: readonly PolicyRule[], valuesOf: (rule: PolicyRule) => readonly string[]): PositionIndex {
  const index = new Map<string, number[]>();
  for (const [position, rule] of rules.entries()) {
    for (const value of new Set(valuesOf(rule))) {
      const positions = index.get(value);
      if (positions === undefined) index.set(value, [position]);
      else positions.push(position);
    }
  }
  return index;
}

function positionsWhere(rules: readonly PolicyRule[], holds: (rule: PolicyRule) => boolean): Positions {
  return [...rules.entries()].filter(([, rule]) => holds(rule)).map(([position]) => position);
}

function merged(lists: readonly (Positions | undefined)[]): Positions {
  const given = lists.filter((list) => list !== undefined);
  const [only] = given;
  return given.length === 1 && only !== undefined ? only : [...new Set(given.flat())].sort((a, b) => a - b);
}

/** By halving: positions are in order. */
function includes(positions: Positions, wanted: number): boolean {
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((positions[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return positions[low] === wanted;
}
