import type { JsonObject, JsonValue, KubeObject, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { RestWatchEvent } from "../../apiserver/registry/rest/interface.ts";

export const widgetKind = { group: "test.example", version: "v1", kind: "Widget" } as const;

/** A small valid object of a kind that exists only in tests. */
export function aWidget(
  name: string,
  { metadata, ...rest }: { metadata?: ObjectMeta; spec?: JsonObject } = {},
): KubeObject {
  return {
    apiVersion: `${widgetKind.group}/${widgetKind.version}`,
    kind: widgetKind.kind,
    metadata: { name, namespace: "demo", ...metadata },
    spec: { size: 1 },
    ...rest,
  };
}

/** `ADDED demo/a`, `BOOKMARK 7`, `ERROR 410`: enough to compare streams by. */
export function brief(event: RestWatchEvent): string {
  switch (event.type) {
    case "BOOKMARK":
      return `BOOKMARK ${event.resourceVersion}${event.initialEventsEnd ? " end" : ""}`;
    case "ERROR":
      return `ERROR ${event.status.code}`;
    default: {
      const { namespace, name } = event.item.object.metadata;
      return `${event.type} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
    }
  }
}

/** Reads exactly `count` events, however they are batched; what is left of the last batch is lost. */
export async function take(
  events: AsyncIterator<readonly RestWatchEvent[]>,
  count: number,
): Promise<readonly RestWatchEvent[]> {
  const taken: RestWatchEvent[] = [];
  while (taken.length < count) {
    const { done, value } = await events.next();
    if (done === true) break;
    taken.push(...value);
  }
  return taken;
}

/** A member that is an object; `{}` when it is none. */
export function objectAt(object: KubeObject | JsonObject, field: string): JsonObject {
  const value: JsonValue | ObjectMeta | undefined = object[field];
  return isObject(value) ? value : {};
}
