import type { AdmissionPlugin } from "../../admission/interface.ts";
import type { GroupResource, GroupVersionKind, GroupVersionResource, KubeObject } from "../../apis/meta/v1.ts";
import type { Cacher } from "../../storage/cacher/cacher.ts";
import type { Clock } from "../../storage/cacher/clock.ts";
import type { CachedObject } from "../../storage/cacher/object-codec.ts";
import type { StorageBackend, StoredValue } from "../../storage/interface.ts";
import type { ResourceDefinition, Strategy } from "../rest/strategy.ts";
import type { KindCodec } from "./codec.ts";
import type { InputDecoder } from "./input.ts";
import type { Selections } from "./selection.ts";

/** Every plugin at once; `admission/chain.ts` makes one of many. */
export type Admission = Required<Pick<AdmissionPlugin, "admit" | "validate">>;

/** What reading and writing one resource needs: made once per resource by `endpoint.ts`. */
export type Resource = {
  readonly definition: ResourceDefinition;
  readonly gvk: GroupVersionKind;
  readonly gvr: GroupVersionResource;
  readonly groupResource: GroupResource;
  readonly strategy: Strategy;
  /** Kinds with a `spec` count its changes (API M-07). */
  readonly tracksGeneration: boolean;
  /** Of all keys of the resource. */
  readonly prefix: string;
  readonly backend: StorageBackend;
  readonly cacher: Cacher;
  readonly codec: KindCodec;
  readonly decoder: InputDecoder;
  readonly selections: Selections;
  readonly admission: Admission;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly newUid: () => string;
};

/** The key below the resource's prefix; keys of cluster-scoped objects are their names. */
export function keyOf({ definition }: Resource, namespace: string, name: string): string {
  return definition.namespaced ? `${namespace}/${name}` : name;
}

export function decodeStored({ codec }: Resource, { value, revision }: StoredValue): CachedObject {
  return codec.decode(value, revision);
}

export function nameOf({ metadata }: KubeObject): string {
  return metadata.name ?? "";
}
