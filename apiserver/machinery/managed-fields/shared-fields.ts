/**
 * Objects that one tool wrote are owned field by field alike: thousands of them share one `fieldsV1`, and what was read of
 * it is kept as long as it is in use.
 *
 * Invariant: forgetting all of this changes speed and memory, not answers.
 */
import { LRUCache } from "lru-cache";
import type { JsonObject, ManagedFieldsEntry, ObjectMeta } from "../../apis/meta/v1.ts";
import { limits } from "../../limits.ts";
import { isObject, stringifyJson } from "../json.ts";
import { parseJsonInSteps } from "../json-pieces.ts";
import { stepLength } from "../json-text.ts";
import type { FieldSet } from "../structured-merge/field-set.ts";
import { fieldsV1TextInSteps, fromFieldsV1, mayHold } from "../structured-merge/fields-v1.ts";
import type { Steps } from "../turns.ts";

/** A JSON that objects share, with what was read of it. */
type Shared = { readonly json: JsonObject; isKept: boolean; wasRead: boolean; fields: FieldSet | undefined };

const byText = new LRUCache<string, Shared>({
  max: limits.maxSharedFieldSets.value,
  dispose: (shared) => {
    shared.isKept = false;
    shared.fields = undefined;
  },
});
const sharedOf = new WeakMap<JsonObject, Shared>();
/** Of sets that were read or printed: most writes leave most sets as they are. */
const jsonOf = new WeakMap<FieldSet, JsonObject>();
/** Too long to be shared, and read. */
const longRead = new WeakSet<JsonObject>();

/** As `fromFieldsV1`. @throws FieldsV1Error, PathElementError */
export function readFieldsV1(json: JsonObject): FieldSet {
  const known = sharedOf.get(json)?.fields;
  if (known !== undefined) return known;
  const fields = fromFieldsV1(json);
  note(fields, json);
  return fields;
}

/** As `mayHold`, but `true` also for what has not been read yet and may be no set at all. */
export const mayHoldFields = (json: JsonObject, fields: FieldSet): boolean =>
  !(sharedOf.get(json)?.wasRead ?? longRead.has(json)) || mayHold(json, fields);

function note(fields: FieldSet, json: JsonObject): void {
  jsonOf.set(fields, json);
  const shared = sharedOf.get(json);
  if (shared === undefined) {
    longRead.add(json);
    return;
  }
  shared.wasRead = true;
  if (shared.isKept) shared.fields = fields;
}

/** As `toFieldsV1`; equal sets share one JSON. */
export function* sharedFieldsV1InSteps(fields: FieldSet): Steps<JsonObject> {
  const known = jsonOf.get(fields);
  if (known !== undefined) return known;
  const text = yield* fieldsV1TextInSteps(fields);
  const json = byText.get(text)?.json ?? share(text, yield* parsed(text));
  note(fields, json);
  return json;
}

/** Objects alone, of which the fastest parser loses nothing. */
function* parsed(text: string): Steps<JsonObject> {
  if (text.length <= stepLength) return JSON.parse(text);
  const value = yield* parseJsonInSteps(text);
  return isObject(value) ? value : {};
}

/** Metadata as it was read from storage, with the JSON that other objects have too. */
export function withSharedFields(metadata: ObjectMeta): ObjectMeta {
  const { managedFields } = metadata;
  if (!Array.isArray(managedFields)) return metadata;
  return { ...metadata, managedFields: managedFields.map(withSharedJson) };
}

function withSharedJson(entry: ManagedFieldsEntry): ManagedFieldsEntry {
  if (entry.fieldsV1 === undefined) return entry;
  const text = stringifyJson(entry.fieldsV1);
  return { ...entry, fieldsV1: byText.get(text)?.json ?? share(text, entry.fieldsV1) };
}

function share(text: string, json: JsonObject): JsonObject {
  if (text.length > limits.maxSharedFieldsLength.value) return json;
  const shared: Shared = { json, isKept: true, wasRead: false, fields: undefined };
  byText.set(text, shared);
  sharedOf.set(json, shared);
  return json;
}
