import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

/** `spec` or `status` of an object whose type we don't model; empty when it has none. */
export function partOf(object: KubeObject | undefined, part: "spec" | "status"): JsonObject {
  const value: JsonValue | undefined = object?.[part];
  return isObject(value) ? value : {};
}

/** 0 when there is no such number: the API server leaves zeros out. */
export function numberAt(object: KubeObject | undefined, part: "spec" | "status", field: string): number {
  const value = partOf(object, part)[field];
  return typeof value === "number" ? value : 0;
}
