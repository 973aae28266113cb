import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import type { KubeObject } from "../apis/meta/v1.ts";
import { newServiceUnavailable } from "../errors/status-error.ts";
import type { ResourceType } from "./client.ts";
import { follow } from "./follow.ts";

const type: ResourceType = { group: "", version: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true };
const configMap = (name: string, data = ""): KubeObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "demo" },
  data: { data },
});

/** A collection that is followed; `reaches` resolves when its names are exactly these. */
function setup(context: { after: (done: () => void) => void }) {
  const client = new FakeClient(new FakeClock());
  const stop = new AbortController();
  context.after(() => stop.abort());
  const names = new Set<string>();
  const errors: unknown[] = [];
  let changed: () => void = () => undefined;
  const change = (apply: () => void): void => {
    apply();
    changed();
  };
  const nameOf = ({ metadata }: KubeObject): string => metadata.name ?? "";
  const sink = {
    replace: (objects: readonly KubeObject[]) =>
      change(() => {
        names.clear();
        for (const object of objects) names.add(nameOf(object));
      }),
    upsert: (object: KubeObject) => change(() => names.add(nameOf(object))),
    remove: (object: KubeObject) => change(() => names.delete(nameOf(object))),
  };
  const waits: number[] = [];
  const sleep = async (ms: number): Promise<void> => {
    waits.push(ms);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const start = (): Promise<void> =>
    follow(client, sink, { type, signal: stop.signal, onError: (error) => errors.push(error), sleep });
  const reaches = async (...wanted: string[]): Promise<void> => {
    while ([...names].sort().join() !== wanted.join()) await new Promise<void>((resolve) => (changed = resolve));
  };
  return { client, stop, errors, waits, start, reaches };
}

test("a collection is listed, then followed change by change", async (context) => {
  const { client, start, reaches, stop, errors } = setup(context);
  await client.create(type, configMap("a"));
  const running = start();
  await reaches("a");
  await client.create(type, configMap("b"));
  await reaches("a", "b");
  await client.delete({ type, name: "a", namespace: "demo" });
  await reaches("b");
  stop.abort();
  await running;
  assert.deepEqual(errors, []);
});

test("streams that end are opened again where they ended", async (context) => {
  const { client, start, reaches } = setup(context);
  void start();
  await client.create(type, configMap("a"));
  await reaches("a");
  const lists = client.requests.filter(({ verb }) => verb === "list").length;
  client.closeWatches();
  await client.create(type, configMap("b"));
  await reaches("a", "b");
  assert.equal(client.requests.filter(({ verb }) => verb === "list").length, lists);
});

test("failures are reported and followed by a new list, later and later", async (context) => {
  const { client, start, reaches, errors, waits } = setup(context);
  client.fail(({ verb }) => verb === "list", newServiceUnavailable("down"), 3);
  await client.create(type, configMap("a"));
  void start();
  await reaches("a");
  assert.equal(errors.length, 3);
  assert.deepEqual(waits.slice(0, 3), [800, 1600, 3200]);
});

test("a position that history has lost leads to a new list, silently", async (context) => {
  const { client, start, reaches, errors } = setup(context);
  void start();
  await client.create(type, configMap("a"));
  await reaches("a");
  client.closeWatches();
  await client.create(type, configMap("b"));
  client.compact();
  await reaches("a", "b");
  assert.deepEqual(errors, []);
});
