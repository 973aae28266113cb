/** Sending any object that the server serves to where it belongs, as `kubectl create` and `kubectl apply` do. */

import type { JsonObject, JsonValue, KubeObject } from "../../../apiserver/apis/meta/v1.ts";
import { objectOf, textOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { computeResources } from "../../../apiserver/registry/compute/resources.ts";
import { coreDefinitions } from "../../support/core-resources.ts";

import { type Client, type Reply, valueAt } from "./client.ts";
import { createNamespace } from "./objects.ts";

const served = [...coreDefinitions, ...computeResources];

export function isKubeObject(value: JsonValue): value is JsonObject & KubeObject {
  return isObject(value) && typeof value.kind === "string" && isObject(value.metadata);
}

/** Path of the collection an object belongs to; `undefined` for kinds that nobody serves here. */
export function collectionOf(object: KubeObject, namespace: string): string | undefined {
  const row = served.find(({ kind, group, version }) => {
    const apiVersion = group === "" ? version : `${group}/${version}`;
    return kind === object.kind && apiVersion === object.apiVersion;
  });
  if (row === undefined) return undefined;
  const scope = row.namespaced ? `/namespaces/${object.metadata.namespace ?? namespace}` : "";
  return `${row.group === "" ? "/api" : `/apis/${row.group}`}/${row.version}${scope}/${row.resource}`;
}

/** Creates the namespaces that objects name themselves, those that exist already excepted. */
export async function createNamespacesOf(admin: Client, objects: readonly KubeObject[]): Promise<void> {
  const wanted = new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []));
  for (const name of wanted) {
    if ((await admin.get(`/api/v1/namespaces/${name}`)).status === 404) await createNamespace(admin, name);
  }
}

/** Creates the object, or replaces the one of that name. */
export async function put(admin: Client, collection: string, object: JsonObject & KubeObject): Promise<Reply> {
  const { name } = object.metadata;
  const live = name === undefined ? undefined : await admin.get(`${collection}/${name}`);
  if (live?.status !== 200) return admin.post(collection, object);
  const resourceVersion = live.at("metadata", "resourceVersion") ?? "";
  return admin.put(`${collection}/${name}`, { ...object, metadata: { ...object.metadata, resourceVersion } });
}

/** `details.causes[].field` of a failure, in order. */
export function refusedFields(reply: Reply): readonly string[] {
  const causes = reply.at("details", "causes");
  return Array.isArray(causes) ? causes.map((cause) => textOf(isObject(cause) ? cause : undefined, "field")) : [];
}

/** Paths of what was sent and isn't read as it was sent; what the server added is no loss. */
export function lostFields(sent: JsonObject, read: JsonObject): readonly string[] {
  return missing(readable(sent), read, "");
}

/** What is written as `stringData` is read as `data`. */
function readable({ stringData, ...object }: JsonObject): JsonObject {
  const texts = Object.entries(objectOf({ stringData }, "stringData") ?? {});
  if (texts.length === 0) return object;
  const encoded = texts.map(([key, text]) => [key, Buffer.from(String(text)).toString("base64")] as const);
  return { ...object, data: { ...objectOf(object, "data"), ...Object.fromEntries(encoded) } };
}

function missing(sent: JsonValue | undefined, stored: JsonValue | undefined, path: string): readonly string[] {
  if (Array.isArray(sent)) {
    if (!Array.isArray(stored) || stored.length !== sent.length) return [path];
    return sent.flatMap((item, index) => missing(item, valueAt(stored, index), `${path}[${index}]`));
  }
  if (isObject(sent)) {
    if (!isObject(stored)) return [path];
    return Object.entries(sent).flatMap(([member, value]) => missing(value, stored[member], `${path}.${member}`));
  }
  return sent === stored ? [] : [path];
}
