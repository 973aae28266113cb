/**
 * Warns of ConfigMaps, Secrets, claims and service accounts that a spec names and nobody has made. Order of creation is the
 * user's affair, so nothing is refused for it.
 *
 * Asked for by strict validation, as kubectl does it: who writes for people wants to be told, and programs that write by
 * the thousand don't pay for look-ups. A dry run is told the same, as looking changes nothing.
 */
import { group, workloadResources } from "../../../apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../../apis/meta/v1.ts";
import type { ObjectRef } from "../../../client/client.ts";
import { joinPath } from "../../../errors/field-error.ts";
import { limits } from "../../../limits.ts";
import { listOf, objectOf } from "../../../machinery/fields.ts";
import { isObject } from "../../../machinery/json.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "../../interface.ts";
import { type Reference, referencesIn } from "./references.ts";

/** Whether an object is known not to exist. */
export type MissingLookup = (ref: ObjectRef, signal: AbortSignal) => Promise<boolean>;

export class AbsentReferences implements AdmissionPlugin {
  readonly name = "AbsentReferences";
  readonly #isMissing: MissingLookup;

  constructor(isMissing: MissingLookup) {
    this.#isMissing = isMissing;
  }

  async validate({ resource, subresource, object, oldObject, options, ...where }: AdmissionAttributes): Promise<void> {
    if (resource.group !== group || subresource !== "" || options.fieldValidation !== "Strict") return;
    const { namespace, signal, warn } = where;
    const before = new Set(references(resource.resource, oldObject).keys());
    const named = [...references(resource.resource, object)].filter(([key]) => !before.has(key));
    const looked = named.slice(0, limits.maxReferenceLookups.value).map(([, reference]) => reference);
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(limits.maxReferenceLookupMs.value)]);
    const missing = await Promise.all(looked.map((reference) => this.#look(reference, namespace, inTime)));
    signal.throwIfAborted();
    for (const [index, { name, at, type, then }] of looked.entries()) {
      if (missing[index] === true) warn(`${at}: ${type.kind} ${JSON.stringify(name)} doesn't exist: ${then}`);
    }
  }

  /** No answer in time is none: a warning is not worth a failed write. */
  #look({ name, type }: Reference, namespace: string, signal: AbortSignal): Promise<boolean> {
    return this.#isMissing({ type, namespace, name }, signal).catch(() => false);
  }
}

/** Those of an object, by kind and name, each where it is named first. */
function references(resource: string, object: KubeObject | undefined): ReadonlyMap<string, Reference> {
  const spec = objectOf(object, "spec") ?? {};
  const all = workloadResources.includes(resource)
    ? referencesIn(spec, "spec")
    : workloadResources.flatMap((list) =>
        listOf(spec, list).flatMap((component, index) =>
          isObject(component) ? referencesIn(component, joinPath("spec", list, index)) : [],
        ),
      );
  const distinct = new Map<string, Reference>();
  for (const reference of all) {
    const key = `${reference.type.kind}/${reference.name}`;
    if (!distinct.has(key)) distinct.set(key, reference);
  }
  return distinct;
}
