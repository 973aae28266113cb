/** What is asked of the host cluster (API MT-17, MT-22). */
import { Counter, Histogram, type Registry } from "@prometheus-io/client";
import { BoundedSeries, type PageBudget } from "./bounded-series.ts";

/** HTTP code, or why there was none. */
export type AnswerCode = number | "<error>";

/** Requests of a client of the host. @param host  name and port of its server */
export type HostRequestObserver = (request: {
  readonly method: string;
  readonly host: string;
  readonly code: AnswerCode;
}) => void;

export function hostRequestMetrics(registry: Registry, budget: PageBudget): HostRequestObserver {
  const requests = new Counter({
    name: "rest_client_requests_total",
    help: "Requests to the host cluster.",
    labelNames: ["code", "method", "host"] as const,
    registers: [registry],
  });
  const series = new BoundedSeries(budget, 80);
  return ({ method, host, code }) =>
    requests.inc(series.admits(method, host, code) ? { code, method, host } : { code: "", method: "", host: "" });
}

const durationBuckets = [0.025, 0.1, 0.5, 2.5];

export type ReviewObserver = (code: AnswerCode, ms: number) => void;

/** @param what  `authn` for TokenReviews, `authz` for SubjectAccessReviews */
export function reviewMetrics(registry: Registry, budget: PageBudget, what: "authn" | "authz"): ReviewObserver {
  const given = { labelNames: ["code"] as const, registers: [registry] };
  const total = new Counter({
    name: `apiserver_delegated_${what}_request_total`,
    help: "Questions to the host cluster.",
    ...given,
  });
  const durations = new Histogram({
    name: `apiserver_delegated_${what}_request_duration_seconds`,
    help: "How long the host cluster took to answer.",
    buckets: durationBuckets,
    ...given,
  });
  const series = new BoundedSeries(budget, 700);
  return (given, ms) => {
    const code = series.admits(given) ? given : "";
    total.inc({ code });
    durations.observe({ code }, ms / 1000);
  };
}
