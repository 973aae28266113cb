/** What of the answer the client wants: `Accept` clauses against what this server writes (API section 7.1). */
import { newNotAcceptable } from "../errors/status-error.ts";
import { limits } from "../limits.ts";
import type { ApiRequest } from "./api-handler.ts";

export type MediaType = "application/json" | "application/yaml";
export type MetaVersion = "v1" | "v1beta1";
/** The shape of the answer: as stored, or one of the transforms of `meta.k8s.io`. */
export type Transform =
  | { readonly as: "none" }
  | {
      readonly as: "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList";
      readonly version: MetaVersion;
    };
export type OutputFormat = {
  readonly mediaType: MediaType;
  readonly transform: Transform;
  readonly pretty: boolean;
};

/** In order of preference, as error messages list them. */
export const objectMediaTypes: readonly MediaType[] = ["application/json", "application/yaml"];
const streamMediaTypes: readonly string[] = ["application/json;stream=watch"];
const noTransform: Transform = { as: "none" };

/** One clause of an `Accept` header. */
export type AcceptClause = {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: ReadonlyMap<string, string>;
};

/** Accept headers come from programs, so few distinct ones repeat; the bound is against those who make them up. */
class ParseCache<T> {
  private readonly entries = new Map<string, T>();
  private readonly parse: (text: string) => T;

  constructor(parse: (text: string) => T) {
    this.parse = parse;
  }

  get(text: string): T {
    const known = this.entries.get(text);
    if (known !== undefined) return known;
    const parsed = this.parse(text);
    if (text.length > 1024) return parsed;
    if (this.entries.size >= 256) this.entries.clear();
    this.entries.set(text, parsed);
    return parsed;
  }
}

/** Clauses by descending weight, then specific before wildcard, then as written (API N-03). */
function parseAccept(text: string): readonly AcceptClause[] {
  const clauses = text
    .split(",")
    .filter((clause) => clause.trim() !== "")
    .map(parseClause);
  if (clauses.length === 0) return [parseClause("*/*")];
  return clauses.sort((a, b) => weight(b) - weight(a) || specificity(b) - specificity(a));
}

function parseClause(text: string): AcceptClause {
  const [media = "", ...rest] = text.split(";").map((part) => part.trim());
  const slash = media.indexOf("/");
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const equals = part.indexOf("=");
    if (equals > 0) parameters.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim());
  }
  return {
    type: media.slice(0, Math.max(slash, 0)),
    subtype: slash < 0 ? "" : media.slice(slash + 1),
    parameters,
  };
}

function weight(clause: AcceptClause): number {
  const q = Number(clause.parameters.get("q") ?? 1);
  return Number.isNaN(q) ? 1 : q;
}
const specificity = (clause: AcceptClause): number => (clause.type === "*" ? 0 : clause.subtype === "*" ? 1 : 2);

const clauseCache = new ParseCache(parseAccept);

/** The clauses of a request in the order they are to be tried; none at all means anything. */
export function acceptClauses(request: Pick<ApiRequest, "headers">): readonly AcceptClause[] {
  return clauseCache.get(acceptHeader(request));
}

function acceptHeader({ headers }: Pick<ApiRequest, "headers">): string {
  const values = headers.get("accept");
  const text = values === undefined ? "" : values.length === 1 ? (values[0] ?? "") : values.join(",");
  // The answer that refuses a longer one is negotiated as well.
  return text.slice(0, limits.maxParsedHeaderLength.value);
}

/** The first of `supported` that a clause covers. */
export function matchMediaType<T extends string>(clause: AcceptClause, supported: readonly T[]): T | undefined {
  return supported.find((mediaType) => {
    const slash = mediaType.indexOf("/");
    return (
      (clause.type === "*" && clause.subtype === "*") ||
      (clause.type === mediaType.slice(0, slash) &&
        (clause.subtype === "*" || clause.subtype === mediaType.slice(slash + 1)))
    );
  });
}

