import { Counter, Gauge, type Registry } from "@prometheus-io/client";

export type ComponentState = { readonly component: string; readonly failures: number; readonly failing: boolean };

/** What the controllers and informers of this process did not get over by themselves; read when somebody looks. */
export function registerComponentMetrics(registry: Registry, states: () => readonly ComponentState[]): void {
  const failures = new Counter({
    name: "functionmesh_component_failures_total",
    help: "Unforeseen failures of a controller, informer or admission plugin.",
    labelNames: ["component"],
    registers: [registry],
    collect() {
      failures.reset();
      for (const { component, failures: count } of states()) failures.inc({ component }, count);
    },
  });
  const failing = new Gauge({
    name: "functionmesh_component_failing",
    help: "1 for a controller or informer that does not do its work, as /readyz tells.",
    labelNames: ["component"],
    registers: [registry],
    collect() {
      failing.reset();
      for (const { component, failing: isFailing } of states()) failing.set({ component }, isFailing ? 1 : 0);
    },
  });
}
