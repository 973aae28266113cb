import { isObject } from "../../machinery/json.ts";

/** Says from which backup the store was filled, or is being so. */
export const importNoteKey = "/registry/functionmesh-import";

/** Identity of the store whose content this one has, all of it. */
export function replacedBy(note: Uint8Array | undefined): string | undefined {
  if (note === undefined) return undefined;
  const parsed: unknown = JSON.parse(new TextDecoder().decode(note));
  if (!isObject(parsed) || parsed.done !== true || typeof parsed.identity !== "string") return undefined;
  return parsed.identity;
}
