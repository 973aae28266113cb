import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { type FieldError, joinPath } from "../../errors/field-error.ts";
import { limits } from "../../limits.ts";
import { deepEqual, isObject, isRawNumber, member } from "../../machinery/json.ts";

type Parts = readonly (string | number)[];
type LocatedError = { readonly error: FieldError; readonly parts: Parts };

/** Errors of a walk that are spelled out: ten times what a Status lists, as some may be old ones. */
const defaultMaxErrors = 10 * limits.maxCauses.value;
/** Stands for every further one, so that all of them are counted and cost nothing. */
const furtherError: FieldError = { type: "FieldValueInvalid", field: "", body: "further errors are not told" };

/**
 * One walk over an object along its schema: where it is, and what it found. Paths are spelled out only for what is
 * reported, so that a good object costs no text, and for the first of many errors only. Keys of maps are joined by dots
 * as members are: schemas don't tell the two apart in messages.
 */
export class Walk {
  readonly #maxErrors: number;
  readonly #unknownFields: string[] = [];
  readonly #errors: LocatedError[] = [];
  readonly #parts: (string | number)[] = [];
  /** Why the object cannot be decoded at all, if so: 400 rather than 422. */
  malformed: string | undefined;
  #furtherErrors = 0;

  constructor(maxErrors: number = defaultMaxErrors) {
    this.#maxErrors = maxErrors;
  }

  enter(part: string | number): void {
    this.#parts.push(part);
  }

  leave(): void {
    this.#parts.pop();
  }

  /** @param problem  makes the error from the path of the current value, e.g. `spec.input.topics[1]` */
  report(problem: (field: string) => FieldError): void {
    if (this.#errors.length >= this.#maxErrors) this.#furtherErrors++;
    else this.#errors.push({ error: problem(joinPath("", ...this.#parts)), parts: [...this.#parts] });
  }

  /** As `report`, about a member of the current object. */
  reportMember(name: string | number, problem: (field: string) => FieldError): void {
    this.enter(name);
    this.report(problem);
    this.leave();
  }

  /** @param name  of a member of the current object, or a path from there */
  reportUnknown(name: string): void {
    if (this.#unknownFields.length >= limits.maxDecodingProblems.value) return;
    this.#unknownFields.push(joinPath("", ...this.#parts, name));
  }

  /** In alphabetical order, as kube-apiserver lists them. */
  get unknownFields(): string[] {
    return this.#unknownFields.toSorted();
  }

  /**
   * All errors, or those about values that `previous` doesn't already have at the same place.
   * @returns  `undefined` when so many are old that it takes a walk that spells out every error to tell
   */
  errorsSince(previous: JsonObject | undefined, current: JsonObject): FieldError[] | undefined {
    const isNew = ({ parts }: LocatedError) => previous === undefined || hasChanged(parts, previous, current);
    const errors = this.#errors.filter(isNew).map(({ error }) => error);
    if (this.#furtherErrors === 0) return errors;
    if (errors.length < limits.maxCauses.value) return undefined;
    return [...errors, ...new Array<FieldError>(this.#furtherErrors).fill(furtherError)];
  }
}

/** A missing member has no value to compare; then its parent decides. */
function hasChanged(parts: Parts, previous: JsonObject, current: JsonObject): boolean {
  const value = valueAt(parts, current);
  if (value === undefined && parts.length > 0) return hasChanged(parts.slice(0, -1), previous, current);
  return !deepEqual(value, valueAt(parts, previous));
}

function valueAt(parts: Parts, root: JsonObject): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const part of parts) {
    if (Array.isArray(value) && typeof part === "number") value = value[part];
    else value = isObject(value) && typeof part === "string" ? member(value, part) : undefined;
  }
  return value;
}

/** JSON's name for what a value is, as validation messages use it. */
export function typeName(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  if (isRawNumber(value)) return /^-?\d+$/.test(value.rawJSON) ? "integer" : "number";
  return typeof value;
}
