/** The page of metrics has a bound, whatever is asked, stored, refused and by whom (API MT-23). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Registry } from "@prometheus-io/client";
import { limits } from "../limits.ts";
import { accessMetrics } from "./access-metrics.ts";
import { admissionMetrics } from "./admission-metrics.ts";
import type { PageBudget } from "./bounded-series.ts";
import { registerComponentMetrics } from "./component-metrics.ts";
import {
  controllerMetrics,
  registerCertificateExpiry,
  registerLeadership,
  registerObjectStates,
} from "./controller-metrics.ts";
import { hostRequestMetrics, reviewMetrics } from "./host-metrics.ts";
import { RequestMetrics, registerBuildInfo } from "./metrics.ts";
import { registerStorageSize, registerStoredObjects, storageCallMetrics } from "./storage-metrics.ts";
import { watchMetrics } from "./watch-metrics.ts";

const maxPageBytes = 300_000;
const group = "compute.functionmesh.io";
const version = "v1alpha1";
const kinds = ["Function", "Source", "Sink", "FunctionMesh", "BackendConfig"];
const resources = ["functions", "sources", "sinks", "functionmeshes", "backendconfigs"];
const codes = [200, 201, 400, 404, 405, 406, 409, 410, 413, 415, 422, 429, 500, 503, 504];
const scopes = ["cluster", "namespace", "resource"];
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Every value of a label with every value of the others; called with the last changing first. */
function combine(
  values: Readonly<Record<string, readonly string[]>>,
  call: (labels: { [name: string]: string }) => void,
): void {
  const [first, ...rest] = Object.entries(values);
  if (first === undefined) {
    call({});
    return;
  }
  const [name, own] = first;
  for (const value of own) combine(Object.fromEntries(rest), (labels) => call({ [name]: value, ...labels }));
}

const fillers: { readonly [family: string]: (registry: Registry, budget: PageBudget) => void } = {
  calls: (registry, budget) => {
    const call = storageCallMetrics(registry, budget);
    const operation = ["get", "list", "create", "update", "delete", "getCurrentResourceVersion"];
    combine({ operation, resource: resources }, ({ operation = "", resource = "" }) => {
      for (const failed of [true, false]) call({ operation, group, resource, ms: 12.345, failed });
    });
    registerStoredObjects(registry, () =>
      resources.map((resource) => ({ group, resource, objects: 100_000, bytes: 500_000_000 })),
    );
    registerStorageSize(registry, "etcd", async () => 2 ** 33);
  },
  watches: (registry, budget) => {
    const { told, listed } = watchMetrics(registry, budget);
    combine({ resource: resources, scope: scopes }, ({ resource = "", scope = "" }) => {
      told({ group, version, resource }, 12_345);
      listed({ group, version, resource }, scope, 12.345);
    });
  },
  admission: (registry, budget) => {
    const { asked, passed } = admissionMetrics(registry, budget);
    for (const type of ["admit", "validate"] as const) {
      for (const operation of ["CREATE", "UPDATE", "DELETE"]) {
        for (const rejected of [true, false]) {
          passed({ type, operation, rejected, ms: 1.2345 });
          for (const plugin of numbers(20))
            asked(`ValidatingAdmission${plugin}`, { type, operation, rejected, ms: 1.2 });
        }
      }
    }
  },
  access: (registry) => {
    const { authenticated, authorized } = accessMetrics(registry);
    for (const result of ["success", "failure", "error"] as const) authenticated(result, 1.2345);
    for (const result of ["allowed", "denied", "error"] as const) authorized(result, 1.2345);
    for (const i of numbers(10_000)) authenticated("success", 1.2345, `user-${i}`);
    const names = ["admin", "anonymous", "apiserver", "aggregator", "kube-aggregator", "kube-scheduler"];
    for (const name of names) authenticated("success", 1.2345, `system:${name}`);
  },
  "the host": (registry, budget) => {
    const request = hostRequestMetrics(registry, budget);
    const [authn, authz] = [reviewMetrics(registry, budget, "authn"), reviewMetrics(registry, budget, "authz")];
    for (const code of [...codes, "<error>"] as const) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) request({ method, host: "10.96.0.1:443", code });
      authn(code, 12.345);
      authz(code, 12.345);
    }
  },
  controllers: (registry) => {
    const controller = controllerMetrics(registry);
    for (const name of ["function", "source", "sink", "functionmesh", "clean-up", "namespaces"]) {
      const { queue, reconciled } = controller(name);
      queue.add();
      queue.retry();
      queue.queueDurationMs(12.345);
      queue.workDurationMs(12.345);
      for (const result of ["success", "error", "requeue", "requeue_after"]) reconciled(result, 12.345);
    }
    registerLeadership(registry, "function-mesh-controller-manager", () => true);
    registerCertificateExpiry(registry, Date.now);
    const components = numbers(40).map((i) => `informer statefulsets.apps ${i}`);
    registerComponentMetrics(registry, () =>
      components.map((component) => ({ component, failures: 1000, failing: true })),
    );
  },
  objects: (registry) => {
    const phases = ["Pending", "Progressing", "Ready", "Degraded", "Paused", "Failed", "made up"];
    const reasons = numbers(26 * 26).map((i) => `Reason${String.fromCharCode(65 + Math.floor(i / 26), 65 + (i % 26))}`);
    const states = kinds.flatMap((kind) =>
      phases.flatMap((phase) => reasons.map((reason) => ({ kind, phase, reason }))),
    );
    registerObjectStates(registry, () => states);
  },
};

