import { Counter, Gauge, Registry } from "@prometheus-io/client";
import { exposition } from "./metrics.ts";

/** How health checks went, of which the service level is made: `/metrics/slis` (API H-13). */
export class HealthMetrics {
  readonly #registry = new Registry();
  readonly #now = new Gauge({
    name: "kubernetes_healthcheck",
    help: "1 for a check that passed when it was last made, else 0.",
    labelNames: ["name", "type"],
    registers: [this.#registry],
  });
  readonly #total = new Counter({
    name: "kubernetes_healthchecks_total",
    help: "Checks that were made, by how they went.",
    labelNames: ["name", "type", "status"],
    registers: [this.#registry],
  });

  /** @param type  `healthz`, `livez` or `readyz` */
  observe(name: string, type: string, passed: boolean): void {
    this.#now.set({ name, type }, passed ? 1 : 0);
    this.#total.inc({ name, type, status: passed ? "success" : "error" });
  }

  expose(): Promise<{ readonly contentType: string; readonly text: string }> {
    return exposition(this.#registry);
  }
}
