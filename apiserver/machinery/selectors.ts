import { quoteText } from "../errors/abridge.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { limits } from "../limits.ts";
import { labelValueProblems, qualifiedNameProblems } from "./names.ts";
import { runAtOnce, type Steps } from "./turns.ts";

/** Label and field selectors: `labelSelector`, `fieldSelector` of requests and `selector` of objects (API section 3.4). */

export type LabelOperator = "=" | "!=" | "in" | "notin" | "exists" | "!" | ">" | "<";
export type LabelRequirement = {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
};
type Labels = Readonly<Record<string, string>> | undefined;

export type LabelSelector = {
  /** All must hold. */
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels): boolean;
  /** Without requirements: everything matches. */
  readonly empty: boolean;
};

export const everyLabel: LabelSelector = { requirements: [], matches: () => true, empty: true };
const noLabel: LabelSelector = { requirements: [], matches: () => false, empty: false };

/**
 * An object is compared with what is asked of its own labels, so that the time it takes does not depend on the number of
 * requirements.
 */
function* newLabelSelector(requirements: readonly LabelRequirement[]): Steps<LabelSelector> {
  if (requirements.length === 0) return everyLabel;
  const rules = new Map<string, LabelRule>();
  for (const [index, requirement] of requirements.entries()) {
    if (index % stepTerms === stepTerms - 1) yield;
    const rule = rules.get(requirement.key) ?? new LabelRule();
    rule.add(requirement);
    rules.set(requirement.key, rule);
  }
  let present = 0;
  for (const rule of rules.values()) if (rule.present) present++;
  const matches = (labels: Labels = {}): boolean => {
    let found = 0;
    for (const key in labels) {
      const rule = rules.get(key);
      if (rule === undefined) continue;
      if (!rule.holds(labels[key] ?? "")) return false;
      if (rule.present) found++;
    }
    return found === present;
  };
  return { requirements, empty: false, matches };
}

/** What the requirements on one label say together. */
class LabelRule {
  /** Some requirement needs the label to be there; without one they hold for objects that lack it (API L-31). */
  present = false;
  #absent = false;
  #allowed: Set<string> | undefined;
  readonly #forbidden = new Set<string>();
  #above: bigint | undefined;
  #below: bigint | undefined;

  add({ operator, values }: LabelRequirement): void {
    const [first = ""] = values;
    this.present ||= !negative.has(operator);
    switch (operator) {
      case "=":
      case "in":
        this.#allowed = new Set(values.filter((value) => this.#allowed?.has(value) ?? true));
        break;
      case "!=":
      case "notin":
        for (const value of values) this.#forbidden.add(value);
        break;
      case "!":
        this.#absent = true;
        break;
      case ">":
        this.#above = larger(this.#above, BigInt(first));
        break;
      case "<":
        this.#below = smaller(this.#below, BigInt(first));
        break;
      case "exists":
        break;
    }
  }

  holds(value: string): boolean {
    if (this.#absent || this.#allowed?.has(value) === false || this.#forbidden.has(value)) return false;
    return (this.#above === undefined && this.#below === undefined) || this.#isBetween(integerOf(value));
  }

  #isBetween(value: bigint | undefined): boolean {
    if (value === undefined) return false;
    return (this.#above === undefined || value > this.#above) && (this.#below === undefined || value < this.#below);
  }
}
const negative: ReadonlySet<LabelOperator> = new Set(["!=", "notin", "!"]);
const larger = (a: bigint | undefined, b: bigint): bigint => (a === undefined || b > a ? b : a);
const smaller = (a: bigint | undefined, b: bigint): bigint => (a === undefined || b < a ? b : a);

function integerOf(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[-+]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

const labelToken = /\s*(?:(==|!=|[=!<>(),])|([^\s=!<>(),]+))/y;
const symbols = new Set(["==", "=", "!=", "!", "<", ">", "(", ")", ","]);

/** Terms or values that are read in one step, a µs or so each. */
const stepTerms = 500;

/**
 * One position in the tokens of a selector; the end is `undefined`. Any white space separates, none is needed around
 * symbols.
 */
class TokenReader {
  readonly #text: string;
  #end = 0;
  #next: string | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#next = this.#read();
  }

  peek(): string | undefined {
    return this.#next;
  }

  take(): string | undefined {
    const token = this.#next;
    this.#next = this.#read();
    return token;
  }

  #read(): string | undefined {
    labelToken.lastIndex = this.#end;
    const match = labelToken.exec(this.#text);
    if (match === null) return undefined;
    this.#end = labelToken.lastIndex;
    return match[1] ?? match[2] ?? "";
  }

  takeIf(token: string): boolean {
    const matches = this.peek() === token;
    if (matches) this.take();
    return matches;
  }

  /** A requirement begins with a key, or with the `!` before one. */
  isAtRequirement(): boolean {
    const token = this.peek();
    return token === "!" || (token !== undefined && !symbols.has(token));
  }

  /** @throws RequirementError when the next token is a symbol or the end */
  takeWord(expected: string): string {
    const token = this.take();
    if (token === undefined || symbols.has(token)) throw unexpected(token, expected);
    return token;
  }
}

const tooManyTerms = (kind: "label" | "field") =>
  newBadRequest(`the ${kind} selector has more than ${limits.maxSelectorTerms.value} terms and values`);

/** One less than it has terms and values: counting them takes a hundredth of taking it apart. */
function commasIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf(","); at !== -1; at = text.indexOf(",", at + 1)) count++;
  return count;
}

