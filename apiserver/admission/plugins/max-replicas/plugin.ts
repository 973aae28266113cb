/**
 * Refuses numbers of pods that nobody means: one of them would keep every controller that counts to it busy for good.
 * A number that is stored already is let through, as long as it isn't changed: objects stay editable (API CR-25).
 */
import { group, workloadResources } from "../../../apis/compute/v1alpha1/group.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, path, tooMany } from "../../../errors/field-error.ts";
import { newInvalid } from "../../../errors/status-error.ts";
import { limits } from "../../../limits.ts";
import { listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { isObject } from "../../../machinery/json.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "../../interface.ts";

/** Fields of `spec` that count pods, by resource; subresource `scale` has `replicas` whatever its parent is. */
const workloadFields = ["replicas", "minReplicas", "maxReplicas"] as const;
const countingFields: { readonly [resource: string]: readonly string[] } = {
  ...Object.fromEntries(workloadResources.map((resource) => [`${group}/${resource}`, workloadFields])),
  "apps/statefulsets": ["replicas"],
  "batch/jobs": ["parallelism", "completions"],
  "autoscaling/horizontalpodautoscalers": ["minReplicas", "maxReplicas"],
};
const scaleFields = ["replicas"] as const;
const meshResource = `${group}/functionmeshes`;

export class MaxReplicas implements AdmissionPlugin {
  readonly name = "MaxReplicas";
  readonly #max: number;

  /** @param max  pods that one number may ask for */
  constructor(max: number) {
    this.#max = max;
  }

  async validate(attributes: AdmissionAttributes): Promise<void> {
    const { object, oldObject, kind, name } = attributes;
    if (object === undefined) return;
    const errors = this.#errors(attributes, specOf(object), specOf(oldObject));
    if (errors.length > 0) throw newInvalid(kind, name, errors);
  }

  #errors({ resource, subresource }: AdmissionAttributes, spec: JsonObject, old: JsonObject): readonly FieldError[] {
    const key = `${resource.group}/${resource.resource}`;
    if (subresource === "scale") return this.#numbers("spec", scaleFields, spec, old);
    if (subresource !== "") return [];
    if (key === meshResource) return workloadResources.flatMap((list) => this.#members(list, spec, old));
    return this.#numbers("spec", countingFields[key] ?? [], spec, old);
  }

  #numbers(at: string, fields: readonly string[], spec: JsonObject, old: JsonObject): readonly FieldError[] {
    return fields.flatMap((field) => {
      const value = spec[field];
      if (!isOver(value, this.#max) || value === old[field]) return [];
      const detail = `must be less than or equal to ${this.#max}, the --max-replicas of this server`;
      return [invalid(joinPath(at, field), value, detail)];
    });
  }

  #members(list: string, spec: JsonObject, old: JsonObject): readonly FieldError[] {
    const at = path("spec", list);
    const members = listOf(spec, list);
    const before = listOf(old, list).filter(isObject);
    const max = limits.maxMeshMembers.value;
    if (members.length > max && members.length > before.length) return [tooMany(at, members.length, max)];
    const oldByName = new Map(before.map((member) => [textOf(member, "name"), member]));
    return members.flatMap((member, index) => {
      if (!isObject(member)) return [];
      const known = oldByName.get(textOf(member, "name")) ?? {};
      return this.#numbers(joinPath(at, index), workloadFields, member, known);
    });
  }
}

const specOf = (object: KubeObject | undefined): JsonObject => objectOf(object, "spec") ?? {};

const isOver = (value: JsonValue | undefined, max: number): value is number => typeof value === "number" && value > max;
