import type { Schema } from "../../../openapi/schema.ts";
import type { JsonValue } from "../../apis/meta/v1.ts";
import { quoteValue } from "../../errors/abridge.ts";
import { type FieldError, invalid, notSupported, tooLong, typeInvalid } from "../../errors/field-error.ts";
import { deepEqual, isRawNumber } from "../../machinery/json.ts";
import { parseQuantity } from "../../machinery/quantity.ts";
import { parseTime } from "../../machinery/time.ts";
import { typeName, type Walk } from "./walk.ts";

/** What one place of a schema does with a value. Messages are those of CustomResourceDefinition validation (API CR-20). */
export interface Node {
  /** Whether null is a value here; elsewhere it means that the member is absent (API N-14). */
  readonly nullable: boolean;
  /**
   * @param value  never null unless `nullable`, or an item of a list
   * @returns      the value itself, or a changed copy of it
   */
  decode(value: JsonValue, walk: Walk): JsonValue;
}

export function wrongType(value: JsonValue, wanted: string): (field: string) => FieldError {
  const actual = typeName(value);
  return (field) => typeInvalid(field, actual, `${field} in body must be of type ${wanted}: ${JSON.stringify(actual)}`);
}

export function unlike(value: JsonValue, rule: string): (field: string) => FieldError {
  return (field) => invalid(field, value, `${field} in body ${rule}`);
}

/** A rule about a value of the right type: the error when it is broken. */
type Rule<T> = (value: T) => ((field: string) => FieldError) | undefined;

class ScalarNode<T extends JsonValue> implements Node {
  readonly nullable: boolean;
  readonly #type: string;
  readonly #is: (value: JsonValue) => value is T;
  readonly #rules: readonly Rule<T>[];

  constructor(schema: Schema, type: string, is: (value: JsonValue) => value is T, rules: readonly Rule<T>[]) {
    this.nullable = schema.nullable === true;
    this.#type = type;
    this.#is = is;
    this.#rules = rules;
  }

