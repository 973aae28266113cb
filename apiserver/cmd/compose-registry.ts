/** First step: storage behind its guard, and the registry over it. Nothing here knows of requests. */
import type { RequestHealthObserver } from "../../controllers/runtime/component-health.ts";
import type { SchemaSet } from "../../openapi/schema.ts";
import { AdmissionChain } from "../admission/chain.ts";
import type { MissingLookup } from "../admission/plugins/absent-references/plugin.ts";
import type { NamespaceLookup } from "../admission/plugins/namespace-lifecycle/plugin.ts";
import { admissionPlugins } from "../admission/plugins.ts";
import { Existence } from "../client/existence.ts";
import { systemClock } from "../machinery/clock.ts";
import { admissionMetrics } from "../observability/admission-metrics.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import { registerStoredObjects } from "../observability/storage-metrics.ts";
import { RecentObjects } from "../registry/generic/cached-object.ts";
import { createEndpoints } from "../registry/generic/endpoint.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";
import type { StorageBackend } from "../storage/interface.ts";
import type { Profile } from "./profile.ts";

export type RegistryParts = {
  readonly backend: StorageBackend;
  readonly schemas: SchemaSet;
  readonly profile: Profile;
  readonly namespaces: NamespaceLookup;
  readonly maxReplicas: number;
  readonly metrics: RequestMetrics;
  readonly log: Logger;
  readonly health: RequestHealthObserver;
  /** Ends the watch caches. */
  readonly signal: AbortSignal;
};

export type Registry = {
  /** Everything that is served. */
  readonly resources: readonly ResourceEndpoint[];
  /** What of it storage is behind. */
  readonly stored: readonly ResourceEndpoint[];
};

/** Who is told that an object is missing makes it and writes again: that answer is never an old one. */
const referenceLifetimes = { presentMs: 300_000, missingMs: 0 };

export function composeRegistry(parts: RegistryParts): Registry {
  const { backend, schemas, profile, namespaces, maxReplicas, metrics, health, log, signal } = parts;
  const existence = new Existence(profile.host, systemClock, referenceLifetimes);
  const isMissing: MissingLookup = (ref, within) => existence.isMissing(ref, within);
  const { asked, passed } = admissionMetrics(metrics.registry, metrics.budget);
  const admission = new AdmissionChain(
    [...admissionPlugins({ namespaces, maxReplicas, isMissing }), ...profile.admission],
    { onAsked: asked, onPassed: passed, onFailure: (plugin, error) => health.erred(`admission ${plugin}`, error) },
  );
  const recent = new RecentObjects();
  const stored = profile.definitions.flatMap((definition) =>
    createEndpoints(definition, {
      backend,
      schemas,
      admission,
      signal,
      recent,
      onCacheFailure: (resource, err) => log.warn({ resource, err }, "watch cache lost storage, starting again"),
      onSlowReader: (resource) => metrics.watcherTerminated(resource),
    }),
  );
  registerStoredObjects(metrics.registry, () =>
    stored.filter(isStoredVersion).map(({ group, resource, storedSize }) => ({
      group,
      resource,
      ...(storedSize?.() ?? { objects: -1, bytes: -1 }),
    })),
  );
  return { resources: [...stored, ...profile.reviews], stored };
}

/** Whether it stands for its objects among the versions they are served in: each is to be counted once. */
export const isStoredVersion = ({ group, version, stored }: ResourceEndpoint): boolean =>
  group === stored.group && version === stored.version;

/** Whether each watch cache was whole once: from then on one that is lost is made anew while its requests wait. */
export function cachesLoaded(stored: readonly Pick<ResourceEndpoint, "storedSize">[]): () => boolean {
  const loading = new Set(stored);
  return () => {
    for (const endpoint of loading) if (endpoint.storedSize?.() !== undefined) loading.delete(endpoint);
    return loading.size === 0;
  };
}
