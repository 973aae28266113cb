import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest, bytesOf } from "../../test/support/requests.ts";
import type { ApiHandler, ApiRequest, ApiResponse } from "../endpoints/api-handler.ts";
import { newConflict, newInternal, newTimeout } from "../errors/status-error.ts";
import { parseGoDuration } from "../machinery/go-duration.ts";
import { type Logger, silentLogger } from "../observability/log.ts";
import { RequestMetrics } from "../observability/metrics.ts";
import { withAccessRecords } from "./access.ts";
import { withAuditId } from "./audit-id.ts";
import { withDeadline } from "./deadline.ts";
import { withErrorResponses } from "./error-responses.ts";
import { withPanicRecovery } from "./panic-recovery.ts";
import { withRequestInfo } from "./request-info.ts";

const functions = "/apis/compute.functionmesh.io/v1alpha1/namespaces/n/functions";
const fine: ApiResponse = { status: 200, headers: {} };

/** A logger that keeps what it is given at level `error`. */
function recorder(): { log: Logger; errors: { readonly [field: string]: unknown }[] } {
  const errors: { readonly [field: string]: unknown }[] = [];
  return { log: { ...silentLogger, error: (fields) => errors.push(fields) }, errors };
}

/** A handler that answers when it is told to. */
function pending(): { handler: ApiHandler; answer: (response?: ApiResponse) => void; seen: ApiRequest[] } {
  const { promise, resolve } = Promise.withResolvers<ApiResponse>();
  const seen: ApiRequest[] = [];
  return {
    handler: (request) => {
      seen.push(request);
      return promise;
    },
    answer: (response = fine) => resolve(response),
    seen,
  };
}

// API N-60
test("audit id: the client's own if it is short, plain text, else a new one; the same inside and on the answer", async () => {
  let inside = "";
  const filter = withAuditId(async ({ auditId }) => {
    inside = auditId;
    return { status: 200, headers: { "cache-control": "public" } };
  });
  const own = await filter(aRequest({ headers: { "audit-id": "mine" } }));
  assert.deepEqual([inside, own.headers], ["mine", { "audit-id": "mine", "cache-control": "public" }]);
  for (const sent of ["", "x".repeat(65), "jürgen", "a\tb"]) {
    const made = await filter(aRequest({ headers: { "audit-id": sent } }));
    assert.match(String(made.headers["audit-id"]), /^[0-9a-f-]{36}$/);
    assert.equal(made.headers["audit-id"], inside);
  }
});

test("request info: a path that cannot be decoded reaches nobody", async () => {
  const filter = withRequestInfo(() => assert.fail("it was let through"));
  assert.equal((await filter({ ...aRequest(), path: "/%zz" })).status, 400);
});

// API V-12, E-35, R-01
test("deadline: time is up for reads and writes in their own words, and whoever works on it is told", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  for (const [method, limitMs, elapsedMs, message] of [
    ["GET", 60_000, 60_000, /request did not complete within the allotted timeout/],
    ["PUT", 60_000, 34_000, /context deadline exceeded/],
    ["DELETE", 5_000, 5_000, /context deadline exceeded/],
  ] as const) {
    const { handler, seen } = pending();
    const answer = withDeadline(limitMs)(handler)(aRequest({ method, url: `${functions}/a` }));
    t.mock.timers.tick(elapsedMs - 1);
    assert.equal(seen[0]?.signal.aborted, false);
    t.mock.timers.tick(1);
    assert.equal(seen[0]?.signal.aborted, true);
    const { status, result } = await answer;
    assert.equal(status, 504);
    assert.match(result?.kind === "status" ? (result.status.message ?? "") : "", message);
  }
});

// API V-11
test("deadline: a client may ask for less, not for more, and not for nonsense", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const after = async (timeout: string, ms: number): Promise<boolean> => {
    const { handler, seen } = pending();
    void withDeadline(1000)(handler)(aRequest({ url: `${functions}?timeout=${timeout}` }));
    t.mock.timers.tick(ms);
    return seen[0]?.signal.aborted === true;
  };
  assert.deepEqual([await after("100ms", 99), await after("100ms", 100)], [false, true]);
  assert.deepEqual([await after("1h", 999), await after("1h", 1000), await after("0s", 999)], [false, true, false]);
  await assert.rejects(
    withDeadline(1000)(pending().handler)(aRequest({ url: `${functions}?timeout=x` })),
    /invalid timeout/,
  );
});

