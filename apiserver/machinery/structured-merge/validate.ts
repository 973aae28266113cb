/** Whether a value is of its type, before it is merged: what is wrong is told in Kubernetes' words (API S-50 to S-52). */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { limits } from "../../limits.ts";
import { isObject, isRawNumber } from "../json.ts";
import { describePath, type FieldPath } from "./field-set.ts";
import { fieldElement, identityProblem, itemElement } from "./path-element.ts";
import { type ListType, type MapType, opaqueType, type Scalar, shapeOf, type Type, typeAt } from "./types.ts";

const maxProblems = limits.maxCauses.value;

/**
 * @returns what is wrong with `value`, e.g. `.spec.replicas: expected numeric (int or float), got string`; a hundred
 *          problems at most. Items of sets and keyed lists must differ
 */
export function typeProblems(type: Type, value: JsonValue): readonly string[] {
  const validator = new Validator();
  validator.check(type, value);
  return validator.problems;
}

/** One problem as it is; several as a list (API S-51). */
export function joinProblems(problems: readonly string[]): string {
  return problems.length === 1 ? (problems[0] ?? "") : ["errors:", ...problems.map((text) => `  ${text}`)].join("\n");
}

class Validator {
  readonly problems: string[] = [];
  readonly #path: string[] = [];

  check(declared: Type, value: JsonValue): void {
    if (value === null || this.problems.length >= maxProblems) return;
    const type = typeAt(declared, this.#path.length);
    // It takes everything, as deep as that may be.
    if (type === opaqueType) return;
    switch (shapeOf(type, value)) {
      case "map":
        if (type.map !== undefined && isObject(value)) this.#checkMap(type.map, value);
        else this.#report(`expected map, got ${typeName(value)}`);
        break;
      case "list":
        if (type.list !== undefined && Array.isArray(value)) this.#checkList(type.list, value);
        else this.#report(`expected list, got ${typeName(value)}`);
        break;
      case "scalar":
        if (!isScalar(type.scalar, value))
          this.#report(`expected ${scalarNames[type.scalar ?? "untyped"]}, got ${typeName(value)}`);
    }
  }

  #checkMap(map: MapType, value: JsonObject): void {
    for (const name of Object.keys(value)) {
      const item = value[name];
      if (item === undefined) continue;
      const type = map.fields.get(name) ?? map.element;
      this.#path.push(fieldElement(name));
      if (type === undefined) this.#report("field not declared in schema");
      else this.check(type, item);
      this.#path.pop();
    }
  }

  #checkList(list: ListType, items: readonly JsonValue[]): void {
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const problem = list.relation === "atomic" ? undefined : identityProblem(list, item);
      if (problem !== undefined) {
        this.#report(`element ${index}: ${problem}`);
        return;
      }
      const element = list.relation === "atomic" ? `i:${index}` : itemElement(list, item);
      if (seen.has(element)) this.#report(`duplicate entries for key ${describePath([element])}`);
      if (list.relation !== "atomic") seen.add(element);
      this.#path.push(element);
      this.check(list.element, item);
      this.#path.pop();
    }
  }

  #report(problem: string): void {
    if (this.problems.length >= maxProblems) return;
    const path: FieldPath = this.#path;
    this.problems.push(path.length === 0 ? problem : `${describePath(path)}: ${problem}`);
  }
}

const scalarNames: Readonly<Record<Scalar, string>> = {
  string: "string",
  numeric: "numeric (int or float)",
  boolean: "boolean",
  untyped: "any scalar",
};

function isScalar(scalar: Scalar | undefined, value: JsonValue): boolean {
  const isNumber = typeof value === "number" || isRawNumber(value);
  switch (scalar) {
    case "string":
    case "boolean":
      return typeof value === scalar;
    case "numeric":
      return isNumber;
    default:
      return isNumber || typeof value === "string" || typeof value === "boolean";
  }
}

function typeName(value: JsonValue): string {
  if (Array.isArray(value)) return "list";
  if (isRawNumber(value)) return "number";
  return typeof value === "object" ? "map" : typeof value;
}
