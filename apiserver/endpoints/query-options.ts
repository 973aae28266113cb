/** Options in query strings, parsed and checked (API sections 3.1, 3.3, 6.3). */
import { quoteText } from "../errors/abridge.ts";
import { type FieldError, forbiddenField, notSupported, required } from "../errors/field-error.ts";
import { fieldManagerErrors } from "../errors/field-manager.ts";
import { newBadRequest, newInvalid } from "../errors/status-error.ts";
import { limits } from "../limits.ts";
import { everyField, everyLabel, fieldSelectorInSteps, labelSelectorInSteps } from "../machinery/selectors.ts";
import { Pace, runAtOnce, type Steps } from "../machinery/turns.ts";
import { parseRevision } from "../registry/generic/positions.ts";
import type { FieldValidation, ListOptions, WatchOptions, WriteOptions } from "../registry/rest/interface.ts";
import type { ApiRequest } from "./api-handler.ts";
import { queryBoolean } from "./request-info.ts";

type OptionsKind = "CreateOptions" | "UpdateOptions" | "PatchOptions" | "DeleteOptions" | "ListOptions";

export function assertValid(kind: OptionsKind, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw newInvalid({ group: "meta.k8s.io", kind }, "", errors);
}

/**
 * A decimal int64 as Go's `strconv.ParseInt` takes it; `undefined` when absent, for an empty text is no number (API V-07).
 * Beyond 2^53 it is the nearest double: nothing here tells such numbers apart.
 */
export function queryInteger(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^[-+]?\d+$/.test(text)) throw newBadRequest(`strconv.ParseInt: parsing ${quoteText(text)}: invalid syntax`);
  const value = Number(text);
  if (!isInt64(value, text)) throw newBadRequest(`strconv.ParseInt: parsing ${quoteText(text)}: value out of range`);
  return value;
}

/** As doubles the greatest int64 and the number behind it are the same: those few are compared exactly. */
function isInt64(value: number, text: string): boolean {
  if (Math.abs(value) !== 2 ** 63) return Math.abs(value) < 2 ** 63;
  const exact = text.length < longestExactText ? BigInt(text) : 2n ** 63n;
  return exact < 2n ** 63n && exact >= -(2n ** 63n);
}
/** Of a decimal that is near the end of int64, in characters: more are zeros in front. */
const longestExactText = 40;

/** `""` when absent. @throws StatusError 400 for what is no revision (API G-06, W-15) */
export function queryResourceVersion(query: URLSearchParams): string {
  const text = query.get("resourceVersion") ?? "";
  if (text !== "") parseRevision(text);
  return text;
}

const fieldValidations: readonly FieldValidation[] = ["Ignore", "Strict", "Warn"];

const defaultWriteOptions: WriteOptions = { dryRun: false, fieldValidation: "Warn", fieldManager: "", force: false };

/** `Warn` unless the query says something else that is a value of it. */
export function fieldValidationOf(query: URLSearchParams): FieldValidation {
  const asked = query.get("fieldValidation");
  return fieldValidations.find((value) => value === asked) ?? "Warn";
}

/** @throws StatusError 422 on `kind` (API V-13, V-15, V-16, S-01, P-07) */
export function writeOptions(
  query: URLSearchParams,
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  isApply = false,
): WriteOptions {
  if (query.size === 0 && !isApply) return defaultWriteOptions;
  const dryRun = query.getAll("dryRun");
  const fieldManager = query.get("fieldManager") ?? "";
  const asked = query.get("fieldValidation") ?? "";
  const fieldValidation = fieldValidations.find((value) => value === asked);
  const errors = [...dryRunErrors(dryRun), ...fieldManagerErrors("fieldManager", fieldManager)];
  if (asked !== "" && fieldValidation === undefined) {
    errors.push(notSupported("fieldValidation", asked, ["", ...fieldValidations]));
  }
  if (isApply && fieldManager === "") errors.push(required("fieldManager", "is required for apply patch"));
  if (kind === "PatchOptions" && !isApply && query.has("force")) {
    errors.push(forbiddenField("force", "may not be specified for non-apply patch"));
  }
  assertValid(kind, errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation ?? "Warn",
    fieldManager,
    force: isApply && query.has("force") && queryBoolean(query.get("force")),
  };
}

export function dryRunErrors(values: readonly string[]): FieldError[] {
  return values.every((value) => value === "All") ? [] : [notSupported("dryRun", [...values], ["All"])];
}

const defaultListOptions: ListOptions = {
  labels: everyLabel,
  fields: everyField,
  limit: 0,
  continue: "",
  resourceVersion: "",
  resourceVersionMatch: "",
};

