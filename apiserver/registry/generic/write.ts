/** One write on its way to storage: what is fixed for the request, and what a stage hands to the next. */
import type { KubeObject, Preconditions } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { newInvalid, type StatusError } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
import type { RequestBody } from "../../machinery/serializer.ts";
import { inTurn } from "../../machinery/turns.ts";
import type { RequestContext, WriteOptions } from "../rest/interface.ts";
import type { Part } from "../rest/part.ts";
import type { Change, Wanted } from "./change.ts";
import type { InputPlace } from "./object-decoder.ts";
import type { Birth } from "./object-meta-rules.ts";
import { nameOf, namespaceOf, type StoredResource } from "./stored-resource.ts";

export type Write = {
  readonly resource: StoredResource;
  readonly part: Part;
  readonly context: RequestContext;
  readonly options: WriteOptions;
  readonly preconditions: Preconditions | undefined;
  /** What was sent. */
  readonly change: Change;
  /** Who its fields are managed by (API S-14). */
  readonly manager: string;
  /** Of the URL; `""` of a create. */
  readonly name: string;
  /** It takes turns with others as large from the beginning. */
  readonly isLarge: boolean;
  /** What a new object is whatever the client sent; the same uid and time however often it is asked. */
  readonly birth: () => Birth;
};

/** The object between two stages. */
export type Draft = {
  /** What is stored; `undefined` for a new object. */
  readonly existing: KubeObject | undefined;
  /** Of use until it is decoded. */
  readonly wanted: Wanted;
  /** What will be stored if no later stage changes it: of use once it is decoded. */
  readonly object: KubeObject;
  /** What the schema finds wrong with it. */
  readonly schemaErrors: readonly FieldError[];
};

/**
 * One step of a write. Depends on its arguments only, for it runs again when another writer was faster.
 * @throws StatusError to refuse the write
 */
export type Stage = (draft: Draft, write: Write) => Draft | Promise<Draft>;

/**
 * Large objects take every stage some time: what they are found to be at the latest when a stage took long. No two stages of
 * large writes follow each other then, whosever they are, without others getting their turn.
 */
export async function runStages(stages: readonly Stage[], draft: Draft, write: Write): Promise<Draft> {
  let current = draft;
  let { isLarge } = write;
  for (const stage of stages) {
    const before = current;
    const since = performance.now();
    const next = isLarge ? inTurn(() => stage(before, write)) : stage(before, write);
    if (!isLarge) isLarge = performance.now() - since > limits.maxTurnMs.value;
    current = next instanceof Promise ? await next : next;
  }
  return current;
}

export const isLargeBody = ({ bytes }: RequestBody): boolean => bytes.length > limits.maxBytesAtOnce.value;

/** What `read` makes of a body: at once, or when it is the turn of a large one. @throws unknown  what `read` throws */
export async function readInTurn<T>(body: RequestBody, read: () => T): Promise<T> {
  return isLargeBody(body) ? inTurn(read) : read();
}

const undecided: KubeObject = { apiVersion: "", kind: "", metadata: {} };

export function draftOf(existing: KubeObject | undefined): Draft {
  return { existing, wanted: { form: "shown", object: {} }, object: existing ?? undecided, schemaErrors: [] };
}

export function placeOf(existing: KubeObject | undefined, write: Write): InputPlace {
  const namespace = namespaceOf(write.context, write.resource);
  const name = write.name === "" ? undefined : write.name;
  return existing === undefined ? { namespace, name } : { namespace, name, previous: existing };
}

export function invalidObject({ resource }: Write, object: KubeObject, errors: readonly FieldError[]): StatusError {
  return newInvalid(resource.gvk, nameOf(object), errors);
}
