import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { deepEqual, isObject, isRawNumber, member } from "../../machinery/json.ts";

type Parts = readonly (string | number)[];
type LocatedError = { readonly error: FieldError; readonly parts: Parts };

/**
 * One walk over an object along its schema: where it is, and what it found. Paths are spelled out only for what is
 * reported, so that a good object costs no text.
 */
export class Walk {
  readonly #unknownFields: string[] = [];
  readonly #errors: LocatedError[] = [];
  readonly #parts: (string | number)[] = [];
  /** Why the object cannot be decoded at all, if so: 400 rather than 422. */
  malformed: string | undefined;

  enter(part: string | number): void {
    this.#parts.push(part);
  }

  leave(): void {
    this.#parts.pop();
  }

  /** @param problem  makes the error from the path of the current value, e.g. `spec.input.topics[1]` */
  report(problem: (field: string) => FieldError): void {
    this.#errors.push({ error: problem(pathOf(this.#parts)), parts: [...this.#parts] });
  }

  /** As `report`, about a member of the current object. */
  reportMember(name: string | number, problem: (field: string) => FieldError): void {
    this.enter(name);
    this.report(problem);
    this.leave();
  }

  /** @param name  of a member of the current object, or a path from there */
  reportUnknown(name: string): void {
    this.#unknownFields.push(pathOf([...this.#parts, name]));
  }

  /** In alphabetical order, as kube-apiserver lists them. */
  get unknownFields(): string[] {
    return this.#unknownFields.toSorted();
  }

  /** All errors, or those about values that `previous` doesn't already have at the same place. */
  errorsSince(previous: JsonObject | undefined, current: JsonObject): FieldError[] {
    const relevant =
      previous === undefined ? this.#errors : this.#errors.filter(({ parts }) => hasChanged(parts, previous, current));
    return relevant.map(({ error }) => error);
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

/** Keys of maps are joined by dots as members are: schemas don't tell the two apart in messages. */
function pathOf(parts: Parts): string {
  let path = "";
  for (const part of parts) {
    if (typeof part === "number") path += `[${part}]`;
    else path += path === "" ? part : `.${part}`;
  }
  return path;
}

/** JSON's name for what a value is, as validation messages use it. */
export function typeName(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  if (isRawNumber(value)) return /^-?\d+$/.test(value.rawJSON) ? "integer" : "number";
  return typeof value;
}
