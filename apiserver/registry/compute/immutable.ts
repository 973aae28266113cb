/**
 * What may not change after creation, because the StatefulSet made from it cannot (design, W-12): Kubernetes refuses
 * changes of `volumeClaimTemplates`, so they would silently never take effect.
 */
import type { KubeObject } from "../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, path } from "../../errors/field-error.ts";
import { deepEqual } from "../../machinery/json.ts";
import { specOf } from "./defaults.ts";

const immutableFields = ["volumeClaimTemplates"] as const;

export function validateImmutable(object: KubeObject, old: KubeObject): readonly FieldError[] {
  const [spec, oldSpec] = [specOf(object), specOf(old)];
  return immutableFields.flatMap((field) =>
    deepEqual(spec[field] ?? null, oldSpec[field] ?? null)
      ? []
      : [
          forbiddenField(
            path("spec", field),
            "cannot be changed after creation; delete the object and create it again",
          ),
        ],
  );
}
