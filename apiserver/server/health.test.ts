import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest, bytesOf } from "../../test/support/requests.ts";
import type { ApiResponse } from "../endpoints/api-handler.ts";
import { silentLogger } from "../observability/log.ts";
import { healthHandlers, standardChecks } from "./health.ts";

/** A server whose storage and shutdown a test controls, and what it says at a URL. */
function aServer() {
  const state: {
    storage: boolean;
    writable: boolean;
    refusal?: string;
    synced: boolean;
    failed: string[];
    erring: string[];
    leaderUnknown: boolean;
    stopping: boolean;
  } = {
    failed: [],
    erring: [],
    leaderUnknown: false,
    storage: true,
    writable: true,
    synced: true,
    stopping: false,
  };
  const checks = standardChecks({
    ping: async () => {
      if (!state.storage) throw new Error("connection refused");
    },
    pingWrite: async () => {
      if (!state.storage || !state.writable) throw new Error("the disk is full");
    },
    storeRefusal: () => state.refusal,
    informersSynced: () => state.synced,
    failedComponents: () => state.failed,
    erringPlugins: () => state.erring,
    leaderUnknown: () => state.leaderUnknown,
    shuttingDown: () => state.stopping,
    hooks: new Map([["start-x", () => true]]),
  });
  const handlers = healthHandlers(checks, silentLogger);
  const ask = async (url: string): Promise<ApiResponse> => {
    const request = aRequest({ url });
    const handler = handlers.get(request.path);
    assert.ok(handler !== undefined, url);
    return handler(request);
  };
  const statuses = async () => {
    const answers = await Promise.all(["/healthz", "/livez", "/readyz"].map(ask));
    return answers.map(({ status }) => status);
  };
  return { state, ask, statuses, text: async (url: string) => String(await bytesOf(await ask(url))) };
}

// API R-17
test("losing storage fails everything, and it recovers by itself", async () => {
  const { state, statuses } = aServer();
  assert.deepEqual(await statuses(), [200, 200, 200]);
  state.storage = false;
  assert.deepEqual(await statuses(), [500, 500, 500]);
  state.storage = true;
  assert.deepEqual(await statuses(), [200, 200, 200]);
});

test("a store that can be read but not written is alive, not ready, and the reason is told at the check's path", async () => {
  const { state, statuses, text } = aServer();
  state.writable = false;
  assert.deepEqual(await statuses(), [200, 200, 500]);
  assert.match(await text("/readyz"), /^\[\+\]ping ok\n\[\+\]log ok\n\[\+\]etcd ok\n\[-\]etcd-readiness failed/);
  assert.equal(await text("/readyz/etcd-readiness"), "internal server error: the disk is full\n");
});

test("a store that must not be used is named, and why at the check's path; the server is alive", async () => {
  const { state, statuses, text } = aServer();
  state.refusal = "the store is empty";
  assert.deepEqual(await statuses(), [200, 200, 500]);
  assert.match(await text("/readyz"), /\[-\]store failed: reason withheld/);
  assert.equal(await text("/readyz/store"), "internal server error: the store is empty\n");
});

// API H-10, R-15
test("a server that starts or stops is alive but not ready", async () => {
  const { state, statuses } = aServer();
  state.synced = false;
  assert.deepEqual(await statuses(), [200, 200, 500]);
  state.synced = true;
  state.stopping = true;
  assert.deepEqual(await statuses(), [200, 200, 500]);
});

// API H-05
test("a failure is told by check, its reason only by the check's own path", async () => {
  const { state, ask, text } = aServer();
  state.storage = false;
  const all = await text("/readyz");
  assert.match(all, /^\[\+\]ping ok\n\[\+\]log ok\n\[-\]etcd failed: reason withheld\n/);
  assert.match(all, /\[\+\]poststarthook\/start-x ok\n[\s\S]*readyz check failed\n$/);
  assert.doesNotMatch(all, /refused/);
  assert.equal((await ask("/livez/etcd")).status, 500);
  assert.equal(await text("/livez/etcd"), "internal server error: connection refused\n");
  assert.equal(await text("/livez?exclude=etcd"), "ok");
});

test("a controller that does not do its work makes the server unready, and nothing else; the log has which", async () => {
  const { state, statuses, text } = aServer();
  state.failed.push("controller function: a bug");
  assert.deepEqual(await statuses(), [200, 200, 500]);
  assert.match(await text("/readyz?verbose"), /^\[-\]controllers failed: reason withheld$/m);
});

test("an admission plugin in which requests meet exceptions is told of, and makes nothing unready", async () => {
  const { state, statuses, text } = aServer();
  state.erring.push("admission MaxReplicas");
  assert.deepEqual(await statuses(), [200, 200, 200]);
  assert.equal(await text("/readyz"), "ok");
  assert.match(
    await text("/readyz?verbose"),
    /^warn: admission MaxReplicas met an exception lately: see the log\nreadyz check passed$/m,
  );
});

test("that nobody can tell who leads is told, and makes nothing unready: all is served", async () => {
  const { state, statuses, text } = aServer();
  state.leaderUnknown = true;
  assert.deepEqual(await statuses(), [200, 200, 200]);
  assert.match(await text("/readyz?verbose"), /^warn: nobody can tell who leads: see the log$/m);
});
