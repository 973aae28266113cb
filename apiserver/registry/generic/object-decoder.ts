/** Decodes every body that is to become an object: type, place, metadata, schema (API 3.1, V-17…V-24). */
import {
  apiVersionOf,
  type GroupVersionKind,
  type JsonObject,
  type JsonValue,
  type KubeObject,
} from "../../apis/meta/v1.ts";
import { quoteValue } from "../../errors/abridge.ts";
import type { FieldError, FieldErrorType } from "../../errors/field-error.ts";
import { newBadRequest, newUndecodable, UndecodableError } from "../../errors/status-error.ts";
import { decodeObjectMeta } from "../../machinery/decode-object-meta.ts";
import { isObject } from "../../machinery/json.ts";
import { checkObjectSize } from "../../machinery/member-count.ts";
import { decodeInSteps, type RequestBody, UndecodableBody } from "../../machinery/serializer.ts";
import { paceOf, type Steps } from "../../machinery/turns.ts";
import type { FieldValidation, RequestContext, WriteRequest } from "../rest/interface.ts";
import type { StructuralSchema } from "../schema/structural.ts";
import { withoutEmptyMembers } from "./object-meta-rules.ts";

/** What a body says, before it is held against anything. */
export type ParsedBody = {
  readonly value: JsonObject;
  /** What parsing found, e.g. `duplicate field "spec.a"`. */
  readonly problems: readonly string[];
};

export type DecodedInput = {
  readonly object: KubeObject;
  /** What the schema finds wrong; the object must not be used further when there is any. */
  readonly errors: readonly FieldError[];
};

/** Where the object belongs. */
export type InputPlace = {
  /** `undefined` for cluster-scoped kinds, whose bodies may name one without effect (API V-22). */
  readonly namespace: string | undefined;
  /** Of the URL; `undefined` on create. */
  readonly name: string | undefined;
  /** The stored object on update: what is wrong with it already does not refuse another change (API CR-25). */
  readonly previous?: KubeObject | undefined;
};

/** What becomes of unknown and repeated fields. */
export type Strictness = {
  readonly fieldValidation: FieldValidation;
  /** What reading a patch found, told before unknown fields of the result. */
  readonly ofPatch: readonly string[];
  /** What parsing the body found: of built-in kinds told after unknown fields, of ours before them (API V-17). */
  readonly ofBody: readonly string[];
  readonly warn: (text: string) => void;
};

/** For what the server itself made: nothing is told. */
export const silently: Strictness = { fieldValidation: "Ignore", ofPatch: [], ofBody: [], warn: () => {} };

export class ObjectDecoder {
  readonly gvk: GroupVersionKind;
  readonly #apiVersion: string;
  readonly #schema: StructuralSchema;
  readonly #isTyped: boolean;

  /**
   * @param isTyped  a built-in kind: takes what it is from the endpoint, also when nothing else is said (API V-23), and
   *                 bytes that are not base64 are no object of it
   */
  constructor(gvk: GroupVersionKind, schema: StructuralSchema, isTyped: boolean) {
    this.gvk = gvk;
    this.#apiVersion = apiVersionOf(gvk);
    this.#schema = schema;
    this.#isTyped = isTyped;
  }

