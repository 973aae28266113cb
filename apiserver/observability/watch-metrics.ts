/** What watches are told (API MT-10). */
import { Counter, Histogram, type Registry } from "@prometheus-io/client";
import { BoundedSeries, type PageBudget } from "./bounded-series.ts";

type WatchedResource = { readonly group: string; readonly version: string; readonly resource: string };

const kib = 1024;
const sizeBuckets = [1, 2, 4, 8, 16, 32, 64, 128].map((size) => size * kib);
const listBuckets = [0.05, 0.2, 1, 4];
const resourceLabels = ["group", "version", "resource"] as const;

export type WatchMetrics = {
  /** @param bytes  of one event as it is sent */
  readonly told: (watched: WatchedResource, bytes: number) => void;
  /** @param scope  `cluster`, `namespace` or `resource`; @param ms  from the request to the end of the initial events */
  readonly listed: (watched: WatchedResource, scope: string, ms: number) => void;
};

export function watchMetrics(registry: Registry, budget: PageBudget): WatchMetrics {
  const registers = [registry];
  const events = new Counter({
    name: "apiserver_watch_events_total",
    help: "Events that were sent to watches.",
    labelNames: resourceLabels,
    registers,
  });
  const sizes = new Histogram({
    name: "apiserver_watch_events_sizes",
    help: "Bytes of events that were sent to watches.",
    labelNames: resourceLabels,
    buckets: sizeBuckets,
    registers,
  });
  const lists = new Histogram({
    name: "apiserver_watch_list_duration_seconds",
    help: "How long watches took to send the objects that were there.",
    labelNames: [...resourceLabels, "scope"] as const,
    buckets: listBuckets,
    registers,
  });
  const series = new BoundedSeries(budget, 1050);
  return {
    told: ({ group, version, resource }, bytes) => {
      events.inc({ group, version, resource });
      sizes.observe({ group, version, resource }, bytes);
    },
    listed: ({ group, version, resource }, scope, ms) => {
      const isKnown = series.admits(group, version, resource, scope);
      const what = isKnown ? { group, version, resource, scope } : { group: "", version: "", resource: "", scope: "" };
      lists.observe(what, ms / 1000);
    },
  };
}