// API W-07, R-02
test("deadline: watches have none, and a client that leaves ends the work", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const watch = pending();
  const watching = withDeadline(1000)(watch.handler)(aRequest({ url: `${functions}?watch=1` }));
  t.mock.timers.tick(100_000);
  watch.answer();
  assert.equal((await watching).status, 200);
  const client = new AbortController();
  const get = pending();
  void withDeadline(1000)(get.handler)(aRequest({ url: functions, signal: client.signal }));
  client.abort();
  assert.equal(get.seen[0]?.signal.aborted, true);
});

test("durations as Go writes them", () => {
  const durations = {
    "1m30s": 90_000,
    "500ms": 500,
    "1.5h": 5_400_000,
    ".5s": 500,
    "-1s": -1000,
    "0": 0,
    "1us": 0.001,
  };
  for (const [text, ms] of Object.entries(durations)) assert.equal(parseGoDuration(text), ms, text);
  for (const text of ["", "1", "s", "1 s", "1d", "1s ", "1s2"]) assert.equal(parseGoDuration(text), undefined, text);
});

const resource = { group: "g", resource: "things" };
for (const [what, error, status, logged] of [
  ["a failure the client may know", newConflict(resource, "a", "why"), 409, 0],
  ["a failure with a cause the client may not know", newInternal("storage", { cause: new Error("disk") }), 500, 1],
  ["a failure of our own", newTimeout("late"), 504, 0],
  ["a bug", new TypeError("secret of the inside"), 500, 1],
] as const) {
  // API E-04, E-26, E-39
  test(`errors: ${what} is ${status}`, async () => {
    const { log, errors } = recorder();
    const answer = await withErrorResponses(log)(async () => {
      throw error;
    })(aRequest({ url: functions }));
    assert.equal(answer.status, status);
    assert.doesNotMatch(String(await bytesOf(answer)), /secret|disk|\bat\b/);
    assert.equal(errors.length, logged);
  });
}

test("errors: what fails because the client left is nobody's bug", async () => {
  const { log, errors } = recorder();
  const answer = await withErrorResponses(log)(async () => {
    throw new Error("aborted");
  })(aRequest({ signal: AbortSignal.abort() }));
  assert.deepEqual([answer.status, errors.length], [504, 0]);
});

// API E-36
test("panics: what slips through everything is a constant text for the client and a record for us", async () => {
  const { log, errors } = recorder();
  const answer = await withPanicRecovery(log)(async () => {
    throw new Error("secret");
  })(aRequest());
  assert.equal(answer.status, 500);
  assert.equal(
    String(await bytesOf(answer)),
    "This request caused apiserver to panic. Look in the logs for details.\n",
  );
  assert.equal(errors.length, 1);
});

test("access: a record per request says who asked for what, and nothing of credentials and bodies (API AU-12, AU-14)", async () => {
  const records: { readonly [field: string]: unknown }[] = [];
  const log: Logger = { ...silentLogger, debug: (fields) => records.push(fields) };
  const metrics = new RequestMetrics({ processMetrics: false });
  const filter = withAccessRecords({ log, metrics, labelsOf: () => true })(async ({ onIdentity }) => {
    onIdentity?.({ name: "jane", groups: [] });
    onIdentity?.({ name: "bob", groups: [] });
    return fine;
  });
  const headers = { authorization: "Bearer secret-token", "user-agent": "kubectl/v1" };
  await filter(aRequest({ method: "POST", url: `${functions}?dryRun=All`, headers, body: "secret-body" }));
  const [{ ms, ...record } = { ms: "none" }, ...others] = records;
  assert.equal(typeof ms, "number");
  assert.deepEqual(others, []);
  assert.deepEqual(record, {
    auditId: "audit",
    method: "POST",
    verb: "create",
    path: functions,
    code: 200,
    user: "jane",
    impersonated: "bob",
    userAgent: "kubectl/v1",
    source: "192.0.2.1",
  });
});
