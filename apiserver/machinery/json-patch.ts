import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { newBadRequest, newRequestEntityTooLarge, type StatusError, statusError } from "../errors/status-error.ts";
import { limits } from "../limits.ts";
import { clone, deepEqual, isObject, maxDepth, member, setMember, stringifyJson } from "./json.ts";
import { stepLength } from "./json-text.ts";
import { withinDepth } from "./patch-depth.ts";
import { runAtOnce, type Steps } from "./turns.ts";

/** JSON patch (RFC 6902) with the limits and the leniencies of kube-apiserver (API P-10 … P-14). */

const maxOperations = limits.maxPatchOperations.value;

const operationMembers = new Set(["op", "path", "from", "value"]);

/**
 * The operations of a patch, each of them still unchecked.
 * @throws StatusError `BadRequest`             for a document that is no list of operations (API P-13)
 * @throws StatusError `RequestEntityTooLarge`  for more than 10000 operations
 */
export function jsonPatchOperations(patch: JsonValue): readonly JsonValue[] {
  if (!Array.isArray(patch)) throw newBadRequest("invalid JSON patch: it must be a list of operations");
  if (patch.length > maxOperations) {
    throw newRequestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    );
  }
  for (const operation of patch) checkOperation(operation);
  return patch;
}

function checkOperation(operation: JsonValue): void {
  if (!isObject(operation)) throw newBadRequest("every operation of a JSON patch must be an object");
  for (const name of textMembers) {
    const value = member(operation, name) ?? "";
    if (typeof value !== "string")
      throw newBadRequest(`error decoding patch: ${name} of an operation must be a string`);
  }
}
const textMembers = ["op", "path", "from"] as const;

/**
 * Applies the operations in order, all or none. Neither argument is changed.
 * @throws StatusError `BadRequest` and `RequestEntityTooLarge` as `jsonPatchOperations`
 * @throws StatusError `Invalid`    when an operation fails; why is not told (API P-12)
 * @throws StatusError `BadRequest` when the result nests too deep, as for a body that does (API N-17)
 */
export function* applyJsonPatchInSteps(document: JsonValue, patch: JsonValue): Steps<JsonValue> {
  const state = new PatchedDocument(clone(document));
  let [operations, copiedBytes] = [0, 0];
  for (const operation of jsonPatchOperations(patch)) {
    if (++operations >= stepOperations || state.copiedBytes - copiedBytes >= stepLength) {
      [operations, copiedBytes] = [0, state.copiedBytes];
      yield;
    }
    if (isObject(operation)) state.apply(operation);
  }
  yield;
  return withinDepth(() => state.root);
}

/** Operations that are carried out in one step, some µs each. */
const stepOperations = 500;

/** As `applyJsonPatchInSteps`. */
export const applyJsonPatch = (document: JsonValue, patch: JsonValue): JsonValue =>
  runAtOnce(applyJsonPatchInSteps(document, patch));

/** Members of operations that mean nothing, as `[0].zz`; reported as `fieldValidation` asks (API P-13). */
export function unknownPatchMembers(patch: JsonValue): string[] {
  if (!Array.isArray(patch)) return [];
  return patch.flatMap((operation, index) =>
    isObject(operation)
      ? Object.keys(operation)
          .filter((name) => !operationMembers.has(name))
          .map((name) => `[${index}].${name}`)
      : [],
  );
}

function failed(): StatusError {
  return statusError(422, "Invalid", "the server rejected our request due to an error in our request", {});
}

class PatchedDocument {
  /** Owned by this patch: changed in place. */
  root: JsonValue;
  copiedBytes = 0;
  #movedItems = 0;

  constructor(root: JsonValue) {
    this.root = root;
  }

  apply(operation: JsonObject): void {
    const path = pointerOf(operation, "path");
    switch (operation.op) {
      case "add":
        this.#add(path, operand(operation));
        break;
      case "replace":
        this.#replace(path, operand(operation));
        break;
      case "remove":
        this.#remove(path);
        break;
      case "test":
        this.#test(path, operand(operation));
        break;
      case "copy":
        this.#add(path, this.#copied(pointerOf(operation, "from")));
        break;
      case "move": {
        const from = pointerOf(operation, "from");
        const moved = this.#existing(from);
        this.#remove(from);
        this.#add(path, moved);
        break;
      }
      default:
        throw failed();
    }
  }

