import {
  foregroundFinalizer,
  type ManagedFieldsEntry,
  type ObjectMeta,
  type OwnerReference,
  orphanFinalizer,
} from "../apis/meta/v1.ts";
import { abridged } from "../errors/abridge.ts";
import { type FieldError, forbiddenField, invalid, joinPath, path, required, tooLong } from "../errors/field-error.ts";
import { fieldManagerErrors } from "../errors/field-manager.ts";
import { limits } from "../limits.ts";
import { labelProblems, labelValueProblems, qualifiedNameProblems, withoutTrailingDash } from "./names.ts";

/** What metadata must be, for every kind alike (API section 4). Paths and texts are those of kube-apiserver. */

const labelsField = path("metadata", "labels");
const annotationsField = path("metadata", "annotations");
const finalizersField = path("metadata", "finalizers");
const ownersField = path("metadata", "ownerReferences");

const maxAnnotationsBytes = limits.maxAnnotationsBytes.value;
const maxSubresourceBytes = 256;

export type ObjectMetaRules = {
  readonly namespaced: boolean;
  /** What is wrong with a name of this kind; nothing for a good one. */
  readonly validateName: (name: string) => readonly string[];
};

/** On create, after a name has been generated. */
export function validateObjectMeta(meta: ObjectMeta, rules: ObjectMetaRules): FieldError[] {
  return [...validateNames(meta, rules), ...validateNamespace(meta, rules.namespaced), ...validateCommon(meta)];
}

function validateNames({ name = "", generateName = "" }: ObjectMeta, { validateName }: ObjectMetaRules): FieldError[] {
  const ofBase = generateName === "" ? [] : validateName(withoutTrailingDash(generateName));
  const errors = ofBase.map((problem) => invalid(path("metadata", "generateName"), generateName, problem));
  if (name === "") return [...errors, required(path("metadata", "name"), "name or generateName is required")];
  return [...errors, ...validateName(name).map((problem) => invalid(path("metadata", "name"), name, problem))];
}

function validateNamespace({ namespace = "" }: ObjectMeta, namespaced: boolean): FieldError[] {
  const field = path("metadata", "namespace");
  if (!namespaced) return namespace === "" ? [] : [forbiddenField(field, "not allowed on this type")];
  if (namespace === "") return [required(field, "")];
  return labelProblems(namespace).map((problem) => invalid(field, namespace, problem));
}

/** Members nobody may change once the object exists (API M-22); `undefined` equals absent. */
const immutableMembers = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const satisfies (keyof ObjectMeta)[];

/**
 * On update, after the members that clients cannot change have been restored. `meta.resourceVersion` must be set, by the
 * client or, for an unconditional update, by the caller.
 */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) errors.push(...validateNoNewFinalizers(meta, old));
  const resourceVersion = meta.resourceVersion ?? "";
  if (resourceVersion === "") {
    errors.push(invalid(path("metadata", "resourceVersion"), resourceVersion, "must be specified for an update"));
  }
  const generation = meta.generation ?? 0;
  if (generation < (old.generation ?? 0)) {
    errors.push(invalid(path("metadata", "generation"), generation, "must not be decremented"));
  }
  for (const member of immutableMembers) {
    if (meta[member] !== old[member])
      errors.push(invalid(path("metadata", member), meta[member], "field is immutable"));
  }
  return [...errors, ...validateCommon(meta)];
}

