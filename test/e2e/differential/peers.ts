/** How the answer of one server is held against that of the other. */
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import type { Reply } from "../../http/support/client.ts";

/** What an answer means, without what no two servers can agree on. */
export function meaningOf(reply: Reply): JsonValue {
  const { body } = reply;
  const warnings = [...reply.warnings];
  if (body.kind !== "Status" || body.status === "Success")
    return { code: reply.status, object: comparable(body), warnings };
  const { reason, message } = body;
  // kube-apiserver checks the metadata of a custom resource twice.
  const causes = [...new Set(causesOf(body).map(causeOf))].sort();
  const isTyped = typeof message === "string" && message.startsWith("failed to create typed patch object");
  // kube-apiserver calls a mistake of the client an error of its own; here it is 400.
  if (isTyped) return { code: 400, reason: "BadRequest", message, causes: [] };
  return {
    code: reply.status,
    reason: reason ?? "",
    causes,
    ...(reply.status === 409 ? { message: withoutIdentity(String(message)) } : {}),
  };
}

/**
 * Whose uid and resourceVersion it is, is each server's own. There a refused deletion calls the resource by its kind, and
 * what storage says is told with the key. Managers in conflict come in order of the time of their entries there.
 */
const withoutIdentity = (message: string): string =>
  message
    .replace(/StorageError: .*, AdditionalErrorMsg: /, "")
    .replace(/^Operation cannot be fulfilled on [\w./]+ /, "Operation cannot be fulfilled on it: ")
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UID")
    .replaceAll(/\b\d+\b/g, "REVISION")
    .split("\n")
    .sort()
    .join("\n");

const causesOf = ({ details }: JsonObject): readonly JsonValue[] =>
  isObject(details) && Array.isArray(details.causes) ? details.causes : [];

const causeOf = (cause: JsonValue): string => {
  const { reason, field, message } = isObject(cause) ? cause : {};
  if (reason === "FieldManagerConflict") return [reason, field, message].join(" ");
  // Messages of validation are a matter of each kind; the replicas of a Scale are called by two paths.
  return `${reason} ${String(field).replace(/^\./, "")}`;
};

/** The newest kube-apiserver fills it in at once; ours leaves it to the controller, as those before do. */
const newDefaults: ReadonlySet<string> = new Set(["maxUnavailable", "f:maxUnavailable"]);

function withoutNewDefaults(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNewDefaults);
  if (!isObject(value)) return value ?? null;
  const members = Object.entries(value).filter(([name]) => !newDefaults.has(name));
  return Object.fromEntries(members.map(([name, member]) => [name, withoutNewDefaults(member)]));
}

/** The object with identity and times left out, and whether a time is there at all. */
export function comparable(given: JsonObject): JsonObject {
  const known = given.kind === "StatefulSet" ? withoutNewDefaults(given) : given;
  const object = isObject(known) ? known : given;
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    deletionTimestamp,
    managedFields,
    namespace: _namespace,
    ...kept
  } = metadata;
  const entries = Array.isArray(managedFields) ? managedFields.map(withoutTime) : [];
  const isDeleted = deletionTimestamp !== undefined && { deletionTimestamp: "set" };
  const details = isObject(object.details) && { details: { ...object.details, uid: "UID" } };
  // A Scale of none names no number there.
  const scale = object.kind === "Scale" && { spec: { replicas: 0, ...objectOf(object, "spec") } };
  return {
    ...object,
    ...scale,
    ...details,
    metadata: { ...kept, ...isDeleted, ...(entries.length > 0 && { managedFields: entries.sort(byIdentity) }) },
  };
}

function withoutTime(entry: JsonValue): JsonValue {
  if (!isObject(entry)) return entry;
  const { time, ...rest } = entry;
  return { ...rest, timed: time !== undefined };
}

/** Their order is by time, and the clocks of two servers tick apart. */
const byIdentity = (a: JsonValue, b: JsonValue): number => (identityOf(a) < identityOf(b) ? -1 : 1);

function identityOf(entry: JsonValue): string {
  const { manager, operation, apiVersion, subresource } = isObject(entry) ? entry : {};
  return JSON.stringify([manager, operation, apiVersion, subresource]);
}
