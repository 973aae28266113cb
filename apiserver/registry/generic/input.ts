/** A request body into an object of the kind: identity checks, metadata, schema (API 3.1, V-17…V-24). */
import { apiVersionOf, type GroupVersionKind, type JsonValue, type KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { newBadRequest, UndecodableError } from "../../errors/status-error.ts";
import { decodeObjectMeta } from "../../machinery/decode-object-meta.ts";
import type { InputOptions } from "../rest/interface.ts";
import type { StructuralSchema } from "../schema/structural.ts";
import { withoutEmptyMembers } from "./object-meta-rules.ts";

export type DecodedInput = {
  readonly object: KubeObject;
  /** What the schema finds wrong; the object must not be used further when there is any. */
  readonly errors: readonly FieldError[];
};

export type InputPlace = {
  /** `undefined` for cluster-scoped kinds, whose bodies may name one without effect (API V-22). */
  readonly namespace: string | undefined;
  /** Of the URL; `undefined` on create. */
  readonly name: string | undefined;
  /** The stored object on update: what is wrong with it already does not refuse another change (API CR-25). */
  readonly previous?: KubeObject | undefined;
};

export class InputDecoder {
  readonly #gvk: GroupVersionKind;
  readonly #apiVersion: string;
  readonly #schema: StructuralSchema;

  constructor(gvk: GroupVersionKind, schema: StructuralSchema) {
    this.#gvk = gvk;
    this.#apiVersion = apiVersionOf(gvk);
    this.#schema = schema;
  }

  /**
   * @param body  decoded JSON whose type is not to be trusted; it is not changed
   * @throws StatusError 400 for a body that belongs elsewhere or cannot be an object of the kind
   */
  decode(
    body: { readonly [field: string]: JsonValue | KubeObject["metadata"] | undefined },
    place: InputPlace,
    options: InputOptions,
    warn: (text: string) => void,
  ): DecodedInput {
    checkType(body, this.#gvk, this.#apiVersion);
    const { apiVersion: _apiVersion, kind: _kind, metadata: rawMetadata, ...content } = body;
    const { metadata, unknownFields } = decodeMeta(rawMetadata, this.#gvk);
    checkPlace(metadata, place);
    // Metadata is decoded above, by the same rules for every kind: the schema sees only that there is some.
    const { previous } = place;
    const decoded = this.#schema.decode(
      { apiVersion: this.#apiVersion, kind: this.#gvk.kind, metadata: {}, ...content },
      previous === undefined ? {} : { previous },
    );
    const unknown = [...unknownFields, ...decoded.unknownFields].sort().map((field) => `unknown field "${field}"`);
    report([...(options.decodingProblems ?? []), ...unknown], this.#gvk, options, warn);
    const { metadata: _metadata, ...rest } = decoded.object;
    return {
      object: { ...rest, apiVersion: this.#apiVersion, kind: this.#gvk.kind, metadata },
      errors: decoded.errors,
    };
  }
}

/**
 * Metadata of any body of this kind, in canonical form.
 * @throws StatusError 400 for members of the wrong type (API V-24)
 */
export function decodeMeta(value: JsonValue | undefined, gvk: GroupVersionKind) {
  const { metadata, unknownFields, malformed } = decodeObjectMeta(value);
  if (malformed !== undefined) throw cannotBeHandled(gvk, gvk.kind, malformed);
  return { metadata: withoutEmptyMembers(metadata), unknownFields };
}

/** What is missing is filled in from the URL (API V-23). */
export function checkType(
  { apiVersion, kind }: { readonly apiVersion?: unknown; readonly kind?: unknown },
  gvk: GroupVersionKind,
  expected: string,
): void {
  if (!isMissing(kind) && kind !== gvk.kind) {
    throw cannotBeHandled(gvk, String(kind), `its kind must be ${gvk.kind}`);
  }
  if (!isMissing(apiVersion) && apiVersion !== expected) {
    throw newBadRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
}

export function checkPlace(metadata: KubeObject["metadata"], { namespace, name }: InputPlace): void {
  if (namespace !== undefined && metadata.namespace !== undefined && metadata.namespace !== namespace) {
    throw newBadRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (name === undefined || metadata.name === name) return;
  throw newBadRequest(
    metadata.name === undefined
      ? `the name of the object (${name} based on URL) was undeterminable: name must be provided`
      : `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
  );
}

function report(
  problems: readonly string[],
  gvk: GroupVersionKind,
  { fieldValidation }: InputOptions,
  warn: (text: string) => void,
): void {
  if (problems.length === 0 || fieldValidation === "Ignore") return;
  if (fieldValidation === "Strict") {
    throw cannotBeHandled(gvk, gvk.kind, `strict decoding error: ${problems.join(", ")}`);
  }
  for (const problem of problems) warn(problem);
}

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === "";

/** How decoders refuse a body (API V-17, V-24). */
export function cannotBeHandled(gvk: GroupVersionKind, actualKind: string, why: string) {
  return new UndecodableError(gvk, actualKind, why);
}