function fillRequests(metrics: RequestMetrics): void {
  const subresource = ["", "status", "scale"];
  const verb = ["GET", "LIST", "POST", "PUT", "PATCH", "APPLY", "DELETE", "WATCH", "other"];
  const values = { verb, dry_run: ["", "All", "invalid"], resource: resources, subresource, scope: ["", ...scopes] };
  combine(values, ({ verb = "", dry_run = "", resource = "", subresource = "", scope = "" }) => {
    const labels = { verb, dry_run, group, version, resource, subresource, scope, component: "apiserver" } as const;
    for (const code of codes) {
      metrics.finished(labels, { code, seconds: 0.012345, bytes: 12_345 });
      metrics.longRunningStarted(labels, code);
      metrics.terminated(labels, code);
    }
  });
  for (const resource of resources) metrics.watcherTerminated(resource);
  metrics.setLimits(new Map(Object.entries(limits).map(([name, { value }]) => [name, value])));
}

const fills: readonly (readonly [what: string, fill: (metrics: RequestMetrics) => void])[] = [
  ["requests", fillRequests],
  ["the rest", ({ registry, budget }) => void Object.values(fillers).map((fill) => fill(registry, budget))],
];

for (const order of [fills, fills.toReversed()]) {
  const [[first] = [""]] = order;
  test(`metrics: with every label at every value the page is below 300 KB, ${first} first`, async (t) => {
    const metrics = new RequestMetrics({ processMetrics: true });
    registerBuildInfo(metrics.registry, { gitVersion: "v1.37.0", compiler: "node v26.0.0" });
    for (const [, fill] of order) fill(metrics);
    const { text } = await metrics.expose();
    const bytesOf = new Map<string, number>();
    for (const line of text.split("\n")) {
      const family = line.replace(/^# (?:HELP|TYPE) /, "").replace(/(?:_bucket|_sum|_count)?[{ ].*$/, "");
      bytesOf.set(family, (bytesOf.get(family) ?? 0) + line.length + 1);
    }
    const largest = [...bytesOf].sort(([, a], [, b]) => b - a).slice(0, 12);
    t.diagnostic(`${text.length} bytes: ${largest.map(([family, bytes]) => `${family} ${bytes}`).join(", ")}`);
    assert.ok(text.length < maxPageBytes, `${text.length} bytes`);
    assert.match(text, /^apiserver_request_total\{verb="other".*\} [1-9]/m);
  });
}
