import type { GroupResource, GroupVersionKind, KubeObject, ObjectMeta, Preconditions } from "../../apis/meta/v1.ts";
import { invalid, path } from "../../errors/field-error.ts";
import { newConflict, newInvalid, objectModified, type StatusError } from "../../errors/status-error.ts";
import { nameOf } from "./stored-resource.ts";

/** @throws StatusError 409, which names the kind, when the object is not the one the caller means (API X-06) */
export function checkPreconditions(
  { group, kind }: Pick<GroupVersionKind, "group" | "kind">,
  object: KubeObject,
  { uid, resourceVersion }: Preconditions = {},
): void {
  const { metadata } = object;
  const refuse = (why: string): StatusError => newConflict({ group, resource: kind }, nameOf(object), why);
  if (uid !== undefined && uid !== metadata.uid) {
    throw refuse(
      `the UID in the precondition (${uid}) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
    throw refuse(
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    );
  }
}

/**
 * Identity and version that the new object itself claims (API U-02, U-03, U-06). What a patch says of the uid is judged with
 * the rest of its metadata (API P-05).
 * @param namesObject  the uid says which object is meant: of a PUT, and of a Scale, which has none of its own
 * @throws StatusError 409, or 422 when it has no version and the kind insists on one
 */
export function checkClaims(
  groupResource: GroupResource,
  claimed: ObjectMeta,
  existing: KubeObject,
  { allowUnconditional, namesObject }: { allowUnconditional: boolean; namesObject: boolean },
): void {
  const name = nameOf(existing);
  const { uid, resourceVersion = "" } = claimed;
  if (namesObject && uid !== undefined && uid !== existing.metadata.uid) {
    throw newConflict(
      groupResource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${existing.metadata.uid}`,
    );
  }
  const isUnversioned = resourceVersion === "" || resourceVersion === "0";
  if (isUnversioned && !allowUnconditional) {
    const missing = invalid(path("metadata", "resourceVersion"), 0, "must be specified for an update");
    throw newInvalid({ group: groupResource.group, kind: groupResource.resource }, name, [missing]);
  }
  if (!isUnversioned && resourceVersion !== existing.metadata.resourceVersion) {
    throw newConflict(groupResource, name, objectModified);
  }
}
