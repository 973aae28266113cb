/** Whose the fields are that the write changes (API S-21, S-22). */
import type { KubeObject, ManagedFieldsEntry } from "../../../apis/meta/v1.ts";
import { formatTime } from "../../../machinery/time.ts";
import type { Steps } from "../../../machinery/turns.ts";
import { withManagedFields } from "../tracking.ts";
import type { Stage, Write } from "../write.ts";

/** Comes before mutating admission: what that changes is nobody's (API S-37). */
export const trackFields: Stage = function* (draft, write) {
  const { existing, object, wanted } = draft;
  const entries = wanted.form === "whole" ? wanted.managedFields : yield* managersAfter(existing, object, write);
  return { ...draft, object: withManagedFields(object, entries) };
};

function managersAfter(
  existing: KubeObject | undefined,
  object: KubeObject,
  write: Write,
): Steps<ManagedFieldsEntry[]> {
  const { whole, fields } = write.part;
  const live = existing === undefined ? undefined : whole.show(existing);
  return fields.updateInSteps(live, whole.show(object), writerOf(write));
}

export function writerOf({ manager, resource: { clock } }: Write): { manager: string; time: string } {
  return { manager, time: formatTime(clock.now()) };
}
