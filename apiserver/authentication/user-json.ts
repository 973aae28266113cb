import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { isObject } from "../machinery/json.ts";
import type { UserInfo } from "./user.ts";

/** The strings of a JSON array; what is no array has none. */
export function stringsOf(value: JsonValue | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
}

export const stringOf = (value: JsonValue | undefined): string => (typeof value === "string" ? value : "");

/** A user's `extra` from JSON; `undefined` when there is none. */
export function extraFromJson(value: JsonValue | undefined): NonNullable<UserInfo["extra"]> | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).map(([key, values]) => [key, stringsOf(values)] as const);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** `authentication.k8s.io/v1 UserInfo`; `undefined` when it names nobody. */
export function userFromJson(value: JsonValue | undefined): UserInfo | undefined {
  if (!isObject(value)) return undefined;
  const name = stringOf(value.username);
  if (name === "") return undefined;
  return newUser({
    name,
    groups: stringsOf(value.groups),
    uid: stringOf(value.uid),
    extra: extraFromJson(value.extra),
  });
}

/** A user without the members that are empty. */
export function newUser(user: {
  name: string;
  groups: readonly string[];
  uid: string | undefined;
  extra: UserInfo["extra"] | undefined;
}): UserInfo {
  return {
    name: user.name,
    groups: user.groups,
    ...(user.uid === undefined || user.uid === "" ? {} : { uid: user.uid }),
    ...(user.extra === undefined ? {} : { extra: user.extra }),
  };
}

export function extraToJson(extra: UserInfo["extra"]): JsonObject {
  return Object.fromEntries(Object.entries(extra ?? {}).map(([key, values]) => [key, [...values]]));
}

/** `authentication.k8s.io/v1 UserInfo`, as reviews answer it. */
export function userToJson(user: UserInfo): JsonObject {
  return {
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(user.extra === undefined ? {} : { extra: extraToJson(user.extra) }),
  };
}
