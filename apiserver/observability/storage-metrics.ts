/** The store: how long its calls take, what is in it, how large it is (API MT-11…MT-13). */
import { Counter, Gauge, Histogram, type Registry } from "@prometheus-io/client";
import { BoundedSeries, type PageBudget } from "./bounded-series.ts";

type GroupResource = { readonly group: string; readonly resource: string };
type Call = GroupResource & { readonly operation: string; readonly ms: number; readonly failed: boolean };

/** Some of kube-apiserver's, so that both can be read together. */
const durationBuckets = [0.005, 0.025, 0.1, 0.6, 5];
const callLabels = ["operation", "group", "resource"] as const;

/** @returns what is told of every call; the names are etcd's, whatever the store is */
export function storageCallMetrics(registry: Registry, budget: PageBudget): (call: Call) => void {
  const given = { labelNames: callLabels, registers: [registry] };
  const total = new Counter({ name: "etcd_requests_total", help: "Calls of the store.", ...given });
  const errors = new Counter({
    name: "etcd_request_errors_total",
    help: "Calls of the store that failed; a key that is there, gone or changed is an answer.",
    ...given,
  });
  const durations = new Histogram({
    name: "etcd_request_duration_seconds",
    help: "How long calls of the store took.",
    buckets: durationBuckets,
    ...given,
  });
  const series = new BoundedSeries(budget, 1200);
  return ({ operation, group, resource, ms, failed }) => {
    const isKnown = series.admits(operation, group, resource);
    const labels = isKnown ? { operation, group, resource } : { operation, group: "", resource: "" };
    total.inc(labels);
    if (failed) errors.inc(labels);
    durations.observe(labels, ms / 1000);
  };
}

/** `objects`, and `bytes` of their JSON: -1 while nobody knows. */
export type StoredObjects = GroupResource & { readonly objects: number; readonly bytes: number };

/** @param stored  of every resource, as the watch cache has them; asked per scrape */
export function registerStoredObjects(registry: Registry, stored: () => Iterable<StoredObjects>): void {
  const byResource = new Gauge({
    name: "apiserver_resource_objects",
    help: "Stored objects; -1 while the store cannot be read.",
    labelNames: ["group", "resource"] as const,
    registers: [registry],
    collect() {
      for (const { group, resource, objects } of stored()) byResource.set({ group, resource }, objects);
    },
  });
  const sizes = new Gauge({
    name: "apiserver_resource_size_estimate_bytes",
    help: "JSON of the stored objects, which is what the watch cache holds of them; -1 while the store cannot be read.",
    labelNames: ["group", "resource"] as const,
    registers: [registry],
    collect() {
      for (const { group, resource, bytes } of stored()) sizes.set({ group, resource }, bytes);
    },
  });
  const byName = new Gauge({
    name: "apiserver_storage_objects",
    help: "As apiserver_resource_objects, under its older name.",
    labelNames: ["resource"] as const,
    registers: [registry],
    collect() {
      for (const { group, resource, objects } of stored())
        byName.set({ resource: group === "" ? resource : `${resource}.${group}` }, objects);
    },
  });
}

/** @param sizeBytes  asked per scrape; when it rejects, the page says nothing of it */
export function registerStorageSize(registry: Registry, store: string, sizeBytes: () => Promise<number>): void {
  const size = new Gauge({
    name: "apiserver_storage_size_bytes",
    help: "What the store takes of its disk.",
    labelNames: ["storage_cluster_id"] as const,
    registers: [registry],
    async collect() {
      size.reset();
      const bytes = await sizeBytes().catch(() => undefined);
      if (bytes !== undefined) size.set({ storage_cluster_id: store }, bytes);
    },
  });
}
