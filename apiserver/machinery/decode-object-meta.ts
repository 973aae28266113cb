import type { JsonObject, JsonValue, ManagedFieldsEntry, ObjectMeta, OwnerReference } from "../apis/meta/v1.ts";
import { quoteValue } from "../errors/abridge.ts";
import { joinPath } from "../errors/field-error.ts";
import { limits } from "../limits.ts";
import { isObject, isRawNumber, setMember } from "./json.ts";
import { canonicalTime } from "./time.ts";

/** Decoding of `metadata`, which every kind has and no kind's schema describes in detail (API section 4). */

export type DecodedObjectMeta = {
  readonly metadata: ObjectMeta;
  /** Members that mean nothing, as `metadata.clusterName`; they are left out (API M-27). */
  readonly unknownFields: readonly string[];
  /** Why it cannot be decoded at all; `metadata` is incomplete then and the request is answered 400. */
  readonly malformed: string | undefined;
};

/** What a reader reports to besides its result. */
type Context = { readonly unknownFields: string[] };
type Reader<T> = (value: JsonValue, field: string, context: Context) => T;
/** One reader per member; a member that is not listed is unknown. */
type Readers<T> = { readonly [K in keyof T]-?: Reader<NonNullable<T[K]>> };

class MalformedError extends Error {}

function typeName(value: JsonValue): string {
  if (Array.isArray(value)) return "array";
  return isRawNumber(value) ? "number" : typeof value === "boolean" ? "bool" : typeof value;
}

/** Worded as Go's decoder does, which is what clients see from every other API server. */
function wrongType(value: JsonValue, field: string, wanted: string): MalformedError {
  return new MalformedError(
    `json: cannot unmarshal ${typeName(value)} into Go struct field ${field} of type ${wanted}`,
  );
}

const text: Reader<string> = (value, field) => {
  if (typeof value !== "string") throw wrongType(value, field, "string");
  return value;
};
const flag: Reader<boolean> = (value, field) => {
  if (typeof value !== "boolean") throw wrongType(value, field, "bool");
  return value;
};
const integer: Reader<number> = (value, field) => {
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(value, field, "int64");
  return value;
};
const time: Reader<string> = (value, field) => {
  const canonical = canonicalTime(text(value, field, { unknownFields: [] }));
  if (canonical === undefined)
    throw new MalformedError(`parsing time ${quoteValue(value)} of ${field}: not in RFC 3339`);
  return canonical;
};
const anyObject: Reader<JsonObject> = (value, field) => {
  if (!isObject(value)) throw wrongType(value, field, "v1.FieldsV1");
  return value;
};
/** A null value is the empty text. */
const textMap: Reader<{ [key: string]: string }> = (value, field) => {
  if (!isObject(value)) throw wrongType(value, field, "map[string]string");
  const result: { [key: string]: string } = {};
  for (const key of Object.keys(value)) {
    setMember(result, key, text(value[key] ?? "", field, { unknownFields: [] }));
  }
  return result;
};
function list<T>(item: Reader<T>, wanted: string): Reader<T[]> {
  return (value, field, context) => {
    if (!Array.isArray(value)) throw wrongType(value, field, `[]${wanted}`);
    return value.map((entry, index) => item(entry ?? "", `${field}[${index}]`, context));
  };
}
/** A null member is an absent one. */
function struct<T extends object>(
  readers: Readers<T>,
  make: () => T,
  ignored: ReadonlySet<string> = new Set(),
): Reader<T> {
  const isKnown = (name: string): name is Extract<keyof T, string> => Object.hasOwn(readers, name);
  const read = <K extends Extract<keyof T, string>>(
    into: T,
    name: K,
    value: JsonValue,
    field: string,
    context: Context,
  ) => {
    into[name] = readers[name](value, field, context);
  };
  return (value, field, context) => {
    if (!isObject(value)) throw wrongType(value, field, "object");
    const result = make();
    for (const name of Object.keys(value)) {
      const entry = value[name];
      const memberField = joinPath(field, name);
      if (isKnown(name)) {
        if (entry !== null && entry !== undefined) read(result, name, entry, memberField, context);
      } else if (!ignored.has(name) && context.unknownFields.length < limits.maxDecodingProblems.value) {
        context.unknownFields.push(memberField);
      }
    }
    return result;
  };
}

const ownerReference = struct<OwnerReference>(
  { apiVersion: text, kind: text, name: text, uid: text, controller: flag, blockOwnerDeletion: flag },
  () => ({ apiVersion: "", kind: "", name: "", uid: "" }),
);
const managedFieldsEntry = struct<ManagedFieldsEntry>(
  {
    manager: text,
    operation: text,
    apiVersion: text,
    time,
    fieldsType: text,
    fieldsV1: anyObject,
    subresource: text,
  },
  () => ({}),
);
const objectMeta = struct<ObjectMeta>(
  {
    name: text,
    generateName: text,
    namespace: text,
    uid: text,
    resourceVersion: text,
    generation: integer,
    creationTimestamp: time,
    deletionTimestamp: time,
    deletionGracePeriodSeconds: integer,
    labels: textMap,
    annotations: textMap,
    ownerReferences: list(ownerReference, "v1.OwnerReference"),
    finalizers: list(text, "string"),
    managedFields: list(managedFieldsEntry, "v1.ManagedFieldsEntry"),
  },
  () => ({}),
  // Known to old clients, never stored (API M-12).
  new Set(["selfLink"]),
);

/** Absent and null are empty metadata. Times come out as the server prints them; nothing else is changed. */
export function decodeObjectMeta(value: JsonValue | undefined): DecodedObjectMeta {
  const context: Context = { unknownFields: [] };
  try {
    const metadata = objectMeta(value ?? {}, "metadata", context);
    return { metadata, unknownFields: context.unknownFields, malformed: undefined };
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
    return { metadata: {}, unknownFields: [], malformed: error.message };
  }
}
