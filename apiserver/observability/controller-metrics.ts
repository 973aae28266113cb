/** What controllers and their queues tell, under the names that dashboards for controller-runtime and client-go read. */
import { Counter, Gauge, Histogram, type Registry } from "@prometheus-io/client";
import { limits } from "../limits.ts";

const secondsPerMs = 1 / 1000;
const durationBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** @returns by the controller's name, which is a label: there is one per controller of this program */
export function controllerMetrics(registry: Registry) {
  const registers = [registry];
  const queue = { labelNames: ["name"] as const, registers };
  const depth = new Gauge({ name: "workqueue_depth", help: "Keys that wait for a worker.", ...queue });
  const adds = new Counter({ name: "workqueue_adds_total", help: "Keys that were added.", ...queue });
  const retries = new Counter({
    name: "workqueue_retries_total",
    help: "Keys that were put back after a failure.",
    ...queue,
  });
  const waited = new Histogram({
    name: "workqueue_queue_duration_seconds",
    help: "How long a key waited for a worker.",
    buckets: durationBuckets,
    ...queue,
  });
  const worked = new Histogram({
    name: "workqueue_work_duration_seconds",
    help: "How long a worker was busy with a key.",
    buckets: durationBuckets,
    ...queue,
  });
  const runs = new Counter({
    name: "controller_runtime_reconcile_total",
    help: "Reconciles, by what became of them.",
    labelNames: ["controller", "result"] as const,
    registers,
  });
  const durations = new Histogram({
    name: "controller_runtime_reconcile_time_seconds",
    help: "How long a reconcile took.",
    labelNames: ["controller"] as const,
    buckets: durationBuckets,
    registers,
  });
  return (controller: string) => {
    const name = { name: controller };
    depth.set(name, 0);
    return {
      queue: {
        depth: (keys: number) => depth.set(name, keys),
        add: () => adds.inc(name),
        queueDurationMs: (ms: number) => waited.observe(name, ms * secondsPerMs),
        workDurationMs: (ms: number) => worked.observe(name, ms * secondsPerMs),
        retry: () => retries.inc(name),
      },
      reconciled: (result: string, ms: number) => {
        runs.inc({ controller, result });
        durations.observe({ controller }, ms * secondsPerMs);
      },
    };
  };
}

/** @param leads whether this replica runs the controllers now */
export function registerLeadership(registry: Registry, lease: string, leads: () => boolean): void {
  const status = new Gauge({
    name: "leader_election_master_status",
    help: "1 for the replica that holds the lease, 0 for the others.",
    labelNames: ["name"] as const,
    registers: [registry],
    collect() {
      status.set({ name: lease }, leads() ? 1 : 0);
    },
  });
}

/** @param expiresAtMs when the certificate that is served now ends, in ms since the epoch */
export function registerCertificateExpiry(registry: Registry, expiresAtMs: () => number): void {
  const expiry = new Gauge({
    name: "functionmesh_serving_certificate_expiration_timestamp_seconds",
    help: "When the serving certificate ends.",
    registers: [registry],
    collect() {
      expiry.set(expiresAtMs() * secondsPerMs);
    },
  });
}

export type ObjectState = { readonly kind: string; readonly phase: string; readonly reason: string };

const phases: ReadonlySet<string> = new Set(["Pending", "Progressing", "Ready", "Degraded", "Paused", "Failed"]);
const reasonPattern = /^[A-Z][A-Za-z]{0,39}$/;
/** @param states of every object of ours, as controllers see it; walked once per scrape */
export function registerObjectStates(registry: Registry, states: () => Iterable<ObjectState>): void {
  const objects = new Gauge({
    name: "functionmesh_objects",
    help: "Objects by kind, and by the phase and reason in their status.",
    labelNames: ["kind", "phase", "reason"] as const,
    registers: [registry],
    collect() {
      objects.reset();
      const told = new Set<string>();
      for (const { kind, phase: given, reason } of states()) {
        const phase = phases.has(given) ? given : "";
        const key = `${kind} ${phase} ${reason}`;
        if (reasonPattern.test(reason) && told.size < limits.maxObjectSeries.value) told.add(key);
        objects.inc({ kind, phase, reason: told.has(key) ? reason : "" });
      }
    },
  });
}
