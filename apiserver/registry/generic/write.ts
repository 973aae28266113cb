/** One write on its way to storage: what is fixed for the request, and what a stage hands to the next. */
import type { KubeObject, Preconditions } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { newInvalid, type StatusError } from "../../errors/status-error.ts";
import type { Pace, Steps } from "../../machinery/turns.ts";
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
  /** Its turns on the event loop, with those of others as large. */
  readonly pace: Pace;
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
  /** By admission, which may decide otherwise another time. */
  readonly isReshaped: boolean;
};

/**
 * One step of a write, or several where it takes long. Depends on its arguments only, for it runs again when another writer
 * was faster.
 * @throws StatusError to refuse the write
 */
export type Stage = (draft: Draft, write: Write) => Draft | Promise<Draft> | Steps<Draft>;

/**
 * Large objects take every stage some time: what they are found to be at the latest when a stage took long. No two stages of
 * large writes follow each other then, whosever they are, without others getting their turn.
 */
export async function runStages(stages: readonly Stage[], draft: Draft, write: Write): Promise<Draft> {
  const { pace } = write;
  let current = draft;
  for (const stage of stages) {
    const before = current;
    const next = pace.run(() => stage(before, write));
    const made = next instanceof Promise ? await next : next;
    current = isSteps(made) ? await pace.runSteps(made) : made;
  }
  return current;
}

const isSteps = (made: Draft | Steps<Draft>): made is Steps<Draft> => "next" in made;

const undecided: KubeObject = { apiVersion: "", kind: "", metadata: {} };

export function draftOf(existing: KubeObject | undefined): Draft {
  return {
    existing,
    wanted: { form: "shown", object: {} },
    object: existing ?? undecided,
    schemaErrors: [],
    isReshaped: false,
  };
}

export function placeOf(existing: KubeObject | undefined, write: Write): InputPlace {
  const namespace = namespaceOf(write.context, write.resource);
  const name = write.name === "" ? undefined : write.name;
  return existing === undefined ? { namespace, name } : { namespace, name, previous: existing };
}

export function invalidObject({ resource }: Write, object: KubeObject, errors: readonly FieldError[]): StatusError {
  return newInvalid(resource.gvk, nameOf(object), errors);
}
