/** Differences that are meant. After one of them the two objects are no longer the same, and their story ends. */
import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import type { Step } from "./steps.ts";

type Meant = {
  readonly reason: string;
  readonly matches: (step: Step, theirs: JsonValue | undefined, ours: JsonValue | undefined) => boolean;
};

const codeOf = (meaning: JsonValue | undefined): JsonValue | undefined =>
  isObject(meaning) ? meaning.code : undefined;
const causesOf = (meaning: JsonValue | undefined): readonly JsonValue[] =>
  isObject(meaning) && Array.isArray(meaning.causes) ? meaning.causes : [];

const resourcesOf = (meaning: JsonValue | undefined): JsonValue | undefined =>
  isObject(meaning) ? objectOf(objectOf(objectOf(meaning, "object"), "spec"), "resources") : undefined;

const meant: readonly Meant[] = [
  {
    reason: "resources that are given up come back as their default, which a CRD of the schema doesn't know",
    matches: (step, theirs, ours) =>
      step.verb === "apply" &&
      codeOf(theirs) === 200 &&
      resourcesOf(theirs) === undefined &&
      resourcesOf(ours) !== undefined,
  },
  {
    reason: "a workload needs a spec, whoever gives up the one it had; a CRD of its schema doesn't know",
    matches: (step, theirs, ours) =>
      step.verb === "apply" && codeOf(theirs) === 200 && causesOf(ours).includes("FieldValueRequired spec"),
  },
  {
    reason: "not yet: a PUT of a Service that isn't there creates it",
    matches: (step, theirs, ours) => step.verb === "put" && codeOf(theirs) === 201 && codeOf(ours) === 404,
  },
  {
    reason: "an apply to the status of an object that isn't there is refused for what it lacks as a new one",
    matches: (step, theirs, ours) =>
      step.verb === "apply" && step.subresource === "status" && codeOf(theirs) === 422 && codeOf(ours) === 404,
  },
  {
    reason: "a map that loses its last member by apply becomes null; here that is absence, a CRD refuses its own null",
    matches({ verb }, theirs, ours) {
      if (verb !== "apply" || codeOf(theirs) !== 422) return false;
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

export const isMeant: Meant["matches"] = (step, theirs, ours) =>
  meant.some(({ matches }) => matches(step, theirs, ours));
