/** Grace periods nobody lives to see, and times in every form: what is stored can be read by every client (API X-10, M-05). */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { assertFailure } from "./support/failures.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "times");
const root = "/api/v1/namespaces/times";
const last = "9999-12-31T23:59:59Z";

const aPod = (name: string, grace: number | string): string =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"${name}","finalizers":["example.com/hold"]},` +
  `"spec":{"nodeName":"n","terminationGracePeriodSeconds":${grace},"containers":[{"name":"c","image":"i"}]}}`;

const graces: readonly (readonly [what: string, seconds: number | string])[] = [
  ["beyond the year 9999", 300_000_000_000],
  ["beyond what a Date holds", 9_007_199_254_740_991],
  ["as long as an int64 goes", "9223372036854775807"],
];
for (const [index, [what, seconds]] of graces.entries()) {
  test(`a grace period ${what} ends with the year 9999: of the pod, of a query, of a body`, async () => {
    for (const from of ["pod", "query", "body"]) {
      const name = `${from}-${index}`;
      ok(await admin.post(`${root}/pods`, aPod(name, from === "pod" ? seconds : 5)), 201);
      const query = from === "query" ? `?gracePeriodSeconds=${seconds}` : "";
      const body = from === "body" ? { body: `{"gracePeriodSeconds":${seconds}}` } : {};
      const reply = ok(await admin.send("DELETE", `${root}/pods/${name}${query}`, body));
      assert.match(String(reply.at("metadata", "deletionTimestamp")), /^9999-12-31T23:59:(58|59)Z$/);
    }
  });
}

test("nor does such a grace period stop the deletion of a collection, and every time of a list has four digits", async () => {
  const options = { body: '{"gracePeriodSeconds":9007199254740991}' };
  ok(await admin.send("DELETE", `${root}/pods`, options));
  const { text } = ok(await admin.get(`${root}/pods`));
  const times = [...text.matchAll(/"deletionTimestamp":"([^"]*)"/g)].map(([, time]) => time);
  assert.equal(times.length, 3 * graces.length);
  for (const time of times) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.ok(times.every((time) => String(time) <= last));
});

test("a negative grace period is one second", async () => {
  ok(await admin.post(`${root}/pods`, aPod("negative", 5)), 201);
  const reply = ok(await admin.delete(`${root}/pods/negative`, { gracePeriodSeconds: -7 }));
  assert.equal(reply.at("metadata", "deletionGracePeriodSeconds"), 1);
});

const leases = "/apis/coordination.k8s.io/v1/namespaces/times/leases";
const aLease = (name: string, spec: JsonObject): JsonObject => ({ metadata: { name }, spec });
const stored: readonly (readonly [sent: string, canonical: string])[] = [
  ["2026-07-23T18:32:12Z", "2026-07-23T18:32:12.000000Z"],
  ["2026-07-23T20:32:12.5+02:00", "2026-07-23T18:32:12.500000Z"],
  ["2026-07-23T18:32:12.123456789Z", "2026-07-23T18:32:12.123456Z"],
];
for (const [index, [sent, canonical]] of stored.entries()) {
  test(`a time to the microsecond sent as ${sent} is stored as ${canonical}`, async () => {
    const reply = ok(await admin.post(leases, aLease(`l${index}`, { renewTime: sent })), 201);
    assert.equal(reply.at("spec", "renewTime"), canonical);
  });
}

test("a time to the second is stored to the second, in UTC", async () => {
  const created = ok(await admin.post(`${root}/pods`, aPod("started", 5)), 201);
  const status = { startTime: "2026-07-23T20:32:12.5+02:00" };
  const reply = ok(await admin.put(`${root}/pods/started/status`, { ...created.body, status }));
  assert.equal(reply.at("status", "startTime"), "2026-07-23T18:32:12Z");
});

for (const time of ["2026-02-30T00:00:00Z", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "now", ""]) {
  test(`the time ${JSON.stringify(time)} is none: 400, as Go cannot decode it`, async () => {
    assertFailure(await admin.post(leases, aLease("bad", { renewTime: time })), { code: 400, message: /parsing time/ });
    const metadata = { name: "bad", creationTimestamp: time };
    assertFailure(await admin.post(`${root}/configmaps`, { metadata }), { code: 400, message: /parsing time/ });
  });
}
