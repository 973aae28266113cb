import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest, type RequestParts } from "../../test/support/requests.ts";
import { limits } from "../limits.ts";
import { silentLogger } from "../observability/log.ts";
import { RequestMetrics } from "../observability/metrics.ts";
import { withAccessRecords } from "./access.ts";
import type { RouteLabels } from "./request-labels.ts";

const root = "/apis/compute.functionmesh.io/v1alpha1/namespaces/n";
const served = new Set(["functions/", "functions/status"]);
const labelsOf: RouteLabels = ({ resource, subresource }) => served.has(`${resource}/${subresource}`);

/** The lines about requests after these were answered with `status`. */
async function countsAfter(requests: readonly RequestParts[], status: number): Promise<string[]> {
  const metrics = new RequestMetrics({ processMetrics: false });
  const filter = withAccessRecords({ log: silentLogger, metrics, labelsOf })(async () => ({ status, headers: {} }));
  for (const parts of requests) await filter(aRequest(parts));
  const { text } = await metrics.expose();
  return text.split("\n").filter((line) => line.startsWith("apiserver_request_total"));
}

const many = <T>(make: (i: number) => T): T[] => Array.from({ length: 50 }, (_, i) => make(i));

const strange: readonly (readonly [what: string, requests: readonly RequestParts[], status: number])[] = [
  ["made-up subresources", many((i) => ({ url: `${root}/functions/x/${"a".repeat(1000)}${i}` })), 404],
  ["made-up resources", many((i) => ({ url: `${root}/thing${i}/x` })), 404],
  ["made-up groups", many((i) => ({ url: `/apis/g${i}/v1/functions` })), 403],
  ["made-up methods", many((i) => ({ method: `M${i}`, url: `${root}/functions` })), 405],
  ["methods that objects have", ["constructor", "__proto__", "toString"].map((method) => ({ method, url: "/" })), 405],
  ["what is refused", many((i) => ({ url: `${root}/functions/x${i}/status` })), 403],
  ["paths", many((i) => ({ url: `/path${i}` })), 404],
];
for (const [what, requests, status] of strange) {
  test(`metrics: ${what} make no series of their own (API MT-23)`, async () => {
    const lines = await countsAfter(requests, status);
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", what === "made-up groups" || what.startsWith("what") ? /resource=""/ : /^.{0,200} /);
  });
}

test("metrics: what is served is told apart", async () => {
  const lines = await countsAfter([{ url: `${root}/functions/x/status` }, { url: `${root}/functions` }], 200);
  assert.equal(lines.length, 2);
  assert.match(lines.join("\n"), /verb="GET".*subresource="status"[\s\S]*verb="LIST".*scope="namespace"/);
});

test("metrics: of every verb on every kind and subresource of ours the page is below 500 kB, twice answered otherwise", async () => {
  const metrics = new RequestMetrics({ processMetrics: true });
  const common = {
    dry_run: "",
    group: "compute.functionmesh.io",
    version: "v1alpha1",
    component: "apiserver",
  } as const;
  const outcome = { seconds: 0.1, bytes: 1000 };
  const verbs = {
    "": ["GET", "LIST", "POST", "PUT", "PATCH", "APPLY", "DELETE"],
    status: ["GET", "PUT", "PATCH", "APPLY"],
    scale: ["GET", "PUT", "PATCH"],
  };
  for (const resource of ["functions", "sources", "sinks", "functionmeshes", "backendconfigs"])
    for (const [subresource, each] of Object.entries(verbs))
      for (const verb of each)
        for (const code of [200, 404, 409])
          metrics.finished({ ...common, resource, subresource, verb, scope: "resource" }, { ...outcome, code });
  const { text } = await metrics.expose();
  assert.ok(text.length < 500_000, `${text.length} bytes`);
});

test("metrics: however many kinds of requests there are, the page has a bound", async () => {
  const metrics = new RequestMetrics({ processMetrics: false });
  const kinds = 3 * limits.maxRequestSeries.value;
  for (let i = 0; i < kinds; i++) {
    const labels = { verb: "GET", dry_run: "", group: "g", version: "v1", subresource: "", scope: "resource" } as const;
    metrics.finished({ ...labels, resource: `r${i}`, component: "apiserver" }, { code: 200, seconds: 0.1, bytes: 10 });
  }
  const { text } = await metrics.expose();
  assert.equal(text.match(/^apiserver_request_total\{/gm)?.length, limits.maxRequestSeries.value + 1);
});