/** `undefined` when the clause asks for a transform this server doesn't have. */
function transformOf({ parameters }: AcceptClause): Transform | undefined {
  const as = parameters.get("as");
  const version = parameters.get("v");
  // A version without a transform is one that nothing is converted to here.
  if (as === undefined) return (version ?? "") === "" && (parameters.get("g") ?? "") === "" ? noTransform : undefined;
  if (parameters.get("g") !== "meta.k8s.io" || (version !== "v1" && version !== "v1beta1")) return undefined;
  if (as !== "Table" && as !== "PartialObjectMetadata" && as !== "PartialObjectMetadataList") return undefined;
  return { as, version };
}

/** The only server version (`sv`) is `v1`, the only stream `watch` (API N-04). */
function hasServableParameters({ parameters }: AcceptClause): boolean {
  const stream = parameters.get("stream");
  return (parameters.get("sv") ?? "v1") === "v1" && (stream === undefined || stream === "" || stream === "watch");
}

function chooseFormat(text: string, tables: boolean): OutputFormat | undefined {
  for (const clause of clauseCache.get(text)) {
    const mediaType = matchMediaType(clause, objectMediaTypes);
    const transform = transformOf(clause);
    if (mediaType === undefined || transform === undefined || !hasServableParameters(clause)) continue;
    if (transform.as === "Table" && !tables) continue;
    return {
      mediaType,
      transform,
      pretty: clause.parameters.get("pretty") === "1",
    };
  }
  return undefined;
}
const formatCache = new ParseCache((text) => ({
  format: chooseFormat(text, true),
  withoutTables: chooseFormat(text, false),
}));

/**
 * @param tables  whether the endpoint's objects can be shown as a Table: what is only answered, as reviews are, cannot
 * @throws StatusError 406, to be thrown before anything is done (API N-06)
 */
export function negotiateOutput(request: ApiRequest, tables = true): OutputFormat {
  const chosen = formatCache.get(acceptHeader(request));
  const format = tables ? chosen.format : chosen.withoutTables;
  if (format === undefined) throw newNotAcceptable(objectMediaTypes);
  return withPretty(request, format);
}

/** Streams are JSON only (API W-05). @throws StatusError 406 */
export function negotiateStream(request: ApiRequest): OutputFormat {
  const format = negotiateOutput(request);
  if (format.mediaType !== "application/json") throw newNotAcceptable(streamMediaTypes);
  return format;
}

/** Errors are written in the wanted format if possible and in JSON otherwise (API N-07). */
export function errorFormat(request: ApiRequest): OutputFormat {
  const { format } = formatCache.get(acceptHeader(request));
  return withPretty(request, {
    mediaType: format?.mediaType ?? "application/json",
    transform: noTransform,
    pretty: format?.pretty ?? false,
  });
}

/** What documents that exist in no other shape answer: plain clauses only (API D-19). @throws StatusError 406 */
export function negotiateDocument(request: ApiRequest): OutputFormat {
  for (const clause of acceptClauses(request)) {
    const mediaType = matchMediaType(clause, objectMediaTypes);
    if (mediaType === undefined || transformOf(clause)?.as !== "none" || !hasServableParameters(clause)) continue;
    return withPretty(request, {
      mediaType,
      transform: noTransform,
      pretty: clause.parameters.get("pretty") === "1",
    });
  }
  throw newNotAcceptable(objectMediaTypes);
}

const trueValues: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);
/** Agents behind which a person reads the answer (API N-50). */
const peoplesAgents: readonly string[] = ["curl", "Wget", "Mozilla/5.0"];

function withPretty(request: ApiRequest, format: OutputFormat): OutputFormat {
  const pretty = wantsPretty(request, format.pretty);
  return pretty === format.pretty ? format : { ...format, pretty };
}

function wantsPretty(request: ApiRequest, accepted: boolean): boolean {
  const asked = request.rawQuery === "" ? null : request.query.get("pretty");
  if (asked !== null) return trueValues.has(asked);
  if (accepted) return true;
  const agent = request.headers.get("user-agent")?.[0] ?? "";
  return peoplesAgents.some((prefix) => agent.startsWith(prefix));
}
