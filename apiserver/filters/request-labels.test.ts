import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest, type RequestParts } from "../../test/support/requests.ts";
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
