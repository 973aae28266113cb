import { limits } from "../limits.ts";
import { parseFieldSelector, requiredValue } from "../machinery/selectors.ts";

/** What the URL says (upstream `RequestInfo`), parsed once; authorization, routing, audit and metrics all read it. */
export type RequestInfo = {
  readonly isResourceRequest: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the method in lower case. */
  readonly verb: string;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  /**
   * Of the path, else `""`. For `list`, `watch` and `deletecollection`, which select objects, it is what their field
   * selector requires of `metadata.name` (API V-02). No other verb reads the selector, so for no other may it name what
   * is authorized.
   */
  readonly name: string;
  /** Path segments from the resource on, decoded: `[resource, name, subresource]`. */
  readonly parts: readonly string[];
};

/** By method; over HTTP/2 a client may call its method anything, so this is no object that has inherited members. */
const itemVerbs: ReadonlyMap<string, string> = new Map([
  ["GET", "get"],
  ["HEAD", "get"],
  ["POST", "create"],
  ["PUT", "update"],
  ["PATCH", "patch"],
  ["DELETE", "delete"],
]);
const collectionVerbs: ReadonlyMap<string, string> = new Map([
  ...itemVerbs,
  ["GET", "list"],
  ["HEAD", "list"],
  ["DELETE", "deletecollection"],
]);

/** Whether a method stands for a verb: one that is merely called like a verb, as `LIST`, does not. */
export const isServedMethod = (method: string): boolean => itemVerbs.has(method);

/** Segments after `namespaces/N` that belong to the Namespace object itself. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

/** Verbs of a collection that act on what a selector selects: authorization sees their selectors. */
export const selectingVerbs: ReadonlySet<string> = new Set(["list", "watch", "deletecollection"]);

/** Only `0` and (any case) `false` are false, an empty value is true (API V-06). */
export function queryBoolean(value: string | null): boolean {
  return value !== null && value !== "0" && value.toLowerCase() !== "false";
}

/**
 * Parses method, path and query of a request.
 *
 * The path is decoded as a whole, so `%2f` separates segments (API V-21). A path with empty segments is never a
 * resource request: it reaches nothing but a 404.
 *
 * @param path  as sent, without query
 * @returns     `undefined` when the path has a malformed percent escape
 */
export function parseRequestInfo(method: string, path: string, query: URLSearchParams): RequestInfo | undefined {
  const decoded = decodePath(path);
  if (decoded === undefined) return undefined;
  // Before it is taken apart: there may be a million of them.
  if (!resourcePath.test(decoded) || decoded.includes("//")) return nonResource(method, decoded);
  const segments = decoded.split("/");
  segments.shift();
  if (segments.at(-1) === "") segments.pop();
  const start = segments[0] === "api" ? 2 : 3;
  if (segments.length <= start) return nonResource(method, decoded);

  const group = start === 3 ? (segments[1] ?? "") : "";
  const version = segments[start - 1] ?? "";
  const deprecatedWatch = segments[start] === "watch" && segments.length > start + 1;
  const rest = segments.slice(deprecatedWatch ? start + 1 : start);
  const { namespace, parts } = splitNamespace(rest);
  const name = parts[1] ?? "";
  const verb = deprecatedWatch ? "watch" : verbOf(method, name !== "", query);
  return {
    isResourceRequest: true,
    verb,
    path: decoded,
    group,
    version,
    namespace,
    resource: parts[0] ?? "",
    subresource: parts[2] ?? "",
    name: name === "" && selectingVerbs.has(verb) ? selectedName(query) : name,
    parts,
  };
}

const resourcePath = /^\/apis?\//;

function decodePath(path: string): string | undefined {
  if (!path.includes("%")) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

function nonResource(method: string, path: string): RequestInfo {
  return {
    isResourceRequest: false,
    verb: method.toLowerCase(),
    path,
    group: "",
    version: "",
    namespace: "",
    resource: "",
    subresource: "",
    name: "",
    parts: [],
  };
}

function splitNamespace(segments: string[]): {
  namespace: string;
  parts: readonly string[];
} {
  const [first, namespace, third] = segments;
  if (first !== "namespaces" || namespace === undefined) return { namespace: "", parts: segments };
  if (third === undefined || namespaceSubresources.has(third)) return { namespace, parts: segments };
  return { namespace, parts: segments.slice(2) };
}

function verbOf(method: string, item: boolean, query: URLSearchParams): string {
  const verb = (item ? itemVerbs : collectionVerbs).get(method) ?? method.toLowerCase();
  return verb === "list" && queryBoolean(query.get("watch")) ? "watch" : verb;
}

function selectedName(query: URLSearchParams): string {
  const text = query.get("fieldSelector");
  if (text === null || text.length > limits.maxNamingSelectorLength.value || !text.includes("metadata.name")) return "";
  try {
    const name = requiredValue(parseFieldSelector(text), "metadata.name") ?? "";
    return namePathProblem(name) === undefined ? name : "";
  } catch {
    return ""; // the handler reports it
  }
}

/** Why a name cannot be a path segment (API V-21); `undefined` when it can. */
export function namePathProblem(name: string): string | undefined {
  if (name === "." || name === "..") return `may not be '${name}'`;
  if (name.includes("/")) return "may not contain '/'";
  if (name.includes("%")) return "may not contain '%'";
  return undefined;
}

/** Exempt from deadlines and in-flight limits (API R-02, W-07). */
export const isLongRunning = (info: RequestInfo): boolean => info.isResourceRequest && info.verb === "watch";
