/** How request bodies are encoded: a table from media type to decoder (API 7.2). */
import type { JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { newUnsupportedMediaType } from "../errors/status-error.ts";
import { decodeUtf8, duplicateFieldsInSteps } from "./json.ts";
import { parseJsonInSteps } from "./json-pieces.ts";
import { checkBodyPartsInSteps } from "./member-count.ts";
import { decodeKubernetesProtobuf, protobufMediaType } from "./protobuf.ts";
import { runAtOnce, type Steps } from "./turns.ts";
import { parseYamlInSteps } from "./yaml.ts";

/** A body as it arrived: within the size limit, not looked at yet. */
export type RequestBody = {
  readonly bytes: Uint8Array;
  /** In lower case, without parameters; `""` when the client named none. */
  readonly mediaType: string;
};

export type DecodedBody = {
  readonly value: JsonValue | KubeObject;
  /** Fields that were given twice, in words (API V-17, V-20); looking for them costs another pass over the text. */
  readonly problems: readonly string[];
};

/** The body is not what its content type says; `bytes` is what came. */
export class UndecodableBody extends Error {
  readonly bytes: Uint8Array;

  constructor(message: string, bytes: Uint8Array) {
    super(message);
    this.name = "UndecodableBody";
    this.bytes = bytes;
  }

  /** The beginning of the body, to find it again by: `({"kind":…)` or `(<empty>)`. */
  get excerpt(): string {
    return excerptOf(this.bytes);
  }
}

const excerptBytes = 30;
const lenientUtf8 = new TextDecoder();
export function excerptOf(bytes: Uint8Array): string {
  return bytes.length === 0 ? "(<empty>)" : `(${lenientUtf8.decode(bytes.subarray(0, excerptBytes))})`;
}

/** A step for each pass over the text. */
type Decoder = (bytes: Uint8Array, findDuplicates: boolean) => Steps<DecodedBody>;

const decodeJson: Decoder = function* (bytes, findDuplicates) {
  const text = decodeUtf8(bytes);
  if (text.trim() === "") throw new SyntaxError("unexpected end of JSON input");
  yield* checkBodyPartsInSteps(text);
  yield;
  const value = yield* parseJsonInSteps(text);
  yield;
  const duplicates = findDuplicates ? yield* duplicateFieldsInSteps(text) : [];
  return { value, problems: duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`) };
};
const decodeYaml: Decoder = function* (bytes) {
  const text = decodeUtf8(bytes);
  yield;
  const { value, duplicates } = yield* parseYamlInSteps(text);
  return { value, problems: duplicates };
};
const decodeProtobuf: Decoder = function* (bytes) {
  yield;
  return { value: decodeKubernetesProtobuf(bytes), problems: [] };
};

const decoders: ReadonlyMap<string, Decoder> = new Map([
  ["application/json", decodeJson],
  ["application/yaml", decodeYaml],
  [protobufMediaType, decodeProtobuf],
]);

const plainMediaTypes = ["application/json", "application/yaml"] as const;
const typedMediaTypes = [...plainMediaTypes, protobufMediaType] as const;

/** Media types that bodies of an endpoint may have, in the order a 415 lists them. */
export function bodyMediaTypes({ acceptsProtobuf }: { readonly acceptsProtobuf: boolean }): readonly string[] {
  return acceptsProtobuf ? typedMediaTypes : plainMediaTypes;
}

/**
 * No media type means JSON (API N-10).
 * @throws UndecodableBody for what is not of its media type
 * @throws StatusError 415 for a media type that no endpoint takes
 */
export function* decodeInSteps({ bytes, mediaType }: RequestBody, findDuplicates: boolean): Steps<DecodedBody> {
  const decode = decoders.get(mediaType || "application/json");
  if (decode === undefined) throw newUnsupportedMediaType([...decoders.keys()]);
  try {
    return yield* decode(bytes, findDuplicates);
  } catch (error) {
    throw new UndecodableBody(error instanceof Error ? error.message : String(error), bytes);
  }
}

/** As `decodeInSteps`. */
export const decodeBody = (body: RequestBody, findDuplicates: boolean): DecodedBody =>
  runAtOnce(decodeInSteps(body, findDuplicates));
