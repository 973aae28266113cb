/** Who owns which fields of the objects of a fake API: server-side apply as the server does it, without schemas. */
import {
  apiVersionOf,
  type JsonObject,
  type KubeObject,
  type ManagedFieldsEntry,
} from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import type { FieldManager } from "../../apiserver/machinery/managed-fields/field-manager.ts";
import { freeFormType } from "../../apiserver/machinery/structured-merge/types.ts";
import { TrackedKind, withManagedFields } from "../../apiserver/registry/generic/tracking.ts";

/** Notes them in the objects that it is given. */
export class FakeManagers {
  readonly #fields = new Map<string, FieldManager>();

  noteUpdate(type: ResourceType, old: KubeObject | undefined, next: KubeObject, manager: string): void {
    const fields = this.#fieldsOf(type);
    const writer = { manager, time: "2026-01-01T00:00:00Z" };
    next.metadata.managedFields = fields.update(old && tracked(old), tracked(next), writer);
  }

  /** What `wanted` makes of `live`; that it is stored is then noted with `noteApply`. */
  apply(type: ResourceType, live: KubeObject | undefined, wanted: JsonObject, manager: string, force: boolean) {
    const request = { manager, force, time: "2026-01-01T00:00:00Z" };
    return this.#fieldsOf(type).apply(live && tracked(live), wanted, request);
  }

  noteApply(object: KubeObject, entries: ManagedFieldsEntry[]): void {
    object.metadata.managedFields = entries;
  }

  #fieldsOf(type: ResourceType): FieldManager {
    const key = `${type.group}/${type.version}/${type.kind}`;
    const { group, version, kind } = type;
    const kinds = new TrackedKind({ group, version, kind }, [{ apiVersion: apiVersionOf(type), type: freeFormType }]);
    const known = this.#fields.get(key);
    const fields = known ?? kinds.managerOf(type, { allBut: [["status"]] }, { subresource: "" });
    this.#fields.set(key, fields);
    return fields;
  }
}

const tracked = (object: KubeObject): KubeObject => withManagedFields(object, object.metadata.managedFields ?? []);
