/** What a client sent, read once per request; what it does to an object is found out on each attempt. */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { invalid } from "../../errors/field-error.ts";
import { newInvalid, type UndecodableError } from "../../errors/status-error.ts";
import { isObject, stringifyJson } from "../../machinery/json.ts";
import type { RequestBody } from "../../machinery/serializer.ts";
import type { FieldValidation } from "../rest/interface.ts";
import type { ObjectDecoder } from "./object-decoder.ts";
import type { ParsedPatch } from "./patch-types.ts";

export type Change = {
  /** What the client wants instead of `shown`, the stored object as its endpoint shows it; `undefined` when none is. */
  readonly apply: (shown: KubeObject | undefined) => JsonObject;
  /** Fields given twice, and the like. */
  readonly problems: readonly string[];
  /** It is the object, not a change of one: what it says of its uid is a precondition (API U-06, P-05). */
  readonly isWhole: boolean;
  /** How a client is told that what it wants is no object of the kind. */
  readonly refusal: (error: UndecodableError, wanted: JsonObject) => Error;
};

/** The body of a create or update. @throws StatusError 400 for what is no object */
export function replacement(body: RequestBody, decoder: ObjectDecoder, fieldValidation: FieldValidation): Change {
  const { value, problems } = decoder.parse(body, fieldValidation);
  return { apply: () => value, problems, isWhole: true, refusal: (error) => error };
}

export function patchChange({ apply, problems }: ParsedPatch): Change {
  return {
    apply(shown) {
      const patched = apply(shown ?? {});
      if (isObject(patched)) return patched;
      throw undecodable(patched, "the patched object must be an object");
    },
    problems,
    isWhole: false,
    refusal: (error, wanted) => undecodable(wanted, error.why),
  };
}

/** The patch made something that is no object of the kind (API P-06). */
const undecodable = (patched: Parameters<typeof stringifyJson>[0], why: string): Error =>
  newInvalid({ group: "", kind: "" }, "", [invalid("patch", stringifyJson(patched), why)]);
