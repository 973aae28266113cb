import type { JsonObject, JsonValue, StatusDetails, StatusReason } from "../apis/meta/v1.ts";
import { type StatusError, statusError } from "../errors/status-error.ts";
import { listOf, numberOf, objectOf, textOf } from "../machinery/fields.ts";
import { isObject, parseJson } from "../machinery/json.ts";

/** What a code means when the answer does not say (API E-37). */
const reasonByCode: { readonly [code: number]: StatusReason } = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};
/** The other reasons servers give; `Gone` is what old ones say for `Expired` (API E-13). */
const reasonByName: ReadonlyMap<string, StatusReason> = new Map([
  ...Object.values(reasonByCode).map((reason) => [reason, reason] as const),
  ["AlreadyExists", "AlreadyExists"],
  ["ServerTimeout", "ServerTimeout"],
  ["StorageReadError", "StorageReadError"],
  ["Gone", "Expired"],
]);
/** Longest text of a foreign answer that goes into a message, in characters. */
const maxForeignText = 2048;

/**
 * The error that a failed answer stands for, whether its body is a Status or anything else a proxy may have written.
 *
 * @param retryAfterSeconds of the header, when there was one
 */
export function statusErrorFromAnswer(code: number, body: string, retryAfterSeconds?: number): StatusError {
  const value = parseOrNothing(body);
  if (isObject(value) && value.kind === "Status") return statusErrorFromJson(value, code, retryAfterSeconds);
  const text = body.trim().slice(0, maxForeignText);
  const message = text === "" ? `the server answered ${code}` : text;
  return statusError(code, reasonByCode[code] ?? "", message, retryDetails(retryAfterSeconds));
}

/** @param fallbackCode for a Status that has none */
export function statusErrorFromJson(status: JsonObject, fallbackCode: number, retryAfterSeconds?: number): StatusError {
  const code = numberOf(status, "code") ?? fallbackCode;
  const reason = reasonByName.get(textOf(status, "reason")) ?? "";
  const details = objectOf(status, "details");
  return statusError(
    code,
    reason,
    textOf(status, "message"),
    details === undefined
      ? retryDetails(retryAfterSeconds)
      : { ...retryDetails(retryAfterSeconds), ...detailsFromJson(details) },
  );
}

const retryDetails = (retryAfterSeconds: number | undefined): StatusDetails | undefined =>
  retryAfterSeconds === undefined ? undefined : { retryAfterSeconds };

function detailsFromJson(details: JsonObject): StatusDetails {
  const retryAfterSeconds = numberOf(details, "retryAfterSeconds");
  const causes = listOf(details, "causes")
    .filter(isObject)
    .map((cause) => texts(cause, ["reason", "message", "field"]));
  return {
    ...texts(details, ["name", "group", "kind", "uid"]),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(causes.length === 0 ? {} : { causes }),
  };
}

/** The fields that are there and are texts. */
function texts<Field extends string>(object: JsonObject, fields: readonly Field[]): { [Each in Field]?: string } {
  const found: { [Each in Field]?: string } = {};
  for (const field of fields) if (textOf(object, field) !== "") found[field] = textOf(object, field);
  return found;
}

function parseOrNothing(body: string): JsonValue | undefined {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}
