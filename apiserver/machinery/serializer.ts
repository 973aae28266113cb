/** How request bodies are encoded: a table from media type to decoder (API 7.2). */
import type { JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { newUnsupportedMediaType } from "../errors/status-error.ts";
import { decodeUtf8, duplicateFieldsInSteps } from "./json.ts";
import { parseJsonInSteps } from "./json-pieces.ts";
import { TooManyNumbersError } from "./json-text.ts";
import { checkBodyPartsInSteps, TooManyPartsError } from "./member-count.ts";
import { decodeProtobufInSteps, protobufMediaType } from "./protobuf.ts";
import type { Steps } from "./turns.ts";
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

  /** The beginning of the body, to find it again by: `({"kind":… ...)`, in hexadecimal what is no object, or `(<empty>)`. */
  get excerpt(): string {
    return excerptOf(this.bytes);
  }
}

const excerptBytes = 30;
const lenientUtf8 = new TextDecoder();
export function excerptOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return "(<empty>)";
  const beginning = bytes.subarray(0, excerptBytes);
  const shown = bytes[0] === openBrace ? lenientUtf8.decode(beginning) : Buffer.from(beginning).toString("hex");
  return `(${shown}${bytes.length > excerptBytes ? " ..." : ""})`;
}
const openBrace = 0x7b;

/** A step for each pass over the text. */
type Decoder = (bytes: Uint8Array, findDuplicates: boolean) => Steps<DecodedBody>;

const decodeJson: Decoder = function* (bytes, findDuplicates) {
  const text = decodeUtf8(bytes);
  const value = yield* parseText(text);
  yield;
  const duplicates = findDuplicates ? yield* duplicateFieldsInSteps(text) : [];
  return { value, problems: duplicates.map((field) => `duplicate field ${JSON.stringify(field)}`) };
};

/** @throws SyntaxError for what is no JSON, begun as kube-apiserver begins it (API V-24) */
function* parseText(text: string): Steps<JsonValue> {
  try {
    yield* checkBodyPartsInSteps(text);
    yield;
    return yield* parseJsonInSteps(text);
  } catch (error) {
    // What there is too much of is told as it is.
    const isTooMuch = error instanceof TooManyPartsError || error instanceof TooManyNumbersError;
    if (!(error instanceof SyntaxError) || isTooMuch) throw error;
    throw new SyntaxError(`couldn't get version/kind; json parse error: ${jsonProblem(error, text)}`, { cause: error });
  }
}

/** The engine's own words, but for the most frequent of all mistakes, which has many forms in them. */
function jsonProblem({ message }: SyntaxError, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const isCut = text.trim() === "" || (position !== undefined && Number(position) >= text.length);
  return isCut || message === "Unexpected end of JSON input" ? "unexpected end of JSON input" : message;
}

const decodeYaml: Decoder = function* (bytes) {
  const text = decodeUtf8(bytes);
  yield;
  const { value, duplicates } = yield* parseYamlInSteps(text);
  return { value, problems: duplicates };
};
const decodeProtobuf: Decoder = function* (bytes) {
  yield;
  return { value: yield* decodeProtobufInSteps(bytes), problems: [] };
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
