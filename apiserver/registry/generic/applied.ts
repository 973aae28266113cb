/** What is applied (API 5.5): read once per request, merged into what is stored on each attempt. */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import { decodeUtf8, isObject } from "../../machinery/json.ts";
import { checkObjectSize } from "../../machinery/member-count.ts";
import type { RequestBody } from "../../machinery/serializer.ts";
import type { Steps } from "../../machinery/turns.ts";
import { parseYamlInSteps } from "../../machinery/yaml.ts";
import type { RequestContext, WriteOptions } from "../rest/interface.ts";
import { type Change, undecodable } from "./change.ts";

/** YAML, and so JSON too. */
export const applyPatchType = "application/apply-patch+yaml";

export type AppliedBody = { readonly value: JsonObject; readonly duplicates: readonly string[] };

/** @throws StatusError 400 for what is no YAML, or no object in it; 413 for more members than an object may have */
export function* readApplied({ bytes }: RequestBody): Steps<AppliedBody> {
  const { value, duplicates } = yield* parse(bytes);
  // Nothing at all is an object without a type, which is what it is refused for (API S-02).
  const applied = value ?? {};
  if (!isObject(applied)) throw newBadRequest("error decoding patch: it must be an object with apiVersion and kind");
  yield;
  yield* checkObjectSize(applied, undefined);
  return { value: applied, duplicates };
}

function* parse(bytes: Uint8Array): Steps<{ readonly value: JsonValue; readonly duplicates: readonly string[] }> {
  try {
    return yield* parseYamlInSteps(decodeUtf8(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw newBadRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

type HowApplied = Pick<WriteOptions, "fieldValidation" | "force"> & Pick<RequestContext, "warn">;

/**
 * Unlike a patch it may begin with nothing, and says who manages what (API S-22). Unknown fields are no matter of
 * `fieldValidation` here: the merge refuses them. Repeated ones are, after conflicts (API S-06).
 */
export function appliedChange(
  { value, duplicates }: AppliedBody,
  { fieldValidation, force, warn }: HowApplied,
): Change {
  return {
    *apply(existing, { view, whole, fields }, writer) {
      const live = existing === undefined ? undefined : whole.show(existing);
      const applied = yield* fields.applyInSteps(live, view.asked(value), { ...writer, force });
      if (fieldValidation === "Strict" && duplicates.length > 0) {
        throw newBadRequest(`error strict decoding patch: ${duplicates.join(", ")}`);
      }
      if (fieldValidation === "Warn") for (const duplicate of duplicates) warn(duplicate);
      return { form: "whole", ...applied };
    },
    problems: [],
    isWhole: false,
    mayForgetManagers: false,
    refusal: (error, wanted) => undecodable(wanted, error.why),
  };
}
