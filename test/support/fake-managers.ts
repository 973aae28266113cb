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

/** Kept beside the objects, which tests compare. */
export class FakeManagers {
  readonly #fields = new Map<string, FieldManager>();
  readonly #entries = new Map<string, ManagedFieldsEntry[]>();

  noteUpdate(type: ResourceType, old: KubeObject | undefined, next: KubeObject, manager: string): void {
    const fields = this.#fieldsOf(type);
    const writer = { manager, time: "2026-01-01T00:00:00Z" };
    this.#set(type, next, fields.update(old && this.#tracked(type, old), this.#tracked(type, next), writer));
  }

  /** What `wanted` makes of `live`; that it is stored is then noted with `noteApply`. */
  apply(type: ResourceType, live: KubeObject | undefined, wanted: JsonObject, manager: string, force: boolean) {
    const request = { manager, force, time: "2026-01-01T00:00:00Z" };
    return this.#fieldsOf(type).apply(live && this.#tracked(type, live), wanted, request);
  }

  noteApply(type: ResourceType, object: KubeObject, entries: ManagedFieldsEntry[]): void {
    this.#set(type, object, entries);
  }

  #tracked(type: ResourceType, object: KubeObject): KubeObject {
    return withManagedFields(object, this.#entries.get(keyOf(type, object)) ?? []);
  }

  #set(type: ResourceType, object: KubeObject, entries: ManagedFieldsEntry[]): void {
    this.#entries.set(keyOf(type, object), entries);
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

const keyOf = (type: ResourceType, { metadata }: KubeObject): string =>
  `${type.group}/${type.resource}/${metadata.namespace ?? ""}/${metadata.name ?? ""}`;
