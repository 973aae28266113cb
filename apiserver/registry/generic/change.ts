/** What a client sent, read once per request; what it does to an object is found out on each attempt. */
import type { JsonObject, KubeObject, ManagedFieldsEntry } from "../../apis/meta/v1.ts";
import { invalid } from "../../errors/field-error.ts";
import { newInvalid, type UndecodableError } from "../../errors/status-error.ts";
import { isObject, stringifyJson } from "../../machinery/json.ts";
import type { Writer } from "../../machinery/managed-fields/field-manager.ts";
import type { RequestBody } from "../../machinery/serializer.ts";
import type { Steps } from "../../machinery/turns.ts";
import type { FieldValidation } from "../rest/interface.ts";
import type { Part } from "../rest/part.ts";
import type { ObjectDecoder } from "./object-decoder.ts";
import type { ParsedPatch } from "./patch-types.ts";

/** What shall take the place of the object, as the endpoint shows it, or as a whole with those who manage it then. */
export type Wanted =
  | { readonly form: "shown"; readonly object: JsonObject }
  | { readonly form: "whole"; readonly object: JsonObject; readonly managedFields: ManagedFieldsEntry[] };

export type Change = {
  /** @param existing  `undefined` when nothing is stored */
  readonly apply: (existing: KubeObject | undefined, part: Part, writer: Writer) => Wanted | Steps<Wanted>;
  /** Fields given twice, and the like. */
  readonly problems: readonly string[];
  /** It is the object, not a change of one: what it says of its uid is a precondition (API U-06, P-05). */
  readonly isWhole: boolean;
  /** The object may be stored without its managers if it only fits so (API C-10). */
  readonly mayForgetManagers: boolean;
  /** How a client is told that what it wants is no object of the kind. */
  readonly refusal: (error: UndecodableError, wanted: JsonObject) => Error;
};

/** The body of a create or update. @throws StatusError 400 for what is no object */
export function* replacement(
  body: RequestBody,
  decoder: ObjectDecoder,
  fieldValidation: FieldValidation,
): Steps<Change & { readonly whole: JsonObject }> {
  const { value, problems } = yield* decoder.parse(body, fieldValidation);
  return {
    whole: value,
    apply: () => ({ form: "shown", object: value }),
    problems,
    isWhole: true,
    mayForgetManagers: true,
    refusal: (error) => error,
  };
}

/** Leaves what is stored as it is. */
export const noChange: Change = {
  apply: (existing, part) => ({ form: "shown", object: existing === undefined ? {} : part.view.show(existing) }),
  problems: [],
  isWhole: false,
  mayForgetManagers: false,
  refusal: (error) => error,
};

export function patchChange({ apply, problems }: ParsedPatch): Change {
  return {
    *apply(existing, { view }) {
      const made = apply(existing === undefined ? {} : view.show(existing));
      const patched = made instanceof Iterator ? yield* made : made;
      if (isObject(patched)) return { form: "shown", object: patched };
      throw undecodable(patched, "the patched object must be an object");
    },
    problems,
    isWhole: false,
    mayForgetManagers: true,
    refusal: (error, wanted) => undecodable(wanted, error.why),
  };
}

/** The patch made something that is no object of the kind (API P-06). */
export const undecodable = (patched: Parameters<typeof stringifyJson>[0], why: string): Error =>
  newInvalid({ group: "", kind: "" }, "", [invalid("patch", stringifyJson(patched), why)]);
