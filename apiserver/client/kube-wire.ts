/** How requests and answers of the Kubernetes API look: paths, query parameters, objects, lists and events. */
import { apiVersionOf, type JsonValue, type KubeList, type KubeObject, type WatchEvent } from "../apis/meta/v1.ts";
import { newInternal } from "../errors/status-error.ts";
import { textOf } from "../machinery/fields.ts";
import { isObject, parseJson, stringifyJson } from "../machinery/json.ts";
import type { ListQuery, ResourceType, WatchQuery } from "./client.ts";
import { statusErrorFromJson } from "./status-json.ts";

/** Query parameters, in order. */
export type QueryParameters = readonly (readonly [string, string])[];

export function parse(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    throw newInternal("the server's answer is not JSON", { cause: error });
  }
}

function isKubeObject(value: unknown, type?: ResourceType): value is KubeObject {
  if (!isJsonObject(value) || !isObject(value.metadata)) return false;
  return type !== undefined || (typeof value.apiVersion === "string" && typeof value.kind === "string");
}
const isJsonObject = (value: unknown): value is { readonly [field: string]: JsonValue | undefined } =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function objectFrom(value: JsonValue): KubeObject {
  if (!isKubeObject(value)) throw newInternal("the server's answer is not an object");
  return value;
}

export function listFrom(value: JsonValue, type: ResourceType): KubeList {
  if (!isObject(value) || !Array.isArray(value.items)) throw newInternal("the server's answer is not a list");
  const { metadata, items } = value;
  const given = isObject(metadata) ? metadata : {};
  const [resourceVersion, token] = [textOf(given, "resourceVersion"), textOf(given, "continue")];
  const remaining = given.remainingItemCount;
  // Items of built-in kinds come without their type.
  const own = { apiVersion: apiVersionOf(type), kind: type.kind };
  return {
    apiVersion: textOf(value, "apiVersion"),
    kind: textOf(value, "kind"),
    metadata: {
      resourceVersion,
      ...(token === "" ? {} : { continue: token }),
      ...(typeof remaining === "number" ? { remainingItemCount: remaining } : {}),
    },
    items: items.filter((item) => isKubeObject(item, type)).map((item) => ({ ...own, ...item })),
  };
}

export function eventFrom(value: JsonValue, type: ResourceType): WatchEvent {
  const event = isObject(value) ? value : {};
  const { type: eventType, object } = event;
  if (eventType === "ERROR" && isObject(object))
    return { type: "ERROR", object: statusErrorFromJson(object, 500).status };
  if (isKubeObject(object, type)) {
    const own = { apiVersion: apiVersionOf(type), kind: type.kind };
    if (eventType === "BOOKMARK") return { type: "BOOKMARK", object: { ...own, metadata: object.metadata } };
    if (eventType === "ADDED" || eventType === "MODIFIED" || eventType === "DELETED")
      return { type: eventType, object: { ...own, ...object } };
  }
  throw newInternal("the server sent a watch event that is none");
}

export function parameters(values: Readonly<Record<string, string | number | boolean | undefined>>): QueryParameters {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as const],
  );
}

export const listParameters = ({ namespace: _, ...query }: ListQuery) => parameters(query);

export const watchParameters = ({ namespace: _, allowBookmarks, ...query }: WatchQuery) =>
  parameters({
    ...query,
    watch: true,
    allowWatchBookmarks: allowBookmarks,
    // Kubernetes takes `sendInitialEvents` only together with the position being a lower bound (API W-20).
    resourceVersionMatch: query.sendInitialEvents === undefined ? undefined : "NotOlderThan",
  });

export const jsonBody = (type: string, value: JsonValue | object): { type: string; text: string } => ({
  type,
  text: stringifyJson(value),
});

/** The request target. Not through `URL`, which would resolve a name of `..` to another resource. */
export function targetOf(server: URL, { path, query = [] }: { path: string; query?: QueryParameters }): string {
  const parameters = new URLSearchParams(query.map(([name, value]) => [name, value])).toString();
  return `${server.pathname.replace(/\/$/, "")}${path}${parameters === "" ? "" : `?${parameters}`}`;
}
