/** What admission costs, and what it refuses (API MT-16). */
import { Histogram, type Registry } from "@prometheus-io/client";
import { BoundedSeries, type PageBudget } from "./bounded-series.ts";

export type AdmissionStep = {
  readonly type: "admit" | "validate";
  readonly operation: string;
  readonly rejected: boolean;
  readonly ms: number;
};

const durationBuckets = [0.005, 0.025, 0.1, 0.5, 1, 2.5];
const stepLabels = ["type", "operation", "rejected"] as const;

export type AdmissionMetrics = {
  /** One plugin was asked. */
  readonly asked: (plugin: string, step: AdmissionStep) => void;
  /** All were, or as many as it took. */
  readonly passed: (step: AdmissionStep) => void;
};

export function admissionMetrics(registry: Registry, budget: PageBudget): AdmissionMetrics {
  const given = { buckets: durationBuckets, registers: [registry] };
  const plugins = new Histogram({
    name: "apiserver_admission_controller_admission_duration_seconds",
    help: "How long an admission plugin took.",
    labelNames: ["name", ...stepLabels] as const,
    ...given,
  });
  const steps = new Histogram({
    name: "apiserver_admission_step_admission_duration_seconds",
    help: "How long all admission plugins took together.",
    labelNames: stepLabels,
    ...given,
  });
  const series = new BoundedSeries(budget, 1450);
  /** All that is beyond the bound is one set, twice. */
  const bounded = (name: string, { type, operation, rejected }: AdmissionStep) =>
    series.admits(name, type, operation, String(rejected))
      ? { type, operation, rejected: String(rejected) }
      : { type: "", operation: "", rejected: String(rejected) };
  return {
    asked: (plugin, step) => {
      const what = bounded(plugin, step);
      plugins.observe({ name: what.type === "" ? "other" : plugin, ...what }, step.ms / 1000);
    },
    passed: (step) => steps.observe(bounded("", step), step.ms / 1000),
  };
}
