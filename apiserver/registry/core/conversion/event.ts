/** Events, of the core group as they are stored, and as events.k8s.io/v1 has them: the same under other names. */
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, required } from "../../../errors/field-error.ts";
import { isSet, numberOf, objectOf, textOf } from "../../../machinery/fields.ts";
import type { Conversion } from "../../rest/strategy.ts";

/** Names in the core group and in the other one; members that are not listed have one name. */
const names: readonly (readonly [stored: string, served: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
  ["reportingComponent", "reportingController"],
];
const servedNames = new Map(names);
const storedNames = new Map(names.map(([stored, served]) => [served, stored]));

function renamed(object: KubeObject, to: ReadonlyMap<string, string>): KubeObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  const members: JsonObject = {};
  for (const [name, value] of Object.entries(rest)) members[to.get(name) ?? name] = value;
  return { ...members, apiVersion, kind, metadata };
}

/** Who tells in this group says when it happened, and leaves alone what the older group counts in. */
function validateNew(event: KubeObject): readonly FieldError[] {
  const type = textOf(event, "type");
  const old = [
    ["deprecatedFirstTimestamp", isSet(event, "deprecatedFirstTimestamp")],
    ["deprecatedLastTimestamp", isSet(event, "deprecatedLastTimestamp")],
    ["deprecatedCount", (numberOf(event, "deprecatedCount") ?? 0) !== 0],
    ["deprecatedSource", Object.keys(objectOf(event, "deprecatedSource") ?? {}).length > 0],
  ] as const;
  return [
    ...(isSet(event, "eventTime") ? [] : [required("eventTime", "")]),
    ...(type === "Normal" || type === "Warning" ? [] : [invalid("type", "", `has invalid value: ${type}`)]),
    ...old.filter(([, isGiven]) => isGiven).map(([field]) => invalid(field, "", "needs to be unset")),
  ];
}

export const eventConversion: Conversion = {
  validateNew,
  fromStored: (stored) => renamed(stored, servedNames),
  toStored: (served) => renamed(served, storedNames),
};