  /** @throws StatusError 400 for what is no object (API V-24) */
  *parse(body: RequestBody, fieldValidation: FieldValidation): Steps<ParsedBody> {
    try {
      const { value, problems } = yield* decodeInSteps(body, fieldValidation !== "Ignore");
      if (isObject(value) && (this.#isTyped || Object.keys(value).length > 0)) return { value, problems };
      throw new UndecodableBody(`Object 'Kind' is missing in '${quoteValue(value)}'`, body.bytes);
    } catch (error) {
      if (!(error instanceof UndecodableBody)) throw error;
      throw newBadRequest(
        `the object provided is unrecognized (must be of type ${this.gvk.kind}): ${error.message} ${error.excerpt}`,
      );
    }
  }

  /**
   * @param value  JSON whose types are not to be trusted; it is not changed. What it leaves out of its type is filled in
   * @throws StatusError 400 for an object that belongs elsewhere or cannot be one of the kind
   */
  decode(value: JsonObject, place: InputPlace, strictness: Strictness): DecodedInput {
    this.#checkType(value);
    const { apiVersion: _apiVersion, kind: _kind, metadata: givenMetadata, ...content } = this.#schema.cropped(value);
    const { metadata, unknownFields } = this.#decodeMetadata(givenMetadata);
    // Metadata is decoded above, by the same rules for every kind: the schema sees only that there is some.
    const { previous } = place;
    const type = { apiVersion: this.#apiVersion, kind: this.gvk.kind };
    const decoded = this.#schema.decode(
      { ...type, metadata: {}, ...content },
      previous === undefined ? {} : { previous },
    );
    if (this.#isTyped && decoded.malformed !== undefined) throw this.undecodable(decoded.malformed);
    const unknown = [...unknownFields, ...decoded.unknownFields].sort().map((field) => `unknown field "${field}"`);
    const { ofPatch, ofBody } = strictness;
    // Go knows what its type lacks before it looks at the text again; custom resources are read the other way round.
    this.#report(this.#isTyped ? [...ofPatch, ...unknown, ...ofBody] : [...ofPatch, ...ofBody, ...unknown], strictness);
    checkPlace(metadata, place);
    const { metadata: _metadata, ...rest } = decoded.object;
    return { object: { ...rest, ...type, metadata }, errors: decoded.errors };
  }

  /** What can be refused before anything stored is looked at. @throws StatusError 400 as `decode` */
  checkIdentity(value: JsonObject, place: InputPlace): void {
    this.#checkType(value);
    checkPlace(this.#decodeMetadata(value.metadata).metadata, place);
  }

  /**
   * What a patch makes of a custom resource names its type as what was stored did; in Go's types nothing is missing.
   * @throws UndecodableError (API P-06)
   */
  checkPatched(patched: JsonObject): void {
    if (this.#isTyped) return;
    for (const [member, name] of typeMembers) {
      if (!isMissing(patched[member])) continue;
      const why = `Object '${name}' is missing in '${quoteValue(patched)}'`;
      throw new UndecodableError(why, why);
    }
  }

  /** What is missing is filled in from the URL (API V-23). */
  #checkType({ apiVersion, kind }: JsonObject): void {
    if (!isMissing(apiVersion) && apiVersion !== this.#apiVersion) {
      const why = `the API version in the data (${printed(apiVersion)}) does not match the expected API version (${this.#apiVersion})`;
      throw new UndecodableError(why, why);
    }
    if (!isMissing(kind) && kind !== this.gvk.kind) {
      throw newUndecodable(this.gvk, printed(kind), `its kind must be ${this.gvk.kind}`);
    }
  }

  #decodeMetadata(value: JsonValue | undefined) {
    const { metadata, unknownFields, malformed } = decodeObjectMeta(value);
    if (malformed !== undefined) throw this.undecodable(malformed);
    return { metadata: withoutEmptyMembers(metadata), unknownFields };
  }

  #report(problems: readonly string[], { fieldValidation, warn }: Strictness): void {
    if (problems.length === 0 || fieldValidation === "Ignore") return;
    if (fieldValidation === "Strict") throw this.undecodable(`strict decoding error: ${problems.join(", ")}`);
    for (const problem of problems) warn(problem);
  }

  protected undecodable(why: string): UndecodableError {
    return newUndecodable(this.gvk, this.gvk.kind, why);
  }
}

/** Nothing is missing from a Go struct, and two entries of a list may be alike: rules of the kind judge such values. */
const judgedLater: ReadonlySet<FieldErrorType> = new Set(["FieldValueRequired", "FieldValueDuplicate"]);

/**
 * Decodes bodies of kinds that are answered and never stored (reviews, TokenRequest, Scale) as Go decodes into the kind's
 * type: what the type cannot hold is 400, for nothing of such an object is kept that could be found wrong later (API V-24).
 */
export class VirtualDecoder extends ObjectDecoder {
  constructor(gvk: GroupVersionKind, schema: StructuralSchema) {
    super(gvk, schema, true);
  }

  /** The body of a create that stores nothing; a name in it must be that of the URL (API Y-05). @throws StatusError 400, 413 */
  read(context: RequestContext, request: WriteRequest): Promise<KubeObject> {
    return paceOf(context, request.body).runSteps(this.#read(context, request));
  }

  *#read(context: RequestContext, { body, name, options: { fieldValidation } }: WriteRequest): Steps<KubeObject> {
    const { value, problems } = yield* this.parse(body, fieldValidation);
    yield;
    yield* checkObjectSize(value, undefined);
    yield;
    const namespace = context.namespace === "" ? undefined : context.namespace;
    const strictness = { fieldValidation, ofPatch: [], ofBody: problems, warn: context.warn };
    const { object } = this.decode(value, { namespace, name: undefined }, strictness);
    if (name !== "" && object.metadata.name !== undefined) checkPlace(object.metadata, { namespace, name });
    return object;
  }

  override decode(value: JsonObject, place: InputPlace, strictness: Strictness): DecodedInput {
    const { object, errors } = super.decode(value, place, strictness);
    const wrong = errors.filter(({ type }) => !judgedLater.has(type));
    if (wrong.length > 0) throw this.undecodable(wrong.map(({ field, body }) => `${field}: ${body}`).join(", "));
    return { object, errors: [] };
  }
}

/** @throws StatusError 400 (API V-22, U-05) */
function checkPlace(metadata: KubeObject["metadata"], { namespace, name }: InputPlace): void {
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

const typeMembers = [
  ["kind", "Kind"],
  ["apiVersion", "apiVersion"],
] as const;

const isMissing = (value: JsonValue | undefined): boolean => value === undefined || value === null || value === "";

const printed = (value: JsonValue | undefined): string => (typeof value === "string" ? value : quoteValue(value));