/** What is wrong inside of one requirement. */
class RequirementError extends Error {}
const foundInstead = (token: string | undefined, expected: string): string =>
  `found '${token ?? ""}', expected: ${expected}`;
const unexpected = (token: string | undefined, expected: string): RequirementError =>
  new RequirementError(foundInstead(token, expected));

/**
 * Comma-separated requirements, all of which must hold: `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`,
 * `k>n`, `k<n`. An empty text selects everything.
 * @throws StatusError `BadRequest` with what was found and what was expected (API L-32)
 */
export function* labelSelectorInSteps(text: string): Steps<LabelSelector> {
  if (commasIn(text) >= limits.maxSelectorTerms.value) throw tooManyTerms("label");
  const reader = new TokenReader(text);
  const requirements: LabelRequirement[] = [];
  let terms = 0;
  for (let expected = "!, identifier, or 'end of string'"; reader.peek() !== undefined; ) {
    if (!reader.isAtRequirement()) throw newBadRequest(foundInstead(reader.peek(), expected));
    if (requirements.length % stepTerms === stepTerms - 1) yield;
    const requirement = yield* readRequirement(reader);
    terms += Math.max(1, requirement.values.length);
    if (terms > limits.maxSelectorTerms.value) throw tooManyTerms("label");
    requirements.push(requirement);
    const next = reader.take();
    if (next === undefined) break;
    if (next !== ",") throw newBadRequest(foundInstead(next, "',' or 'end of string'"));
    expected = "identifier after ','";
    if (reader.peek() === undefined) throw newBadRequest(foundInstead("", expected));
  }
  return yield* newLabelSelector(requirements);
}

/** As `labelSelectorInSteps`. */
export const parseLabelSelector = (text: string): LabelSelector => runAtOnce(labelSelectorInSteps(text));

function* readRequirement(reader: TokenReader): Steps<LabelRequirement> {
  try {
    return yield* parseRequirement(reader);
  } catch (error) {
    if (error instanceof RequirementError) throw newBadRequest(`unable to parse requirement: ${error.message}`);
    throw error;
  }
}

const binaryOperators: Readonly<Record<string, LabelOperator>> = {
  "=": "=",
  "==": "=",
  "!=": "!=",
  in: "in",
  notin: "notin",
  ">": ">",
  "<": "<",
};

function* parseRequirement(reader: TokenReader): Steps<LabelRequirement> {
  const absent = reader.takeIf("!");
  const key = reader.takeWord("identifier");
  // The key stands at no path: what Go prints of none is in the sentence that people search for.
  assertGood("<nil>", key, qualifiedNameProblems(key));
  const next = reader.peek();
  if (absent) return { key, operator: "!", values: [] };
  if (next === undefined || next === ",") return { key, operator: "exists", values: [] };

  const token = reader.take() ?? "";
  const operator = Object.hasOwn(binaryOperators, token) ? binaryOperators[token] : undefined;
  if (operator === undefined) throw unexpected(token, "in, notin, =, ==, !=, gt, lt");
  const values = operator === "in" || operator === "notin" ? yield* parseValues(reader) : [parseValue(reader)];
  for (const [index, value] of values.entries()) {
    if (index % stepTerms === stepTerms - 1) yield;
    if ((operator === ">" || operator === "<") && integerOf(value) === undefined) {
      assertGood(`values[${index}]`, value, ["for 'Gt', 'Lt' operators, the value must be an integer"]);
    }
    assertGood(`values[${index}][${key}]`, value, labelValueProblems(value));
  }
  return { key, operator, values };
}

function assertGood(field: string, value: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new RequirementError(`${field}: Invalid value: ${quoteText(value)}: ${problems.join("; ")}`);
}

/** The one value after a comparison; nothing at all means the empty value. */
function parseValue(reader: TokenReader): string {
  const next = reader.peek();
  return next === undefined || next === "," ? "" : reader.takeWord("identifier");
}

/** `(a, b)`; a place without a word, as in `()` or `(a,)`, is the empty value. */
function* parseValues(reader: TokenReader): Steps<string[]> {
  if (!reader.takeIf("(")) throw new RequirementError(`found '${reader.peek() ?? ""}' expected: '('`);
  const values = new Set<string>();
  do {
    if (values.size % stepTerms === stepTerms - 1) yield;
    const next = reader.peek();
    values.add(next === "," || next === ")" ? "" : reader.takeWord("',', ')' or identifier"));
  } while (reader.takeIf(","));
  if (!reader.takeIf(")")) throw unexpected(reader.peek(), "',' or ')'");
  return [...values].sort();
}

/** `LabelSelector` of `k8s.io/apimachinery/pkg/apis/meta/v1`, as objects carry it. */
export type LabelSelectorObject = {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
};