  #add(path: Pointer, value: JsonValue): void {
    if (path.length === 0) {
      this.root = value;
      return;
    }
    const [container, last] = this.#place(path);
    if (Array.isArray(container)) {
      const at = last === "-" ? container.length : index(last, container.length);
      this.#countMoved(container.length - at);
      container.splice(at, 0, value);
    } else setMember(container, last, value);
  }

  /** Replacing a member that isn't there adds it, as in kube-apiserver; a list item must be there. */
  #replace(path: Pointer, value: JsonValue): void {
    if (path.length === 0) {
      this.root = value;
      return;
    }
    const [container, last] = this.#place(path);
    if (Array.isArray(container)) container[index(last, container.length - 1)] = value;
    else setMember(container, last, value);
  }

  #remove(path: Pointer): void {
    if (path.length === 0) throw failed();
    const [container, last] = this.#place(path);
    if (Array.isArray(container)) {
      const at = index(last, container.length - 1);
      this.#countMoved(container.length - at);
      container.splice(at, 1);
    } else if (Object.hasOwn(container, last)) delete container[last];
    else throw failed();
  }

  /** A missing member equals null, as in kube-apiserver. */
  #test(path: Pointer, expected: JsonValue): void {
    if (!deepEqual(this.#memberOrNull(path), expected)) throw failed();
  }

  #countMoved(items: number): void {
    this.#movedItems += items;
    if (this.#movedItems <= limits.maxPatchMovedItems.value) return;
    throw newRequestEntityTooLarge(
      `The operations of the JSON patch move more than ${limits.maxPatchMovedItems.value} list items`,
    );
  }

  #copied(from: Pointer): JsonValue {
    const value = this.#memberOrNull(from);
    this.copiedBytes += Buffer.byteLength(stringifyJson(value));
    if (this.copiedBytes > limits.maxPatchCopiedBytes.value) throw failed();
    return clone(value);
  }

  #memberOrNull(path: Pointer): JsonValue {
    if (path.length === 0) return this.root;
    const [container, last] = this.#place(path);
    return child(container, last) ?? null;
  }

  #existing(path: Pointer): JsonValue {
    if (path.length === 0) return this.root;
    const [container, last] = this.#place(path);
    const value = child(container, last);
    if (value === undefined) throw failed();
    return value;
  }

  /** The object or list that holds what `path` names, and the last part of the path. */
  #place(path: Pointer): [container: JsonObject | JsonValue[], last: string] {
    let container: JsonValue | undefined = this.root;
    for (const part of path.slice(0, -1)) container = isContainer(container) ? child(container, part) : undefined;
    if (!isContainer(container)) throw failed();
    return [container, path.at(-1) ?? ""];
  }
}

function isContainer(value: JsonValue | undefined): value is JsonObject | JsonValue[] {
  return Array.isArray(value) || isObject(value);
}

function child(container: JsonObject | JsonValue[], part: string): JsonValue | undefined {
  return Array.isArray(container) ? container[index(part, container.length - 1)] : member(container, part);
}

/** A list index without leading zeros, from 0 to `max`. */
function index(part: string, max: number): number {
  if (!/^(0|[1-9]\d*)$/.test(part) || Number(part) > max) throw failed();
  return Number(part);
}

/** The unescaped parts of an RFC 6901 pointer; none for the root. */
type Pointer = readonly string[];

function pointerOf(operation: JsonObject, name: "path" | "from"): Pointer {
  const text = operation[name];
  if (typeof text !== "string") throw failed();
  if (text === "") return [];
  if (!text.startsWith("/")) throw failed();
  // One that is longer names nothing: no document is so deep.
  return text
    .slice(1)
    .split("/", maxDepth + 1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Copied, because later operations may change what an earlier one put in. */
function operand(operation: JsonObject): JsonValue {
  const value = operation.value;
  if (value === undefined) throw failed();
  return clone(value);
}
