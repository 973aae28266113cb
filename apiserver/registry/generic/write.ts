/** One write on its way to storage: what is fixed for the request, and what a stage hands to the next. */
import type { KubeObject, Preconditions } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { newInvalid, type StatusError } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
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
  /** Of the clock that only goes on: when reading what was sent began, which has taken some time of this turn already. */
  readonly startedAt: number;
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

/** A large object takes every stage some time, so that others get their turn between two of them. */
export async function runStages(stages: readonly Stage[], draft: Draft, write: Write): Promise<Draft> {
  let current = draft;
  let since = write.startedAt;
  for (const stage of stages) {
    const next = stage(current, write);
    current = next instanceof Promise ? await next : next;
    if (performance.now() - since <= limits.maxTurnMs.value) continue;
    await new Promise<void>((resolve) => setImmediate(resolve));
    since = performance.now();
  }
  return current;
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
