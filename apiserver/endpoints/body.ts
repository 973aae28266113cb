/** Request bodies: how they are encoded, and what they hold (API sections 7.2 and V-24). */
import type { JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { newUnsupportedMediaType } from "../errors/status-error.ts";
import { decodeUtf8, duplicateFields, parseJson } from "../machinery/json.ts";
import { decodeKubernetesProtobuf, protobufMediaType } from "../machinery/protobuf.ts";
import { parseYaml } from "../machinery/yaml.ts";
import type { ApiRequest } from "./api-handler.ts";
import { firstHeader } from "./responses.ts";

export type DecodedBody = {
  readonly value: JsonValue | KubeObject;
  /** Fields that were given twice, in words (API V-17, V-20); looking for them costs another pass over the text. */
  readonly problems: readonly string[];
  readonly bytes: Uint8Array;
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

type BodyCodec = (bytes: Uint8Array, findDuplicates: boolean) => Omit<DecodedBody, "bytes">;

const jsonCodec: BodyCodec = (bytes, findDuplicates) => {
  const text = decodeUtf8(bytes);
  if (text.trim() === "") throw new SyntaxError("unexpected end of JSON input");
  const value = parseJson(text);
  return {
    value,
    problems: findDuplicates ? duplicateFields(text).map((field) => `duplicate field ${JSON.stringify(field)}`) : [],
  };
};
const yamlCodec: BodyCodec = (bytes) => {
  const { value, duplicates } = parseYaml(decodeUtf8(bytes));
  return { value, problems: duplicates };
};
const protobufCodec: BodyCodec = (bytes) => ({
  value: decodeKubernetesProtobuf(bytes),
  problems: [],
});

const plainCodecs: ReadonlyMap<string, BodyCodec> = new Map([
  ["application/json", jsonCodec],
  ["application/yaml", yamlCodec],
]);
const codecsWithProtobuf: ReadonlyMap<string, BodyCodec> = new Map([
  ...plainCodecs,
  [protobufMediaType, protobufCodec],
]);

/** The media type without parameters, in lower case; `""` when the header is absent. */
export function contentType(request: ApiRequest): string {
  const header = firstHeader(request, "content-type");
  if (header === "application/json" || header === "") return header;
  const type = header.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return type === "" ? header : type;
}

/**
 * How a body is to be read; no content type means JSON (API N-10).
 * @param protobuf  `application/vnd.kubernetes.protobuf` is understood as well
 * @throws StatusError 415
 */
export function bodyDecoder(
  request: ApiRequest,
  protobuf: boolean,
): (bytes: Uint8Array, findDuplicates: boolean) => DecodedBody {
  const codecs = protobuf ? codecsWithProtobuf : plainCodecs;
  const codec = codecs.get(contentType(request) || "application/json");
  if (codec === undefined) throw newUnsupportedMediaType([...codecs.keys()]);
  return (bytes, findDuplicates) => {
    try {
      return { ...codec(bytes, findDuplicates), bytes };
    } catch (error) {
      throw new UndecodableBody(error instanceof Error ? error.message : String(error), bytes);
    }
  };
}
