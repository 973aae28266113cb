import { newBadRequest } from "../errors/status-error.ts";
import { labelValueProblems, qualifiedNameProblems } from "./names.ts";

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

function newLabelSelector(requirements: readonly LabelRequirement[]): LabelSelector {
  if (requirements.length === 0) return everyLabel;
  const tests = requirements.map(labelTest);
  const [only] = tests;
  return {
    requirements,
    empty: false,
    matches: tests.length === 1 && only !== undefined ? only : (labels) => tests.every((holds) => holds(labels)),
  };
}

const labelValue = (labels: Labels, key: string): string | undefined =>
  labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;

/** Negative operators also hold for objects without the label (API L-31); comparisons need an integer on both sides. */
function labelTest({ key, operator, values }: LabelRequirement): (labels: Labels) => boolean {
  const [first = ""] = values;
  const bound = integerOf(first);
  const compare = (holds: (value: bigint, limit: bigint) => boolean) => (labels: Labels) => {
    const value = integerOf(labelValue(labels, key));
    return value !== undefined && bound !== undefined && holds(value, bound);
  };
  const oneOf = new Set(values);
  const isIn = (labels: Labels): boolean => {
    const value = labelValue(labels, key);
    return value !== undefined && oneOf.has(value);
  };
  switch (operator) {
    case "=":
      return (labels) => labelValue(labels, key) === first;
    case "!=":
      return (labels) => labelValue(labels, key) !== first;
    case "in":
      return isIn;
    case "notin":
      return (labels) => !isIn(labels);
    case "exists":
      return (labels) => labelValue(labels, key) !== undefined;
    case "!":
      return (labels) => labelValue(labels, key) === undefined;
    case ">":
      return compare((value, limit) => value > limit);
    case "<":
      return compare((value, limit) => value < limit);
  }
}

function integerOf(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[-+]?\d+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ""));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

const labelToken = /\s*(?:(==|!=|[=!<>(),])|([^\s=!<>(),]+))/y;
const symbols = new Set(["==", "=", "!=", "!", "<", ">", "(", ")", ","]);

/** The tokens in order; the end is `undefined`. Any white space separates, none is needed around symbols. */
function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  labelToken.lastIndex = 0;
  for (let match = labelToken.exec(text); match !== null; match = labelToken.exec(text)) {
    tokens.push(match[1] ?? match[2] ?? "");
  }
  return tokens;
}

/** One position in the tokens of a selector. */
class TokenReader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  peek(): string | undefined {
    return this.#tokens[this.#next];
  }

  take(): string | undefined {
    return this.#tokens[this.#next++];
  }

  takeIf(token: string): boolean {
    const matches = this.peek() === token;
    if (matches) this.#next++;
    return matches;
  }

  /** @throws StatusError when the next token is a symbol or the end */
  takeWord(expected: string): string {
    const token = this.take();
    if (token === undefined || symbols.has(token)) throw unexpected(token, expected);
    return token;
  }
}

class SelectorSyntaxError extends Error {}
const unexpected = (token: string | undefined, expected: string): SelectorSyntaxError =>
  new SelectorSyntaxError(`found '${token ?? ""}', expected: ${expected}`);

/**
 * Comma-separated requirements, all of which must hold: `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`,
 * `k>n`, `k<n`. An empty text selects everything.
 * @throws StatusError `BadRequest` with what was found and what was expected (API L-32)
 */
export function parseLabelSelector(text: string): LabelSelector {
  const reader = new TokenReader(tokensOf(text));
  const requirements: LabelRequirement[] = [];
  try {
    while (reader.peek() !== undefined) {
      requirements.push(parseRequirement(reader));
      const next = reader.take();
      if (next === undefined) break;
      if (next !== ",") throw unexpected(next, "',' or 'end of string'");
      if (reader.peek() === undefined) throw unexpected("", "identifier after ','");
    }
  } catch (error) {
    if (error instanceof SelectorSyntaxError) throw newBadRequest(`unable to parse requirement: ${error.message}`);
    throw error;
  }
  return newLabelSelector(requirements);
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

function parseRequirement(reader: TokenReader): LabelRequirement {
  const absent = reader.takeIf("!");
  const key = reader.takeWord(absent ? "identifier" : "!, identifier, or 'end of string'");
  assertGood("key", key, qualifiedNameProblems(key));
  const next = reader.peek();
  if (absent) return { key, operator: "!", values: [] };
  if (next === undefined || next === ",") return { key, operator: "exists", values: [] };

  const token = reader.take() ?? "";
  const operator = Object.hasOwn(binaryOperators, token) ? binaryOperators[token] : undefined;
  if (operator === undefined) throw unexpected(token, "in, notin, =, ==, !=, gt, lt");
  const values = operator === "in" || operator === "notin" ? parseValues(reader) : [parseValue(reader)];
  for (const [index, value] of values.entries()) {
    if ((operator === ">" || operator === "<") && integerOf(value) === undefined) {
      assertGood(`values[${index}]`, value, ["for 'Gt', 'Lt' operators, the value must be an integer"]);
    }
    assertGood(`values[${index}][${key}]`, value, labelValueProblems(value));
  }
  return { key, operator, values };
}

function assertGood(field: string, value: string, problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new SelectorSyntaxError(`${field}: Invalid value: ${JSON.stringify(value)}: ${problems.join("; ")}`);
}

/** The one value after a comparison; nothing at all means the empty value. */
function parseValue(reader: TokenReader): string {
  const next = reader.peek();
  return next === undefined || next === "," ? "" : reader.takeWord("identifier");
}

/** `(a, b)`; a place without a word, as in `()` or `(a,)`, is the empty value. */
function parseValues(reader: TokenReader): string[] {
  if (!reader.takeIf("(")) throw unexpected(reader.peek(), "'('");
  const values = new Set<string>();
  do {
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
  return newLabelSelector([...equalities, ...expressions]);
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

export function newFieldSelector(requirements: readonly FieldRequirement[]): FieldSelector {
  if (requirements.length === 0) return everyField;
  return {
    requirements,
    empty: false,
    matches: (of) => requirements.every(({ field, operator, value }) => (of(field) === value) === (operator === "=")),
  };
}

/** A term: everything up to the first operator, the operator, the rest. */
const fieldTerm = /^(.*?)(==|!=|=)(.*)$/s;

/**
 * Comma-separated terms `f=v`, `f==v`, `f!=v`; in values `\\`, `\,` and `\=` stand for the second character. Whether the
 * fields exist is the resource's business.
 * @throws StatusError `BadRequest` (API L-34)
 */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === "") continue;
    const match = fieldTerm.exec(term);
    if (match === null) throw newBadRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const [, field = "", operator, value = ""] = match;
    requirements.push({ field, operator: operator === "!=" ? "!=" : "=", value: unescapeValue(value) });
  }
  return newFieldSelector(requirements);
}

/** Splits at commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function unescapeValue(value: string): string {
  return value.replace(/\\([\s\S]?)|[,=]/g, (found, escaped: string | undefined) => {
    if (escaped !== undefined && escaped !== "" && "\\,=".includes(escaped)) return escaped;
    const problem = escaped === undefined ? `unescaped character '${found}'` : `invalid escape sequence '${found}'`;
    throw newBadRequest(`invalid field selector: ${problem} in ${JSON.stringify(value)}`);
  });
}

/** The value that `field` must have for anything to match, when the selector names one. */
export function requiredValue(selector: FieldSelector, field: string): string | undefined {
  return selector.requirements.find((term) => term.field === field && term.operator === "=")?.value;
}
