import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest, bytesOf, type RequestParts } from "../../test/support/requests.ts";
import { mastersGroup, type UserInfo } from "../authentication/user.ts";
import type { ApiHandler, ApiRequest, ApiResponse } from "../endpoints/api-handler.ts";
import { limits } from "../limits.ts";
import { RequestMetrics } from "../observability/metrics.ts";
import { type InFlightLimits, withInFlightLimits } from "./in-flight.ts";

const functions = "/apis/compute.functionmesh.io/v1alpha1/namespaces/n/functions";
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const user = (name: string, ...groups: readonly string[]): UserInfo => ({ name, groups });

type Given = { readonly handler?: ApiHandler; readonly maxWaitMs?: number };

/** The filter over a handler that reads bodies and answers at once, with what has come to the handler. */
function limited(inFlight: InFlightLimits, { handler, maxWaitMs = 50 }: Given = {}) {
  const metrics = new RequestMetrics({ processMetrics: false });
  const served: ApiRequest[] = [];
  const fine: ApiHandler = async (request) => {
    if (request.method !== "GET") await request.body(limits.maxBodyBytes.value);
    served.push(request);
    return { status: 200, headers: {} };
  };
  const filter = withInFlightLimits({ limits: inFlight, metrics, labelsOf: () => true, maxWaitMs })(handler ?? fine);
  return { served, metrics, send: (parts: RequestParts) => filter(aRequest({ url: functions, ...parts })) };
}

const written = ({ onWritten }: ApiResponse): void => onWritten?.();
const textOf = async (response: ApiResponse): Promise<string> => String(await bytesOf(response));

test("a place is held until the answer is written, and then is the next one's", async () => {
  const { send, served } = limited({ readOnly: 1, mutating: 1 }, { maxWaitMs: 60_000 });
  const first = await send({ user: user("ann") });
  const second = send({ user: user("joe") });
  await settled();
  assert.equal(served.length, 1);
  written(first);
  assert.equal((await second).status, 200);
});

test("reads and writes have places apart; who waits too long is told when to come back and why (API E-25, MT-08)", async () => {
  const { send, metrics } = limited({ readOnly: 1, mutating: 1 });
  const holding = [await send({ user: user("ann") }), await send({ method: "POST", user: user("ann") })];
  for (const method of ["GET", "PUT"]) {
    const refused = await send({ method, url: `${functions}/a`, user: user("joe") });
    assert.deepEqual([refused.status, refused.headers["retry-after"]], [429, "1"]);
    assert.match(
      await textOf(refused),
      /^Too many requests, please try again later\.\nThe limit is 15000 ms: time to wait/,
    );
  }
  const { text } = await metrics.expose();
  assert.match(text, /apiserver_current_inflight_requests\{request_kind="mutating"\} 1/);
  assert.match(text, /^apiserver_request_terminations_total\{verb="PUT",.*code="429".*\} 1$/m);
  holding.forEach(written);
  assert.equal((await send({ user: user("joe") })).status, 200);
});

test("bodies that trickle hold no place: others write as if they weren't there", async () => {
  const { send } = limited({ readOnly: 1, mutating: 1 });
  const never = new Promise<Uint8Array>(() => undefined);
  for (let i = 0; i < 200; i++) {
    void send({ method: "POST", user: user("carol"), bodyLength: 1000, reading: never });
  }
  for (let i = 0; i < 10; i++) {
    const response = await send({ method: "POST", user: user("alice") });
    assert.equal(response.status, 200);
    written(response);
  }
});

// API R-04
test("one user's flood takes a tenth of the places, and others find one at once", async () => {
  const { send, served } = limited({ readOnly: 100, mutating: 100 });
  for (let i = 0; i < 300; i++) void send({ user: user("flood") });
  // They begin a slice at a time.
  while (served.length < 10) await settled();
  await settled();
  assert.equal(served.length, 10);
  assert.equal((await send({ user: user("ann") })).status, 200);
});

test("a watch has a place until it has begun, and counts among its user's watches until it ends", async () => {
  const { send } = limited({ readOnly: 1, mutating: 1 });
  const open: ApiResponse[] = [];
  for (let i = 0; i < limits.maxUserWatches.value; i++) {
    open.push(await send({ url: `${functions}?watch=1`, user: user("ann") }));
  }
  assert.ok(open.every(({ status }) => status === 200));
  const refused = await send({ url: `${functions}?watch=1`, user: user("ann") });
  assert.equal(refused.status, 429);
  assert.match(await textOf(refused), /The limit is 1000: watches of one user at once\./);
  assert.equal((await send({ url: `${functions}?watch=1`, user: user("joe") })).status, 200);
  open.slice(0, 1).forEach(written);
  assert.equal((await send({ url: `${functions}?watch=1`, user: user("ann") })).status, 200);
});

test("what one user may have open is limited, in number and in bytes that were announced", async () => {
  const { send } = limited({ readOnly: 0, mutating: 0 });
  const never = new Promise<Uint8Array>(() => undefined);
  for (let i = 0; i < limits.maxUserRequests.value; i++)
    void send({ method: "POST", user: user("ann"), bodyLength: 1, reading: never });
  await settled();
  assert.match(await textOf(await send({ user: user("ann") })), /The limit is 500: requests of one user/);
  const whole = { method: "POST", user: user("joe"), reading: never };
  for (let i = 0; i < 21; i++) void send(whole);
  await settled();
  assert.match(await textOf(await send(whole)), /The limit is 67108864 bytes: bodies of one user/);
  assert.equal((await send({ method: "POST", user: user("joe"), bodyLength: 1 })).status, 200);
});

test("administrators and health checks always pass, Kubernetes' components have places to themselves, 0 is no limit", async () => {
  const { send, served } = limited({ readOnly: 1, mutating: 0 });
  await send({ user: user("ann") });
  const passing = [
    { user: user("root", mastersGroup) },
    { url: "/livez", user: user("joe") },
    { url: "/readyz/ping", user: user("system:anonymous") },
    { user: user("system:kube-controller-manager") },
    ...Array.from({ length: 5 }, () => ({ method: "POST", user: user("joe") })),
  ];
  for (const parts of passing) assert.equal((await send(parts)).status, 200);
  assert.equal(served.length, passing.length + 1);
  for (const name of ["system:anonymous", "system:serviceaccount:tenant:system"]) {
    assert.equal((await send({ user: user(name) })).status, 429, name);
  }
});

test("a request that fails gives its place back", async () => {
  const { send } = limited({ readOnly: 1, mutating: 1 }, { handler: async () => Promise.reject(new Error("a bug")) });
  for (let i = 0; i < 3; i++) await assert.rejects(send({}), /a bug/);
});
