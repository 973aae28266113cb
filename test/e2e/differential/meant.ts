/** Differences that are meant. After one of them the two objects are no longer the same, and their story ends. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { applyMergePatch } from "../../../apiserver/machinery/merge-patch.ts";
import { valueAt } from "../../http/support/client.ts";
import type { Step, Subject } from "./steps.ts";
import { isOurs } from "./subjects.ts";

/** What a server says to a step: see `meaningOf`. */
type Answer = JsonValue | undefined;
type Stored = JsonObject | undefined;

type MeantAnswer = {
  readonly reason: string;
  readonly matches: (
    asked: { readonly subject: Subject; readonly step: Step },
    theirs: Answer,
    ours: Answer,
  ) => boolean;
};

const codeOf = (answer: Answer): JsonValue | undefined => (isObject(answer) ? answer.code : undefined);
const causesOf = (answer: Answer): readonly JsonValue[] =>
  isObject(answer) && Array.isArray(answer.causes) ? answer.causes : [];
const specOf = (answer: Answer): JsonObject | undefined =>
  isObject(answer) ? objectOf(objectOf(answer, "object"), "spec") : undefined;

const isApply = ({ verb }: Step): boolean => verb === "apply";
const isAt = (step: Step, subresource: string): boolean => "subresource" in step && step.subresource === subresource;

const waits = ["orphan", "foregroundDeletion"];
const finalizersOf = (answer: JsonObject): readonly JsonValue[] =>
  listOf(objectOf(objectOf(answer, "object"), "metadata"), "finalizers");

/** The answers differ in this member of the spec alone, which only ours has. */
function addsOnly(theirs: Answer, ours: Answer, name: string): boolean {
  const [there, here] = [specOf(theirs), specOf(ours)];
  if (there === undefined || here?.[name] === undefined || there[name] !== undefined || !isObject(ours)) return false;
  return isDeepStrictEqual(applyMergePatch(ours, { object: { spec: { [name]: null } } }), theirs);
}

/** Whether a field that a cause calls missing is there in the answer, with nothing in it. */
function isEmptyAt(answer: Answer, cause: string): boolean {
  const [reason, field = ""] = cause.split(" ");
  if (reason !== "FieldValueRequired" || !isObject(answer)) return false;
  const path = [...field.matchAll(/[^.[\]]+/g)].map(([part]) => (/^\d+$/.test(part) ? Number(part) : part));
  const value = valueAt(answer.object, ...path);
  return value === "" || value === null;
}

/** Of its kind, with nothing in it but what a Go type of it begins with. */
function isNew({ apiVersion, kind }: Subject, object: JsonObject): boolean {
  return object.apiVersion === apiVersion && object.kind === kind && isDeepStrictEqual(object.metadata, {});
}

const answers: readonly MeantAnswer[] = [
  {
    reason: "resources that are given up come back as their default, which a CRD of the schema doesn't know",
    matches: ({ subject, step }, theirs, ours) =>
      isOurs(subject) && isApply(step) && addsOnly(theirs, ours, "resources"),
  },
  {
    reason: "a workload needs a spec, whoever gives up the one it had; a CRD of its schema doesn't know",
    matches: ({ subject, step }, theirs, ours) =>
      isOurs(subject) &&
      isApply(step) &&
      codeOf(theirs) === 200 &&
      specOf(theirs) === undefined &&
      codeOf(ours) === 422 &&
      causesOf(ours).length > 0 &&
      causesOf(ours).every((cause) => /^FieldValueRequired spec(\.|$)/.test(String(cause))),
  },
  {
    reason: "a write to the status of an object that isn't there is refused for what it lacks as a new one",
    matches: ({ subject, step }, theirs, ours) =>
      !isOurs(subject) &&
      (isApply(step) || step.verb === "put") &&
      isAt(step, "status") &&
      codeOf(theirs) === 422 &&
      codeOf(ours) === 404,
  },
  {
    reason: "an item that gives up a member which its type requires is refused; in Go's types it has it still, empty",
    matches: ({ subject, step }, theirs, ours) =>
      !isOurs(subject) &&
      isApply(step) &&
      codeOf(theirs) === 200 &&
      codeOf(ours) === 422 &&
      causesOf(ours).every((cause) => isEmptyAt(theirs, String(cause))),
  },
  {
    reason: "an apply to the scale of a custom resource is an internal error",
    matches: ({ subject, step }, theirs, ours) =>
      isOurs(subject) && isApply(step) && isAt(step, "scale") && codeOf(theirs) === 500 && codeOf(ours) !== 500,
  },
  {
    reason:
      "what only waited for its dependents goes at once; there in two writes, the second of which no longer fits the resourceVersion that was named",
    matches: ({ step }, theirs, ours) =>
      step.verb === "delete" &&
      step.precondition === "current" &&
      codeOf(theirs) === 409 &&
      codeOf(ours) === 200 &&
      isObject(theirs) &&
      textOf(theirs, "message").includes("Precondition failed: ResourceVersion in precondition"),
  },
  {
    reason: "what only waited for its dependents is shown without that wait when it goes; there with it",
    matches: ({ step }, theirs, ours) =>
      step.verb === "delete" &&
      codeOf(ours) === 200 &&
      isObject(theirs) &&
      waits.some((finalizer) => isDeepStrictEqual(finalizersOf(theirs), [finalizer])) &&
      isDeepStrictEqual(applyMergePatch(theirs, { object: { metadata: { finalizers: null } } }), ours),
  },
  {
    reason: "nobody owns replicas of 0 before the first apply to /scale, as a Scale of 0 names no number",
    matches: ({ subject, step }, theirs, ours) =>
      !isOurs(subject) &&
      isApply(step) &&
      isAt(step, "scale") &&
      codeOf(theirs) === 200 &&
      codeOf(ours) === 409 &&
      causesOf(ours).every((cause) =>
        String(cause).startsWith('FieldManagerConflict .spec.replicas conflict with "before-first-apply"'),
      ),
  },
  {
    reason: "the same in a dry run is answered by an object with nothing in it",
    matches: ({ subject, step }, theirs, ours) =>
      step.verb === "delete" &&
      step.dryRun &&
      codeOf(ours) === 200 &&
      codeOf(theirs) === 200 &&
      isObject(theirs) &&
      isNew(subject, objectOf(theirs, "object") ?? {}),
  },
  {
    reason: "a Scale that names another uid is another object's; that of a custom resource may name any",
    matches: ({ subject, step }, theirs, ours) =>
      isOurs(subject) &&
      isAt(step, "scale") &&
      step.precondition === "otherUid" &&
      codeOf(theirs) === 200 &&
      codeOf(ours) === 409,
  },
  {
    reason:
      "a negative Scale is refused before it is compared with what is stored, as of built-in kinds; a CRD compares first",
    matches: ({ subject, step }, theirs, ours) =>
      isOurs(subject) &&
      isAt(step, "scale") &&
      (step.precondition === "stale" || step.precondition === "otherUid") &&
      codeOf(theirs) === 409 &&
      codeOf(ours) === 422 &&
      isDeepStrictEqual(causesOf(ours), ["FieldValueInvalid spec.replicas"]),
  },
  {
    reason: "a map that loses its last member by apply becomes null; here that is absence, a CRD refuses its own null",
    matches({ subject, step }, theirs, ours) {
      if (!isOurs(subject) || !isApply(step) || codeOf(theirs) !== 422) return false;
      const others = causesOf(theirs).filter((cause) => !String(cause).startsWith("FieldValueTypeInvalid "));
      if (others.length === causesOf(theirs).length) return false;
      const absent = causesOf(theirs).map((cause) =>
        String(cause).replace(/^FieldValueTypeInvalid /, "FieldValueRequired "),
      );
      if (isDeepStrictEqual(causesOf(ours), absent.sort())) return true;
      return others.length === 0 ? codeOf(ours) === 200 : isDeepStrictEqual(causesOf(ours), others);
    },
  },
];

