/** Bodies of kinds that are answered and never stored: reviews, TokenRequest, Scale. */
import type { SchemaSet } from "../../../openapi/schema.ts";
import type { GroupVersionKind, KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError, FieldErrorType } from "../../errors/field-error.ts";
import type { InputOptions } from "../rest/interface.ts";
import { compileSchema } from "../schema/structural.ts";
import { cannotBeHandled, InputDecoder } from "./input.ts";

export type TypedDecoder = {
  /**
   * @param body       what a handler decoded; only its kind was looked at
   * @param namespace  of the URL; `undefined` for cluster-scoped kinds
   * @param warn       told of unknown fields unless they are refused or ignored (API V-17…V-19)
   * @throws StatusError 400 for values of wrong types, and for unknown fields where they are refused
   */
  decode(
    body: KubeObject,
    namespace: string | undefined,
    options: InputOptions,
    warn: (text: string) => void,
  ): KubeObject;
};

/** Nothing is missing from a Go struct, and two entries of a list may be alike: rules of the kind judge such values. */
const judgedLater: ReadonlySet<FieldErrorType> = new Set(["FieldValueRequired", "FieldValueDuplicate"]);

/**
 * Decodes along a kind's schema as Go decodes into the kind's type: what the type cannot hold is 400, for nothing of such
 * an object is kept that could be found wrong later (API V-24).
 *
 * @throws Error when `schemas` lacks the kind
 */
export function typedDecoder(gvk: GroupVersionKind, schemas: SchemaSet, schemaName: string): TypedDecoder {
  const decoder = new InputDecoder(gvk, compileSchema(schemas, schemaName));
  return {
    decode(body, namespace, options, warn) {
      const { object, errors } = decoder.decode(body, { namespace, name: undefined }, options, warn);
      const wrong = errors.filter(({ type }) => !judgedLater.has(type));
      if (wrong.length > 0) throw cannotBeHandled(gvk, gvk.kind, wrong.map(textOf).join(", "));
      return object;
    },
  };
}

const textOf = ({ field, body }: FieldError): string => `${field}: ${body}`;