const expressionOperators: Readonly<Record<string, LabelOperator>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "!",
};

/**
 * The selector an object carries: an absent one selects nothing, an empty one everything.
 * @throws StatusError `BadRequest` for an operator that does not exist
 */
export function labelSelectorFromObject(selector: LabelSelectorObject | undefined): LabelSelector {
  if (selector === undefined) return noLabel;
  const equalities = Object.entries(selector.matchLabels ?? {}).map(
    ([key, value]): LabelRequirement => ({ key, operator: "=", values: [value] }),
  );
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values = [] }): LabelRequirement => {
    const own = Object.hasOwn(expressionOperators, operator) ? expressionOperators[operator] : undefined;
    if (own === undefined) throw newBadRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
    return { key, operator: own, values };
  });
  return runAtOnce(newLabelSelector([...equalities, ...expressions]));
}

/** As `labelSelector` of a request has it, in order of key: what a Scale tells autoscalers. */
export function labelSelectorText({ requirements }: LabelSelector): string {
  const text = ({ key, operator, values }: LabelRequirement): string => {
    if (operator === "exists") return key;
    if (operator === "!") return `!${key}`;
    if (operator === "in" || operator === "notin") return `${key} ${operator} (${values.toSorted().join(",")})`;
    return `${key}${operator}${values.join("")}`;
  };
  return requirements
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map(text)
    .join(",");
}

export type FieldRequirement = { readonly field: string; readonly operator: "=" | "!="; readonly value: string };

export type FieldSelector = {
  /** All must hold. */
  readonly requirements: readonly FieldRequirement[];
  /** @param fieldValue  the object's value of a field as text, `""` when it has none */
  matches(fieldValue: (field: string) => string): boolean;
  readonly empty: boolean;
};

export const everyField: FieldSelector = { requirements: [], matches: () => true, empty: true };

export const newFieldSelector = (requirements: readonly FieldRequirement[]): FieldSelector =>
  runAtOnce(fieldSelectorOf(requirements));

function* fieldSelectorOf(requirements: readonly FieldRequirement[]): Steps<FieldSelector> {
  if (requirements.length === 0) return everyField;
  const byField = new Map<string, { equal: Set<string>; unequal: Set<string> }>();
  for (const [index, { field, operator, value }] of requirements.entries()) {
    if (index % stepTerms === stepTerms - 1) yield;
    const rule = byField.get(field) ?? { equal: new Set(), unequal: new Set() };
    (operator === "=" ? rule.equal : rule.unequal).add(value);
    byField.set(field, rule);
  }
  const rules = [...byField];
  return {
    requirements,
    empty: false,
    matches: (of) => rules.every(([field, rule]) => meets(of(field), rule)),
  };
}

/** Nothing equals two values. */
function meets(value: string, { equal, unequal }: { equal: Set<string>; unequal: Set<string> }): boolean {
  return !unequal.has(value) && (equal.size === 0 || (equal.size === 1 && equal.has(value)));
}

/** A term: everything up to the first operator, the operator, the rest. */
const fieldTerm = /^([^=!]*(?:!(?!=)[^=!]*)*)(==|!=|=)(.*)$/s;

/**
 * Comma-separated terms `f=v`, `f==v`, `f!=v`; in values `\\`, `\,` and `\=` stand for the second character. Whether the
 * fields exist is the resource's business.
 * @throws StatusError `BadRequest` (API L-34)
 */
export function* fieldSelectorInSteps(text: string): Steps<FieldSelector> {
  const requirements: FieldRequirement[] = [];
  let terms = 0;
  for (const term of termsOf(text)) {
    if (++terms % stepTerms === 0) yield;
    if (term === "") continue;
    if (requirements.length === limits.maxSelectorTerms.value) throw tooManyTerms("field");
    const match = fieldTerm.exec(term);
    if (match === null) throw newBadRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = "", operator, value = ""] = match;
    if (field === "" && value === "") continue;
    requirements.push({ field, operator: operator === "!=" ? "!=" : "=", value: unescapeValue(value) });
  }
  return yield* fieldSelectorOf(requirements);
}

/** As `fieldSelectorInSteps`. */
export const parseFieldSelector = (text: string): FieldSelector => runAtOnce(fieldSelectorInSteps(text));

/** What stands between commas that no backslash precedes. */
function* termsOf(text: string): Generator<string> {
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ",") {
      yield text.slice(start, i);
      start = i + 1;
    }
  }
  yield text.slice(start);
}

function unescapeValue(value: string): string {
  return value.replace(/\\([\s\S]?)|[,=]/g, (found, escaped: string | undefined) => {
    if (escaped !== undefined && escaped !== "" && "\\,=".includes(escaped)) return escaped;
    const problem =
      escaped === undefined
        ? `unescaped character in value: ${found.codePointAt(0)}`
        : `invalid escape sequence: ${found}`;
    throw newBadRequest(`invalid field selector: ${problem}`);
  });
}

/** The value that `field` must have for anything to match, when the selector names one. */
export function requiredValue(selector: FieldSelector, field: string): string | undefined {
  return selector.requirements.find((term) => term.field === field && term.operator === "=")?.value;
}
