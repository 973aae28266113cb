/** What others have to say of a write (API section 10). */
import type { AdmissionAttributes } from "../../../admission/interface.ts";
import type { KubeObject, ManagedFieldsEntry } from "../../../apis/meta/v1.ts";
import { managedFieldsProblem } from "../../../machinery/managed-fields/managers.ts";
import { silently } from "../object-decoder.ts";
import { nameOf, namespaceOf } from "../stored-resource.ts";
import { withManagedFields } from "../tracking.ts";
import { type Draft, placeOf, type Stage, type Write } from "../write.ts";
import { dropDuplicateOwners, isolated, refuseMalformed } from "./isolate.ts";

/** What mutating admission made is decoded and isolated like input, silently (API section 17, AD-25). */
export const admitMutating: Stage = async (draft, write) => {
  const { resource, part } = write;
  const shown = await resource.admission.admit(attributesOf(draft, write));
  if (shown === undefined) return draft;
  const { existing } = draft;
  const { object, errors } = part.view.absorb(
    part.view.decoder.decode(shown, placeOf(existing, write), silently),
    draft.object,
  );
  const isolatedObject = withManagedFields(isolated(object, existing, write), managersAfter(object, draft, write));
  const restored = { ...draft, object: isolatedObject, schemaErrors: errors, isReshaped: true };
  return dropDuplicateOwners(refuseMalformed(restored, write), write);
};

/** A webhook that garbles managedFields has no say in them (API S-36). */
function managersAfter({ metadata }: KubeObject, { object: before }: Draft, write: Write): ManagedFieldsEntry[] {
  const entries = metadata.managedFields ?? [];
  const problem = managedFieldsProblem(entries);
  if (problem === undefined) return entries;
  write.context.warn(
    `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${problem}`,
  );
  return before.metadata.managedFields ?? [];
}

export const admitValidating: Stage = async (draft, write) => {
  await write.resource.admission.validate(attributesOf(draft, write));
  return draft;
};

function attributesOf({ object, existing }: Draft, write: Write): AdmissionAttributes {
  const { resource, part, context, options } = write;
  const shown = (stored: KubeObject): KubeObject => part.view.show(stored);
  const { fieldManager, fieldValidation, dryRun } = options;
  return {
    operation: existing === undefined ? "CREATE" : "UPDATE",
    kind: part.view.decoder.gvk,
    resource: resource.gvr,
    subresource: part.subresource,
    namespace: namespaceOf(context, resource) ?? "",
    name: nameOf(object),
    object: shown(object),
    oldObject: existing === undefined ? undefined : shown(existing),
    user: context.user,
    dryRun,
    options: { kind: existing === undefined ? "CreateOptions" : "UpdateOptions", fieldManager, fieldValidation },
    auditId: context.auditId,
    signal: context.signal,
    warn: context.warn,
  };
}