function validateNoNewFinalizers(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const known = new Set(old.finalizers);
  const added = (meta.finalizers ?? []).filter((finalizer) => !known.has(finalizer)).sort();
  if (added.length === 0) return [];
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
  return [
    forbiddenField(
      finalizersField,
      `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    ),
  ];
}

function validateCommon(meta: ObjectMeta): FieldError[] {
  const { generation = 0 } = meta;
  return [
    ...(generation < 0
      ? [invalid(path("metadata", "generation"), generation, "must be greater than or equal to 0")]
      : []),
    ...validateLabels(meta.labels ?? {}, labelsField),
    ...validateAnnotations(meta.annotations ?? {}),
    ...validateOwnerReferences(meta.ownerReferences ?? []),
    ...validateFinalizers(meta.finalizers ?? []),
    ...validateManagedFields(meta.managedFields ?? []),
  ];
}

/** Also for labels elsewhere, such as those of a pod template. */
export function validateLabels(labels: Readonly<Record<string, string>>, field: string): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [
    ...qualifiedNameProblems(key).map((problem) => invalid(field, key, problem)),
    ...labelValueProblems(value).map((problem) => invalid(field, value, problem)),
  ]);
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): FieldError[] {
  const entries = Object.entries(annotations);
  const errors = entries.flatMap(([key]) =>
    qualifiedNameProblems(key.toLowerCase()).map((problem) => invalid(annotationsField, key, problem)),
  );
  let bytes = 0;
  for (const [key, value] of entries) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  return bytes > maxAnnotationsBytes ? [...errors, tooLong(annotationsField, maxAnnotationsBytes, "bytes")] : errors;
}

function validateOwnerReferences(owners: readonly OwnerReference[]): FieldError[] {
  const errors = owners.flatMap((owner, index) => validateOwnerReference(owner, joinPath(ownersField, index)));
  const [first, ...others] = owners.filter((owner) => owner.controller === true);
  if (first === undefined) return errors;
  const nameOf = ({ kind, name }: OwnerReference): string => abridged(`${kind}/${name}`);
  const shown = owners.slice(0, maxShownOwners);
  const clashes = others
    .slice(0, limits.maxCauses.value)
    .map((other) =>
      invalid(
        ownersField,
        shown,
        `Only one reference can have Controller set to true. Found "true" in references for ${nameOf(first)} and ${nameOf(other)}`,
      ),
    );
  // Each quotes what is seen of all owners; the others are counted, not worded.
  const further = others.slice(clashes.length).map(() => furtherClash);
  return [...errors, ...clashes, ...further];
}

const furtherClash = invalid(ownersField, undefined, "Only one reference can have Controller set to true");
/** More than fit into a message. */
const maxShownOwners = 16;
const groupVersion = /^([^/]+\/)?[^/]+$/;

function validateOwnerReference(owner: OwnerReference, field: string): FieldError[] {
  const missing = (["apiVersion", "kind", "name", "uid"] as const)
    .filter((member) => owner[member] === "")
    .map((member) => required(joinPath(field, member), "must not be empty"));
  const { apiVersion } = owner;
  const malformed = apiVersion !== "" && !groupVersion.test(apiVersion);
  // Events are deleted by age; as owners they would take their dependents along.
  const banned = apiVersion === "v1" && owner.kind === "Event";
  return [
    ...missing,
    ...(malformed
      ? [invalid(joinPath(field, "apiVersion"), apiVersion, "must be <group>/<version> or <version>")]
      : []),
    ...(banned ? [invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner")] : []),
  ];
}

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const errors = finalizers.flatMap((finalizer) =>
    qualifiedNameProblems(finalizer).map((problem) => invalid(finalizersField, finalizer, problem)),
  );
  if (!finalizers.includes(orphanFinalizer) || !finalizers.includes(foregroundFinalizer)) return errors;
  const detail = `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`;
  return [...errors, invalid(finalizersField, [...finalizers], detail)];
}

/** What manager and subresource may be called; whatever else is malformed makes the submitted list be ignored, not refused (API section 17, M-23). */
function validateManagedFields(entries: readonly ManagedFieldsEntry[]): FieldError[] {
  return entries.flatMap(({ manager = "", subresource = "" }, index) => {
    const entry = path("metadata", "managedFields", index);
    const errors = fieldManagerErrors(joinPath(entry, "manager"), manager);
    if (Buffer.byteLength(subresource) <= maxSubresourceBytes) return errors;
    return [...errors, tooLong(joinPath(entry, "subresource"), maxSubresourceBytes, "bytes")];
  });
}

/** Finalizers of Kubernetes itself, which need no prefix. */
const plainFinalizers: ReadonlySet<string> = new Set([orphanFinalizer, foregroundFinalizer, "kubernetes"]);

/** Warnings for finalizers that others may use by chance (API M-16). */
export function finalizerWarnings({ finalizers = [] }: ObjectMeta): string[] {
  return finalizers
    .filter((finalizer) => !finalizer.includes("/") && !plainFinalizers.has(finalizer))
    .map((finalizer) => {
      const advice = finalizer.includes(".") ? " including a path (/)" : "";
      return `${finalizersField}: ${JSON.stringify(finalizer)}: prefer a domain-qualified finalizer name${advice} to avoid accidental conflicts with other finalizer writers`;
    });
}
