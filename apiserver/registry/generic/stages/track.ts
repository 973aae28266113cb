/** Whose the fields are that the write changes (API S-21, S-22). */
import type { KubeObject } from "../../../apis/meta/v1.ts";
import { formatTime } from "../../../machinery/time.ts";
import { withManagedFields } from "../tracking.ts";
import type { Stage, Write } from "../write.ts";

/** Comes before mutating admission: what that changes is nobody's (API S-37). */
export const trackFields: Stage = (draft, write) => {
  const { existing, object, wanted } = draft;
  const entries = wanted.form === "whole" ? wanted.managedFields : managersAfter(existing, object, write);
  return { ...draft, object: withManagedFields(object, entries) };
};

function managersAfter(existing: KubeObject | undefined, object: KubeObject, write: Write) {
  const { whole, fields } = write.part;
  return fields.update(existing === undefined ? undefined : whole.show(existing), whole.show(object), writerOf(write));
}

export function writerOf({ manager, resource: { clock } }: Write): { manager: string; time: string } {
  return { manager, time: formatTime(clock.now()) };
}
