/** The two servers that are asked the same, and how one answer is held against the other. */
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import type { Client, Reply } from "../../http/support/client.ts";

export type Peer = {
  readonly name: string;
  readonly client: Client;
};

/** What an answer means, without what no two servers can agree on. */
export function meaningOf(reply: Reply): JsonValue {
  const { body } = reply;
  if (body.kind !== "Status") return { code: reply.status, object: comparable(body) };
  const { reason, details, message } = body;
  const causes = isObject(details) && Array.isArray(details.causes) ? details.causes.map(causeOf).sort() : [];
  const isTyped = typeof message === "string" && message.startsWith("failed to create typed patch object");
  // kube-apiserver calls a mistake of the client an error of its own; here it is 400.
  if (isTyped) return { code: 400, reason: "BadRequest", message, causes: [] };
  return {
    code: reply.status,
    reason: reason ?? "",
    causes,
    ...(reply.status === 409 ? { message: message ?? "" } : {}),
  };
}

const causeOf = (cause: JsonValue): string => {
  const { reason, field, message } = isObject(cause) ? cause : {};
  // Messages of validation are a matter of each kind.
  return [reason, field, ...(reason === "FieldManagerConflict" ? [message] : [])].join(" ");
};

/** The object with identity and times left out, and whether a time is there at all. */
export function comparable(object: JsonObject): JsonObject {
  const metadata = isObject(object.metadata) ? object.metadata : {};
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    managedFields,
    namespace: _namespace,
    ...kept
  } = metadata;
  const entries = Array.isArray(managedFields) ? managedFields.map(withoutTime) : [];
  return { ...object, metadata: { ...kept, ...(entries.length > 0 && { managedFields: entries.sort(byIdentity) }) } };
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
