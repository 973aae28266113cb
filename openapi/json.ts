/** What schemas describe: JSON, as it is decoded. */

/**
 * A decoded JSON value. Numbers that a double cannot hold as written are kept as `RawNumber` (design D8):
 * use `machinery/json.ts` to parse and print, never `JSON` directly, wherever user content passes.
 */
export type JsonValue = string | number | boolean | null | RawNumber | JsonValue[] | JsonObject;
export type JsonObject = { [field: string]: JsonValue | undefined };
/**
 * What `JSON.rawJSON` makes: a frozen object without prototype that prints as its text.
 * An interface, because a type alias would count as a `JsonObject` when types are narrowed.
 */
export interface RawNumber {
  readonly rawJSON: string;
}
