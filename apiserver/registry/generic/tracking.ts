/** Who manages which fields of a kind, per endpoint and version (API 5.5, design D5). */
import {
  apiVersionOf,
  type GroupVersion,
  type GroupVersionKind,
  type JsonObject,
  type KubeObject,
  type ManagedFieldsEntry,
} from "../../apis/meta/v1.ts";
import { decodeObjectMeta } from "../../machinery/decode-object-meta.ts";
import { FieldManager, type FieldManagerOptions } from "../../machinery/managed-fields/field-manager.ts";
import {
  type FieldPath,
  type FieldSet,
  fieldSet,
  noFields,
  union,
  within,
  without,
} from "../../machinery/structured-merge/field-set.ts";
import type { Version, Versions } from "../../machinery/structured-merge/ownership.ts";
import { fieldElement } from "../../machinery/structured-merge/path-element.ts";
import type { Type } from "../../machinery/structured-merge/types.ts";

/** What an endpoint may change of an object, as paths of members: the rest is neither claimed nor compared (API S-28). */
export type WritableFields =
  | { readonly only: readonly (readonly string[])[] }
  | { readonly allBut: readonly (readonly string[])[] };

/** One version in which a kind is served. */
export type TrackedVersion = {
  /** With its group: Events are served in two. */
  readonly apiVersion: string;
  readonly type: Type;
  /** What a new object holds already; see `emptyObjectOf`. */
  readonly empty?: JsonObject;
  /** To and from the version that is stored; absent for that one. */
  readonly fromStored?: (stored: KubeObject) => KubeObject;
  readonly toStored?: (served: KubeObject) => KubeObject;
};

type EndpointOptions = Pick<FieldManagerOptions, "subresource" | "seesPartOnly" | "shownVersion">;

export class TrackedKind {
  readonly #gvk: GroupVersionKind;
  readonly #versions: ReadonlyMap<string, TrackedVersion>;

  /** @param gvk  as it is stored */
  constructor(gvk: GroupVersionKind, versions: readonly TrackedVersion[]) {
    this.#gvk = gvk;
    this.#versions = new Map(versions.map((each) => [each.apiVersion, each]));
  }

  /** @param version  in which the endpoint's objects are given to it */
  managerOf({ group, version }: GroupVersion, writable: WritableFields, options: EndpointOptions): FieldManager {
    const filter = filterOf(writable);
    const versions = new Map<string, Version>();
    for (const [apiVersion, { type }] of this.#versions)
      versions.set(apiVersion, { apiVersion, type, writable: filter });
    const lookup: Versions = {
      find: (apiVersion) => versions.get(apiVersion),
      convert: (object, { apiVersion }) => this.#convert(object, apiVersion),
    };
    const gvk = { ...this.#gvk, group, version };
    const { empty = {} } = this.#versions.get(apiVersionOf(gvk)) ?? {};
    return new FieldManager({ gvk, versions: lookup, empty, ...options });
  }

  #convert(object: JsonObject, apiVersion: string): JsonObject {
    if (object.apiVersion === apiVersion) return object;
    const { toStored = same } = this.#versions.get(String(object.apiVersion)) ?? {};
    const { fromStored = same } = this.#versions.get(apiVersion) ?? {};
    const served = asKubeObject(object, this.#gvk.kind);
    return { ...fromStored(toStored(served)), apiVersion, kind: served.kind, metadata: served.metadata };
  }
}

const same = (object: KubeObject): KubeObject => object;

function asKubeObject({ apiVersion, metadata, ...content }: JsonObject, kind: string): KubeObject {
  return { ...content, apiVersion: String(apiVersion), kind, metadata: decodeObjectMeta(metadata).metadata };
}

function filterOf(writable: WritableFields): (fields: FieldSet) => FieldSet {
  if ("allBut" in writable) {
    const reset = fieldSet(...writable.allBut.map(pathOf));
    return (fields) => without(fields, reset);
  }
  const paths = writable.only.map(pathOf);
  return (fields) => paths.reduce((found, path) => union(found, within(fields, path)), noFields);
}

const pathOf = (names: readonly string[]): FieldPath => names.map(fieldElement);

/** `object` with these managers; none is no member at all. */
export function withManagedFields(object: KubeObject, entries: ManagedFieldsEntry[]): KubeObject {
  if (entries === object.metadata.managedFields) return object;
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } };
}
