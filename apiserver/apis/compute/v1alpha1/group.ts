/** The API group this server exists for: its version, its kinds, and the keys it gives a meaning to. */
import { componentName, group, version } from "../../../../openapi/schemas/kind.ts";

export { group, version } from "../../../../openapi/schemas/kind.ts";
export const apiVersion = `${group}/${version}` as const;

/** What identifies one kind on the wire. */
export type ResourceType = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  /** Plural, as in URLs. */
  readonly resource: string;
  readonly singular: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Component name of its schema. */
  readonly schemaName: string;
};

/**
 * Names all five kinds at once, as in `kubectl get fnall`. kubectl expands a category wherever a resource may stand, so
 * it must be nobody's plural, singular or short name.
 */
const category = "fnall";

function namespacedType<Kind extends string>(kind: Kind, resource: string, shortNames: readonly string[]) {
  return {
    group,
    version,
    kind,
    listKind: `${kind}List`,
    resource,
    singular: kind.toLowerCase(),
    namespaced: true,
    shortNames,
    categories: ["all", category],
    schemaName: componentName(kind),
  } satisfies ResourceType;
}

export const functionType = namespacedType("Function", "functions", ["fn"]);
export const sourceType = namespacedType("Source", "sources", ["fnsource"]);
export const sinkType = namespacedType("Sink", "sinks", ["fnsink"]);
export const functionMeshType = namespacedType("FunctionMesh", "functionmeshes", ["fnmesh"]);
export const backendConfigType = namespacedType("BackendConfig", "backendconfigs", ["fnbc"]);

/** What runs as pods; a mesh has its members in lists of the same names. */
export const workloadResources: readonly string[] = [functionType, sourceType, sinkType].map(
  ({ resource }) => resource,
);

/** Keys users and controllers set on our objects (FM 1.10). */
export const annotations = {
  /** Exactly `"false"`: the object is skipped completely. */
  managed: `${group}/managed`,
  /** Exactly `"true"`: changes of the pod template wait. */
  pauseRollout: `${group}/pause-rollout`,
  /** Exactly `"false"`: no clean-up of subscriptions. */
  needCleanup: `${group}/need-cleanup`,
  /** A new value rolls out everything that waits, whatever it waits for. Any text, as of `kubectl rollout restart`. */
  rollOut: `${group}/roll-out`,
} as const;

/** Keys that controllers write on what they apply, members of a mesh among it. */
export const controllerAnnotations = {
  /** Digest of the object as it was applied last. */
  appliedDigest: `${group}/applied-digest`,
  /** Paths that the cluster did not keep when they were applied. */
  notKept: `${group}/not-kept`,
} as const;

/** Presence says that a Pulsar worker service manages the object: no clean-up of subscriptions. */
export const pulsarClusterLabels = [`${group}/pulsar-cluster`, "pulsar-cluster"] as const;
export const cleanupFinalizer = "cleanup.subscription.finalizer";
