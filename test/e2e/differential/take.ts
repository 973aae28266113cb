/** A step as a request: what depends on the stored object, its resourceVersion say, is each server's own. */
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../../apiserver/machinery/fields.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { applyMergePatch } from "../../../apiserver/machinery/merge-patch.ts";
import type { Client, Reply } from "../../http/support/client.ts";
import type { Precondition, Step, Subject } from "./steps.ts";
import { collectionOf } from "./subjects.ts";

/** One object of one kind, which may not be there. */
export type Target = { readonly subject: Subject; readonly namespace: string; readonly name: string };

/** Says of an object what makes it valid, whenever it applies. */
const founder = "founder";

export const pathOf = ({ subject, namespace, name }: Target): string => `${collectionOf(subject, namespace)}/${name}`;

export async function take(client: Client, target: Target, step: Step): Promise<Reply> {
  const { subject, namespace } = target;
  const { fieldValidation } = step;
  const live = (await client.get(pathOf(target))).body;
  // Who creates an object by apply keeps what makes it valid.
  const manager = live.kind === "Status" ? founder : step.manager;
  const query = new URLSearchParams({
    fieldManager: manager,
    ...(step.dryRun && { dryRun: "All" }),
    ...(fieldValidation !== "" && { fieldValidation }),
  });
  const identity = identityOf(live, step.precondition);
  const path = pathOf(target);
  switch (step.verb) {
    case "create": {
      const object = merged(subject.base, step.fields);
      return client.post(`${collectionOf(subject, namespace)}?${query}`, named(target, object));
    }
    case "apply": {
      query.set("force", String(step.force));
      const whole = step.subresource === "" && manager === founder;
      const fields = whole ? merged(subject.base, step.fields) : step.fields;
      const body = merged(named(target, fields, step.subresource), identity);
      const headers = { "content-type": "application/apply-patch+yaml" };
      return client.send("PATCH", `${at(path, step.subresource)}?${query}`, { body, headers });
    }
    case "put": {
      const part = (await client.get(at(path, step.subresource))).body;
      const body = part.kind === "Status" ? named(target, subject.base) : part;
      return client.put(`${at(path, step.subresource)}?${query}`, merged(merged(body, step.fields), identity));
    }
    case "merge":
    case "strategic": {
      const type = step.verb === "merge" ? "merge" : "strategic-merge";
      return client.patch(`${at(path, step.subresource)}?${query}`, type, merged(step.fields, identity));
    }
    case "json":
      return client.patch(`${path}?${query}`, "json", [...step.operations]);
    case "reset":
      return client.patch(`${path}?${query}`, "merge", { metadata: { managedFields: [{}] } });
    case "delete":
      return client.delete(`${path}?${step.dryRun ? "dryRun=All" : ""}`, {
        preconditions: objectOf(identity, "metadata") ?? {},
      });
  }
}

const at = (path: string, subresource: string): string => (subresource === "" ? path : `${path}/${subresource}`);

function named({ subject, name }: Target, fields: JsonObject, subresource = ""): JsonObject {
  const type =
    subresource === "scale"
      ? { apiVersion: "autoscaling/v1", kind: "Scale" }
      : { apiVersion: subject.apiVersion, kind: subject.kind };
  return { ...fields, ...type, metadata: { ...objectOf(fields, "metadata"), name } };
}

const stale = "1";
const otherUid = "00000000-0000-0000-0000-000000000000";

/** What a body says so that it fits, or doesn't fit, the stored object. */
function identityOf(live: JsonObject, precondition: Precondition): JsonObject {
  const { resourceVersion, uid } = objectOf(live, "metadata") ?? {};
  switch (precondition) {
    case "none":
      return {};
    case "stale":
      return { metadata: { resourceVersion: stale } };
    case "otherUid":
      return { metadata: { uid: otherUid } };
    case "current":
      return resourceVersion === undefined || uid === undefined ? {} : { metadata: { resourceVersion, uid } };
  }
}

function merged(object: JsonObject, fields: JsonObject): JsonObject {
  const result: JsonValue = applyMergePatch(object, fields);
  return isObject(result) ? result : {};
}
