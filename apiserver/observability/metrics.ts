/** Metrics under the names that dashboards for Kubernetes API servers read (API section 12): home of @prometheus-io/client. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "@prometheus-io/client";
import { BoundedSeries, PageBudget } from "./bounded-series.ts";

/** What a request counts as. Bounded sets only: never a name, a namespace or a raw path (API MT-23). */
export type RequestLabels = {
  readonly verb: string;
  readonly dry_run: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly scope: string;
  readonly component: "apiserver";
};

export type RequestOutcome = {
  readonly code: number;
  /** Absent: this process asked itself, which tells nothing of how clients fare. */
  readonly seconds?: number;
  /** Of the body, when it is known beforehand. */
  readonly bytes?: number | undefined;
};

const common = ["verb", "group", "version", "resource", "subresource", "scope", "component"] as const;
const durationBuckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
/** Whose sizes tell something: as kube-apiserver. */
const reads: ReadonlySet<string> = new Set(["GET", "LIST"]);
const sizeBuckets = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** A set of labels that is one too many for a metric counts with all others of its kind (API MT-23). */
function bounded(series: BoundedSeries, labels: RequestLabels, code: number | "" = ""): RequestLabels {
  const { verb, dry_run, group, version, resource, subresource, scope } = labels;
  if (series.admits(verb, dry_run, group, version, resource, subresource, scope, code)) return labels;
  return otherRequests;
}

/** Whatever is not told apart. */
export const otherRequests: RequestLabels = {
  verb: "other",
  dry_run: "",
  group: "",
  version: "",
  resource: "",
  subresource: "",
  scope: "",
  component: "apiserver",
};

/** One set per server, so that several can run in one process. */
export class RequestMetrics {
  readonly registry = new Registry();
  readonly budget = new PageBudget();
  readonly #counted = new BoundedSeries(this.budget, 215);
  readonly #timed = new BoundedSeries(this.budget, 5300);
  readonly #sized = new BoundedSeries(this.budget, 1900);
  readonly #watched = new BoundedSeries(this.budget, 200);
  readonly #terminated = new BoundedSeries(this.budget, 225);
  private readonly requests = new Counter({
    name: "apiserver_request_total",
    help: "Requests answered, by what was asked and the HTTP code.",
    labelNames: [...common, "dry_run", "code"],
    registers: [this.registry],
  });
  private readonly durations = new Histogram({
    name: "apiserver_request_duration_seconds",
    help: "Time from a request's arrival to its answer; without long-running ones and those of this process itself.",
    labelNames: [...common, "dry_run"],
    buckets: durationBuckets,
    registers: [this.registry],
  });
  private readonly sizes = new Histogram({
    name: "apiserver_response_sizes",
    help: "Bytes of a read's answer, as sent.",
    labelNames: [...common],
    buckets: sizeBuckets,
    registers: [this.registry],
  });
  private readonly longRunning = new Gauge({
    name: "apiserver_longrunning_requests",
    help: "Watches open now.",
    labelNames: [...common],
    registers: [this.registry],
  });
  private readonly limits = new Gauge({
    name: "functionmesh_apiserver_limit",
    help: "Bounds that are in force, by name; the README tells what each is of.",
    labelNames: ["limit"],
    registers: [this.registry],
  });
  /** Requests being served now; whoever serves them counts. */
  readonly inFlight = { mutating: 0, readOnly: 0 };
  private readonly terminations = new Counter({
    name: "apiserver_request_terminations_total",
    help: "Requests that were refused or cut off to protect the server.",
    labelNames: [...common, "code"],
    registers: [this.registry],
  });
  private readonly slowWatchers = new Counter({
    name: "apiserver_terminated_watchers_total",
    help: "Watches that were closed because their client did not read.",
    labelNames: ["resource"],
    registers: [this.registry],
  });

  /** @param processMetrics  also CPU, memory, event loop and descriptors; once per process */
  constructor(options: { readonly processMetrics: boolean }) {
    if (options.processMetrics) collectDefaultMetrics({ register: this.registry });
    const { inFlight } = this;
    new Gauge({
      name: "apiserver_current_inflight_requests",
      help: "Requests being served now, long-running ones aside.",
      labelNames: ["request_kind"],
      registers: [this.registry],
      collect() {
        for (const request_kind of ["mutating", "readOnly"] as const)
          this.set({ request_kind }, inFlight[request_kind]);
      },
    });
  }

  finished(labels: RequestLabels, { code, seconds, bytes }: RequestOutcome): void {
    this.requests.inc({ ...bounded(this.#counted, labels, code), code });
    if (seconds !== undefined) this.durations.observe(bounded(this.#timed, labels), seconds);
    if (bytes === undefined || !reads.has(labels.verb)) return;
    const { dry_run: _, ...plain } = bounded(this.#sized, labels);
    this.sizes.observe(plain, bytes);
  }

  longRunningStarted(labels: RequestLabels, code: number): () => void {
    this.requests.inc({ ...bounded(this.#counted, labels, code), code });
    const { dry_run: _, ...plain } = bounded(this.#watched, labels);
    this.longRunning.inc(plain);
    return () => this.longRunning.dec(plain);
  }

  terminated(labels: RequestLabels, code: number): void {
    const { dry_run: _, ...plain } = bounded(this.#terminated, labels, code);
    this.terminations.inc({ ...plain, code });
  }

  watcherTerminated(resource: string): void {
    this.slowWatchers.inc({ resource });
  }

  /** @param values  by name, of a fixed set */
  setLimits(values: ReadonlyMap<string, number>): void {
    for (const [limit, value] of values) this.limits.set({ limit }, value);
  }

  expose(): ReturnType<typeof exposition> {
    return exposition(this.registry);
  }
}

/** The exposition text and its content type; the library puts empty lines between metrics, Go's library does not. */
export async function exposition(registry: Registry): Promise<{ readonly contentType: string; readonly text: string }> {
  const text = await registry.metrics();
  return { contentType: registry.contentType, text: text.replaceAll(/\n{2,}/g, "\n") };
}

/** @param info  as `/version` tells it */
export function registerBuildInfo(registry: Registry, info: { readonly [name: string]: string }): void {
  const labels: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(info))
    labels[name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)] = value;
  new Gauge({
    name: "kubernetes_build_info",
    help: "1, labelled with what was built and by what.",
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
}
