/** A step as a request: what depends on the stored object, its resourceVersion say, is each server's own. */
import { stringify } from "yaml";
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

/** @param live  the object as this server has stored it; `undefined` when it has none */
export async function take(client: Client, target: Target, step: Step, live: JsonObject | undefined): Promise<Reply> {
  const { subject, namespace } = target;
  const { fieldValidation } = step;
  // Who creates an object by apply keeps what makes it valid.
  const manager = live === undefined ? founder : step.manager;
  const query = new URLSearchParams({
    fieldManager: manager,
    ...(step.dryRun && { dryRun: "All" }),
    ...(fieldValidation !== "" && { fieldValidation }),
  });
  const identity = identityOf(live, step.precondition);
  const path = pathOf(target);
  const send = (method: string, at: string, body: JsonObject, type = "application/json"): Promise<Reply> => {
    const headers = { "content-type": type };
    return client.send(method, `${at}?${query}`, { body: textOf(body, step), headers });
  };
  switch (step.verb) {
    case "create":
      return send("POST", collectionOf(subject, namespace), named(target, merged(subject.base, step.fields)));
    case "apply": {
      query.set("force", String(step.force));
      const whole = step.subresource === "" && manager === founder;
      const fields = whole ? merged(subject.base, step.fields) : step.fields;
      const body = merged(named(target, fields, step.subresource), identity);
      return send("PATCH", at(path, step.subresource), body, "application/apply-patch+yaml");
    }
    case "put": {
      const shown = step.subresource === "scale" ? whatIs(await client.get(at(path, "scale"))) : live;
      const body = shown ?? named(target, step.subresource === "scale" ? {} : subject.base, step.subresource);
      return send("PUT", at(path, step.subresource), merged(merged(body, step.fields), identity));
    }
    case "merge":
    case "strategic": {
      const type = step.verb === "merge" ? "merge" : "strategic-merge";
      const body = merged(step.fields, identity);
      return send("PATCH", at(path, step.subresource), body, `application/${type}-patch+json`);
    }
    case "json":
      return client.patch(`${path}?${query}`, "json", [...step.operations]);
    case "reset":
      return client.patch(`${path}?${query}`, "merge", { metadata: { managedFields: [{}] } });
    case "delete":
      return client.delete(path, {
        preconditions: objectOf(identity, "metadata") ?? {},
        ...(step.dryRun && { dryRun: ["All"] }),
        ...(step.propagation !== "" && { propagationPolicy: step.propagation }),
      });
  }
}

/** The object that an answer is, if it is one. */
export function whatIs(reply: Reply): JsonObject | undefined {
  return reply.status === 404 ? undefined : reply.body;
}

/** A repeated member says the same again, so that it is known what is meant whichever of both counts. */
function textOf(body: JsonObject, { form }: Step): string {
  switch (form) {
    case "json":
      return JSON.stringify(body);
    case "yaml":
      return stringify(body);
    case "repeated": {
      const [name = "metadata"] = Object.keys(body).sort();
      const again = body[name] ?? null;
      return `{${JSON.stringify(name)}:${JSON.stringify(again)},${JSON.stringify({ [name]: again, ...body }).slice(1)}`;
    }
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
function identityOf(live: JsonObject | undefined, precondition: Precondition): JsonObject {
  const { resourceVersion, uid } = objectOf(live ?? {}, "metadata") ?? {};
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
