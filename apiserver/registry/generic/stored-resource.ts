import type { AdmissionPlugin } from "../../admission/interface.ts";
import type { GroupResource, GroupVersionKind, GroupVersionResource, KubeObject, Status } from "../../apis/meta/v1.ts";
import type { Cacher } from "../../cacher/cacher.ts";
import type { Clock } from "../../machinery/clock.ts";
import type { ObjectMetaRules } from "../../machinery/object-meta.ts";
import type { StorageBackend, StoredValue } from "../../storage/interface.ts";
import type { RequestContext } from "../rest/interface.ts";
import type { ResourceDefinition, Strategy } from "../rest/strategy.ts";
import type { CachedObject } from "./cached-object.ts";
import type { KindCodec } from "./codec.ts";
import type { ObjectDecoder } from "./object-decoder.ts";
import type { PatchTypes } from "./patch-types.ts";
import type { Selections } from "./selection.ts";
import type { TrackedKind } from "./tracking.ts";

/** Every plugin at once; `admission/chain.ts` makes one of many. */
export type Admission = Required<Pick<AdmissionPlugin, "admit" | "validate">>;

/** What reading and writing one resource in one of its versions needs: made by `endpoint.ts`, at start-up. */
export type StoredResource = {
  readonly definition: ResourceDefinition;
  readonly gvk: GroupVersionKind;
  readonly gvr: GroupVersionResource;
  readonly groupResource: GroupResource;
  readonly strategy: Strategy;
  /** Its status is a subresource, and nothing else writes it (API C-09, M-09). */
  readonly hasStatus: boolean;
  /** Kinds with a `spec` count its changes (API M-07). */
  readonly tracksGeneration: boolean;
  /** Of all keys of the resource. */
  readonly prefix: string;
  readonly backend: StorageBackend;
  readonly cacher: Cacher<CachedObject, Status>;
  readonly codec: KindCodec;
  readonly decoder: ObjectDecoder;
  /** Who manages the fields of its objects. */
  readonly tracked: TrackedKind;
  readonly patchTypes: PatchTypes;
  readonly metaRules: ObjectMetaRules;
  readonly selections: Selections;
  readonly admission: Admission;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly newUid: () => string;
};

/** The key below the resource's prefix; keys of cluster-scoped objects are their names. */
export function keyOf({ definition }: StoredResource, namespace: string, name: string): string {
  return definition.namespaced ? `${namespace}/${name}` : name;
}

/** Of the objects a request is about; `undefined` for cluster-scoped kinds. */
export function namespaceOf({ namespace }: RequestContext, { definition }: StoredResource): string | undefined {
  return definition.namespaced ? namespace : undefined;
}

export function decodeStored({ codec }: StoredResource, { value, revision }: StoredValue): CachedObject {
  return codec.decode(value, revision);
}

export function nameOf({ metadata }: KubeObject): string {
  return metadata.name ?? "";
}