  decode(value: JsonValue, walk: Walk): JsonValue {
    if (!this.#is(value)) {
      if (value !== null || !this.nullable) walk.report(wrongType(value, this.#type));
      return value;
    }
    for (const rule of this.#rules) {
      const problem = rule(value);
      if (problem !== undefined) walk.report(problem);
    }
    return value;
  }
}

const isString = (value: JsonValue): value is string => typeof value === "string";
const isBoolean = (value: JsonValue): value is boolean => typeof value === "boolean";
type NumberValue = Exclude<JsonValue, string | boolean | null | JsonValue[] | { [field: string]: unknown }>;
const isNumber = (value: JsonValue): value is NumberValue => typeof value === "number" || isRawNumber(value);
const isInteger = (value: JsonValue): value is NumberValue => isNumber(value) && typeName(value) === "integer";

/** Schemas without a type take anything. */
export const anyNode: Node = { nullable: true, decode: (value) => value };

export function newStringNode(schema: Schema): Node {
  return new ScalarNode(schema, "string", isString, [
    ...enumRule<string>(schema),
    ...lengthRules(schema),
    ...patternRule(schema),
    ...formatRule(schema),
  ]);
}

/**
 * A time as Go decodes it: stored in the one form the server prints, whatever form it came in. Go cannot decode anything
 * else at all (API V-24).
 * @param canonical the one form, `undefined` for what is no time
 */
export function newTimeNode(schema: Schema, canonical: (text: string) => string | undefined): Node {
  const text = newStringNode(schema);
  return {
    nullable: text.nullable,
    decode(value, walk) {
      if (typeof value !== "string") return text.decode(value, walk);
      const printed = canonical(value);
      if (printed !== undefined) return printed;
      walk.malformed ??= `parsing time ${quoteValue(value)}: it is none of RFC 3339 between the years 0 and 9999`;
      return value;
    },
  };
}

/** Bytes as base64, line breaks aside. Go cannot decode anything else at all. */
export function newBytesNode(schema: Schema): Node {
  const text = newStringNode(schema);
  return {
    nullable: text.nullable,
    decode(value, walk) {
      if (typeof value !== "string" || base64.test(value)) return text.decode(value, walk);
      const unwrapped = value.replace(/[\r\n]/g, "");
      if (!base64.test(unwrapped))
        walk.malformed ??= `illegal base64 data at input byte ${firstIllegalByte(unwrapped)}`;
      return text.decode(unwrapped, walk);
    },
  };
}

/** Where Go's decoder stops: at the first character that cannot be, or at the end of a text that is too short. */
function firstIllegalByte(text: string): number {
  const [digits = ""] = /^[A-Za-z0-9+/]*/.exec(text) ?? [];
  return digits.length === text.length ? text.length - (text.length % 4) : digits.length;
}

export function newBooleanNode(schema: Schema): Node {
  return new ScalarNode(schema, "boolean", isBoolean, enumRule<boolean>(schema));
}

export function newNumberNode(schema: Schema): Node {
  return new ScalarNode(schema, "number", isNumber, [...enumRule<NumberValue>(schema), ...boundRules(schema)]);
}

export function newIntegerNode(schema: Schema): Node {
  return new ScalarNode(schema, "integer", isInteger, [
    ...enumRule<NumberValue>(schema),
    ...rangeRule(schema),
    ...boundRules(schema),
  ]);
}

function enumRule<T extends JsonValue>({ enum: allowed }: Schema): Rule<T>[] {
  if (allowed === undefined) return [];
  const values: readonly JsonValue[] = allowed;
  const texts = values.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return [
    (value) => (values.some((one) => deepEqual(one, value)) ? undefined : (field) => notSupported(field, value, texts)),
  ];
}

/** Lengths count characters, not UTF-16 units. */
const lengthOf = (text: string): number => (/[\ud800-\udfff]/.test(text) ? [...text].length : text.length);

function lengthRules({ maxLength, minLength }: Schema): Rule<string>[] {
  const rules: Rule<string>[] = [];
  if (maxLength !== undefined) {
    rules.push((text) => (lengthOf(text) > maxLength ? (field) => tooLong(field, maxLength, "bytes") : undefined));
  }
  if (minLength !== undefined) {
    const rule = `should be at least ${minLength} chars long`;
    rules.push((text) => (lengthOf(text) < minLength ? unlike(text, rule) : undefined));
  }
  return rules;
}

function patternRule({ pattern }: Schema): Rule<string>[] {
  if (pattern === undefined) return [];
  const expression = new RegExp(pattern, "u");
  return [(text) => (expression.test(text) ? undefined : unlike(text, `should match '${pattern}'`))];
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Formats of strings that are checked; others describe only. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": (text) => parseTime(text) !== undefined,
  byte: (text) => base64.test(text),
};

function formatRule({ format = "" }: Schema): Rule<string>[] {
  const holds = Object.hasOwn(formats, format) ? formats[format] : undefined;
  if (holds === undefined) return [];
  return [
    (text) =>
      holds(text)
        ? undefined
        : (field) => typeInvalid(field, text, `${field} in body must be of type ${format}: ${quoteValue(text)}`),
  ];
}

const integerRanges: Readonly<Record<string, readonly [least: bigint, greatest: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const widestRange = [-(2n ** 63n), 2n ** 63n - 1n] as const;

/** What Go can hold: integers without a format are int64. */
function rangeRule({ format = "" }: Schema): Rule<NumberValue>[] {
  const [least, greatest] = (Object.hasOwn(integerRanges, format) ? integerRanges[format] : undefined) ?? widestRange;
  const [low, high] = [Number(least), Number(greatest)];
  return [
    (value) => {
      // A plain number is exact up to 2^53; the comparison in doubles is right on that side of it.
      if (typeof value === "number" && value > low && value < high) return undefined;
      const exact = exactInteger(value);
      if (exact < least) return unlike(value, `should be greater than or equal to ${least}`);
      return exact > greatest ? unlike(value, `should be less than or equal to ${greatest}`) : undefined;
    },
  ];
}

/** A text too long for any range counts as its sign: reading megabytes of digits takes more than linear time. */
function exactInteger(value: NumberValue): bigint {
  if (typeof value === "number") return BigInt(value);
  if (value.rawJSON.length <= maxIntegerLength) return BigInt(value.rawJSON);
  return value.rawJSON.startsWith("-") ? -outOfRange : outOfRange;
}
const maxIntegerLength = 40;
const outOfRange = 10n ** 40n;

function boundRules({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: Schema): Rule<NumberValue>[] {
  const rules: Rule<NumberValue>[] = [];
  const add = (rule: string, isBroken: (value: number) => boolean) => {
    rules.push((value) =>
      isBroken(Number(typeof value === "number" ? value : value.rawJSON)) ? unlike(value, rule) : undefined,
    );
  };
  if (minimum !== undefined) {
    if (exclusiveMinimum === true) add(`should be greater than ${minimum}`, (value) => value <= minimum);
    else add(`should be greater than or equal to ${minimum}`, (value) => value < minimum);
  }
  if (maximum !== undefined) {
    if (exclusiveMaximum === true) add(`should be less than ${maximum}`, (value) => value >= maximum);
    else add(`should be less than or equal to ${maximum}`, (value) => value > maximum);
  }
  if (multipleOf !== undefined) add(`should be a multiple of ${multipleOf}`, (value) => value % multipleOf !== 0);
  return rules;
}

/** The pattern of quantities in schemas that controller-gen writes: people know the message by it. */
const quantityPattern =
  "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$";

/** Quantities keep their spelling (API section 17, N-20). */
export function newQuantityNode(schema: Schema): Node {
  return {
    nullable: schema.nullable === true,
    decode(value, walk) {
      if (typeof value !== "string" && !isNumber(value)) walk.report(wrongType(value, "string"));
      else if (parseQuantity(value) === undefined) walk.report(unlike(value, `should match '${quantityPattern}'`));
      return value;
    },
  };
}

export function newIntOrStringNode(schema: Schema): Node {
  const rules = [...lengthRules(schema), ...patternRule(schema)];
  const range = rangeRule({ format: "int32" });
  return {
    nullable: schema.nullable === true,
    decode(value, walk) {
      const problems = isString(value)
        ? rules.map((rule) => rule(value))
        : isInteger(value)
          ? range.map((rule) => rule(value))
          : [wrongType(value, "integer,string")];
      for (const problem of problems) if (problem !== undefined) walk.report(problem);
      return value;
    },
  };
}