/** Selectors may be as long as bodies: those that are take their sender's turns. @throws what `read` throws */
export async function inQueryTurns<T>(
  { query, rawQuery, user }: Pick<ApiRequest, "query" | "rawQuery" | "user">,
  read: (query: URLSearchParams) => Steps<T>,
): Promise<T> {
  const isLong = rawQuery.length > limits.maxBytesAtOnce.value;
  return isLong ? new Pace(user.name, isLong).runSteps(read(query)) : runAtOnce(read(query));
}

/** @throws StatusError 400, or 422 on `ListOptions` (API L-05, L-10, L-30…L-34) */
export function* listOptionsInSteps(query: URLSearchParams): Steps<ListOptions> {
  if (query.size === 0) return defaultListOptions;
  const resourceVersion = queryResourceVersion(query);
  const match = query.get("resourceVersionMatch") ?? "";
  const continueToken = query.get("continue") ?? "";
  const limit = queryInteger(query, "limit") ?? 0;
  queryInteger(query, "timeoutSeconds");
  assertValid("ListOptions", listMatchErrors({ match, resourceVersion, continueToken }, query));
  if (continueToken !== "" && resourceVersion !== "" && resourceVersion !== "0") {
    throw newBadRequest("specifying resource version is not allowed when using continue");
  }
  return {
    labels: yield* labelSelectorOf(query),
    fields: yield* fieldSelectorOf(query),
    limit: Math.max(0, limit),
    continue: continueToken,
    resourceVersion,
    resourceVersionMatch: match === "Exact" || match === "NotOlderThan" ? match : "",
  };
}

type MatchQuery = {
  match: string;
  resourceVersion: string;
  continueToken: string;
};

function listMatchErrors({ match, resourceVersion, continueToken }: MatchQuery, query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (detail: string): number => errors.push(forbiddenField("resourceVersionMatch", detail));
  if (match !== "") {
    if (resourceVersion === "") refuse("resourceVersionMatch is forbidden unless resourceVersion is provided");
    if (continueToken !== "") refuse("resourceVersionMatch is forbidden when continue is provided");
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push(notSupported("resourceVersionMatch", match, ["Exact", "NotOlderThan", ""]));
    }
    if (match === "Exact" && resourceVersion === "0") {
      refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (query.has("sendInitialEvents")) {
    errors.push(forbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  }
  return errors;
}

export type WatchQuery = WatchOptions & { readonly timeoutMs: number };

/**
 * @param minWatchMs  a watch that names no time lives between this and twice this, in ms (API W-40)
 * @throws StatusError 400, or 422 on `ListOptions` (API W-14, W-25, W-26)
 */
export function* watchOptionsInSteps(
  query: URLSearchParams,
  minWatchMs: number,
  random: () => number = Math.random,
): Steps<WatchQuery> {
  const resourceVersion = queryResourceVersion(query);
  const timeoutSeconds = Math.max(0, queryInteger(query, "timeoutSeconds") ?? 0);
  queryInteger(query, "limit");
  assertValid("ListOptions", watchMatchErrors(query));
  return {
    labels: yield* labelSelectorOf(query),
    fields: yield* fieldSelectorOf(query),
    resourceVersion,
    sendInitialEvents: query.has("sendInitialEvents") ? queryBoolean(query.get("sendInitialEvents")) : undefined,
    allowBookmarks: queryBoolean(query.get("allowWatchBookmarks")),
    timeoutMs: timeoutSeconds > 0 ? timeoutSeconds * 1000 : Math.floor(minWatchMs * (1 + random())),
  };
}

function watchMatchErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const match = query.get("resourceVersionMatch") ?? "";
  const sendsInitialEvents = query.has("sendInitialEvents");
  const refuse = (detail: string): number => errors.push(forbiddenField("resourceVersionMatch", detail));
  if (match !== "" && !sendsInitialEvents) {
    refuse("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
  }
  if (sendsInitialEvents && match !== "NotOlderThan") {
    refuse("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (match !== "" && match !== "NotOlderThan")
    errors.push(notSupported("resourceVersionMatch", match, ["NotOlderThan"]));
  // A watch that begins with what there is asks for as much, said or not (API W-28).
  const asksForMatch = match !== "" || (!sendsInitialEvents && isLegacyStart(query.get("resourceVersion") ?? ""));
  if (asksForMatch && (query.get("continue") ?? "") !== "") {
    refuse("resourceVersionMatch is forbidden when continue is provided");
  }
  return errors;
}

const isLegacyStart = (resourceVersion: string): boolean => resourceVersion === "" || resourceVersion === "0";

function* labelSelectorOf(query: URLSearchParams): Steps<ListOptions["labels"]> {
  const text = query.get("labelSelector");
  return text === null || text === "" ? everyLabel : yield* labelSelectorInSteps(text);
}
function* fieldSelectorOf(query: URLSearchParams): Steps<ListOptions["fields"]> {
  const text = query.get("fieldSelector");
  return text === null || text === "" ? everyField : yield* fieldSelectorInSteps(text);
}