type MeantState = {
  readonly reason: string;
  readonly matches: (step: Step, theirs: JsonObject, ours: JsonObject) => boolean;
};

const states: readonly MeantState[] = [
  {
    reason:
      "a write to /scale notes replicas in an entry without time beside the one that its manager has; read again, one of both is lost",
    matches: (step, theirs, ours) =>
      isAt(step, "scale") && isDeepStrictEqual(withOneEntryEach(theirs), withOneEntryEach(ours)),
  },
  {
    reason:
      "to /status of built-in kinds everything but the spec counts, so who was there before the first apply owns finalizers there",
    matches: (step, theirs, ours) =>
      isApply(step) && isAt(step, "status") && isDeepStrictEqual(withoutClaimsOfStatus(theirs), ours),
  },
];

/** Why the answers to a step may differ; `undefined` when they may not. */
export function meantAnswer(...[asked, theirs, ours]: Parameters<MeantAnswer["matches"]>): string | undefined {
  const reason = answers.find(({ matches }) => matches(asked, theirs, ours))?.reason;
  if (reason !== undefined || !isObject(theirs) || !isObject(ours)) return reason;
  const [{ object: there, ...rest }, { object: here, ...ourRest }] = [theirs, ours];
  if (!isObject(there) || !isObject(here) || !isDeepStrictEqual(rest, ourRest)) return undefined;
  return meantState(asked.step, there, here);
}

/** Why what is stored after a step may differ. */
export function meantState(step: Step, theirs: Stored, ours: Stored): string | undefined {
  if (theirs === undefined || ours === undefined) return undefined;
  return states.find(({ matches }) => matches(step, theirs, ours))?.reason;
}

const entriesOf = (object: JsonObject): readonly JsonObject[] =>
  listOf(objectOf(object, "metadata"), "managedFields").filter(isObject);

const withEntries = (object: JsonObject, managedFields: readonly JsonObject[]): JsonObject => ({
  ...object,
  metadata: { ...objectOf(object, "metadata"), managedFields: [...managedFields] },
});

/** Entries of one manager as one, with all of its fields and without time. */
function withOneEntryEach(object: JsonObject): JsonObject {
  const entries = new Map<string, JsonObject>();
  for (const { fieldsV1, timed: _timed, ...key } of entriesOf(object)) {
    const identity = JSON.stringify(Object.entries(key).sort());
    const known = entries.get(identity)?.fieldsV1 ?? {};
    entries.set(identity, { ...key, fieldsV1: applyMergePatch(known, fieldsV1 ?? {}) });
  }
  const sorted = [...entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  return withEntries(object, sorted);
}

const claimedThere = ["finalizers", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"];

function withoutClaimsOfStatus(object: JsonObject): JsonObject {
  const entries = entriesOf(object).map((entry): JsonObject => {
    if (entry.manager !== "before-first-apply" || entry.subresource !== "status") return entry;
    const { "f:metadata": metadata, ...fields } = objectOf(entry, "fieldsV1") ?? {};
    const kept = Object.entries(isObject(metadata) ? metadata : {}).filter(
      ([name]) => !claimedThere.includes(name.slice("f:".length)),
    );
    return {
      ...entry,
      fieldsV1: { ...fields, ...(kept.length > 0 && { "f:metadata": Object.fromEntries(kept) }) },
    };
  });
  const owning = entries.filter(({ fieldsV1 }) => !isDeepStrictEqual(fieldsV1, {}));
  return withEntries(object, owning);
}
