/**
 * Many workloads on a real kube-apiserver: what they cost, how soon they are there, and that what is settled is left alone:
 * looked at again, after a restart, and by a release that would render them in another way.
 *
 * Requests are counted by kube-apiserver itself. Its controllers stand still: nobody else writes.
 */
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { functionMeshType, functionType, sinkType, sourceType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { eventType, serviceType, statefulSetType } from "../../apiserver/client/resource-types.ts";
import { textOf } from "../../apiserver/machinery/fields.ts";
import { mapConcurrently } from "../../controllers/runtime/map-concurrently.ts";
import { partOf } from "../../controllers/workloads/parts.ts";
import { admission, RandomObjects } from "../fuzz/random-objects.ts";
import { eventually } from "../support/processes.ts";
import { random } from "../support/random.ts";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { type Measured, type Requests, since, startMeasured, sum, writesIn } from "./support/fleet.ts";

/** Functions that are alike, and as many objects at random beside them. */
const size = Number(process.env.FUNCTIONMESH_FLEET_SIZE ?? 60);
/** For how long Functions are created at a steady pace, in s. */
const paceSeconds = Number(process.env.FUNCTIONMESH_FLEET_SECONDS ?? 3);
/** Where the figures go. Given, times are judged as well, which takes a machine that does nothing else. */
const results = process.env.FUNCTIONMESH_FLEET_JSON;

const perSecond = 20;
const requestsEach = 3;
const writersAtOnce = 8;
const types = { Function: functionType, Source: sourceType, Sink: sinkType, FunctionMesh: functionMeshType };

const figures: { [what: string]: unknown } = {};
const keep = (what: string, figure: object): void => {
  figures[what] = figure;
  console.log(what, JSON.stringify(figure));
};

// Numbers at random are larger than what a server lets through by itself; no pod is made of them here.
const fleet = await startMeasured(["--concurrent-syncs", "16", "--max-replicas", String(2 ** 31 - 1)]);
after(() => fleet[Symbol.asyncDispose]());
fleet.installation.host.processes.controllerManager.kill("SIGSTOP");
after(() => fleet.installation.host.processes.controllerManager.kill("SIGCONT"));
await fleet.createNamespace("alike");
await fleet.createNamespace("fuzz");
await fleet.createNamespace("pace");

const aFunction = (name: string, namespace: string): KubeObject =>
  aWorkload("Function", aSpec("Function"), { name, namespace });
const count = async ({ client }: Measured, type: typeof statefulSetType, namespace: string): Promise<number> =>
  (await client.list(type, { namespace })).items.length;

/** What kube-apiserver was asked until all is quiet. */
async function asked(work: () => Promise<unknown>): Promise<Requests> {
  const before = await fleet.requests();
  await work();
  await fleet.quiet();
  return since(before, await fleet.requests());
}

test(`${size} Functions become StatefulSets and Services with ${requestsEach} requests each`, async () => {
  const names = Array.from({ length: size }, (_, index) => `f${index}`);
  const cpu = fleet.cpuMs();
  const startedAt = performance.now();
  let seconds = 0;
  const requests = await asked(async () => {
    const created = mapConcurrently(names, writersAtOnce, (name) =>
      fleet.client.create(functionType, aFunction(name, "alike")),
    );
    const all = async (type: typeof statefulSetType) => assert.equal(await count(fleet, type, "alike"), size);
    await Promise.all([
      created,
      eventually(() => all(statefulSetType), 600_000),
      eventually(() => all(serviceType), 600_000),
    ]);
    seconds = (performance.now() - startedAt) / 1000;
  });
  // Listing them is this test's own doing.
  const own = Object.fromEntries(Object.entries(requests).filter(([what]) => !/^LIST |PUT configmaps/.test(what)));
  keep("functions", {
    functions: size,
    seconds,
    cpuSeconds: (fleet.cpuMs() - cpu) / 1000,
    requests: own,
    each: sum(own) / size,
  });
  // Admission and controllers each ask once in a while whether the ConfigMap is there that all of them name.
  const { "GET configmaps": looks = 0, ...others } = own;
  assert.ok(looks <= 2 + seconds / 5, JSON.stringify(own));
  assert.ok(sum(others) <= requestsEach * size, JSON.stringify(own));
  if (results !== undefined) assert.ok(seconds <= (15 * size) / 1000, `${seconds} s`);
});

const admit = admission();
const atRandom: KubeObject[] = [];

test(`${size} objects at random are served as well`, async () => {
  const objects = new RandomObjects(random(7));
  const kinds = ["Function", "Source", "Sink", "FunctionMesh"] as const;
  for (let index = 0; atRandom.length < size; index += 1) {
    const { metadata, ...object } = objects.object(kinds[index % kinds.length] ?? "Function", `r${index}`);
    const { uid: _, ...named } = metadata;
    const sent = { ...object, metadata: named };
    // The cluster has no vertical autoscalers, and lets nobody be privileged (`--allow-privileged`), which is its own matter.
    if (admit(sent).errors.length === 0 && !/"vpa":|"privileged":true/.test(JSON.stringify(sent))) atRandom.push(sent);
  }
  await asked(() =>
    mapConcurrently(atRandom, writersAtOnce, (object) => {
      const type = Object.entries(types).find(([kind]) => kind === object.kind)?.[1] ?? functionType;
      return fleet.client.create(type, object);
    }),
  );
  const wrong = (await workloads()).filter(({ status }) => status?.phase === "Failed");
  assert.deepEqual(
    wrong.map(({ metadata, status }) => [metadata.name, status?.reason, status?.message]),
    [],
  );
});

/** What was said of changes, for whoever wonders why one was made. */
async function updates(): Promise<string[]> {
  const { items } = await fleet.client.list(eventType);
  return items
    .filter((event) => textOf(event, "reason") === "Updated")
    .map((event) => `${event.metadata.name} ${textOf(event, "message")}`);
}

type Workload = KubeObject & { readonly status?: { readonly [field: string]: unknown } };
const hasStatus = (object: KubeObject): object is Workload => typeof object.status === "object";

async function workloads(): Promise<Workload[]> {
  const lists = await Promise.all([functionType, sourceType, sinkType].map((type) => fleet.client.list(type)));
  return lists.flatMap(({ items }) => items).filter(hasStatus);
}

test("looked at again, nothing is written", async () => {
  const all = await workloads();
  assert.ok(all.length >= 2 * size, `${all.length} workloads`);
  const runs = await fleet.reconciles();
  const annotations = { "example.org/look": "again" };
  const requests = await asked(() =>
    mapConcurrently(all, writersAtOnce, async (object) => {
      const { name = "", namespace = "" } = object.metadata;
      const type = Object.values(types).find(({ kind }) => kind === object.kind) ?? functionType;
      await fleet.client.patch({ type, name, namespace }, { type: "merge", body: { metadata: { annotations } } });
    }),
  );
  const looked = (await fleet.reconciles()) - runs;
  keep("again", { objects: all.length, reconciles: looked, writes: sum(writesIn(requests)) });
  assert.ok(looked >= all.length, `${looked} runs for ${all.length} objects`);
  assert.deepEqual(writesIn(requests), {}, (await updates()).join("\n"));
});

test("a restart writes nothing, and serves what is new at once", async () => {
  const all = await workloads();
  await fleet.stop();
  let [seconds, cpuSeconds] = [0, 0];
  const requests = await asked(async () => {
    const startedAt = performance.now();
    await fleet.start();
    await eventually(() => fleet.client.create(functionType, aFunction("new", "alike")), 60_000);
    await eventually(
      () => fleet.client.get({ type: statefulSetType, name: "new-function", namespace: "alike" }),
      60_000,
    );
    seconds = (performance.now() - startedAt) / 1000;
  });
  cpuSeconds = fleet.cpuMs() / 1000;
  const looked = await fleet.reconciles();
  const writes = sum(writesIn(requests)) - requestsEach;
  keep("restart", { objects: all.length, reconciles: looked, writes, secondsUntilNewIsServed: seconds, cpuSeconds });
  assert.ok(looked > all.length, `${looked} runs for ${all.length} objects`);
  // What the new one takes: two objects and an event.
  assert.equal(writes, 0, [JSON.stringify(requests), ...(await updates())].join("\n"));
  if (results !== undefined) assert.ok(seconds <= 5, `${seconds} s`);
});

test(`${perSecond} Functions a second: how soon each has its StatefulSet`, async () => {
  const sent = new Map<string, number>();
  const took: number[] = [];
  const ended = new AbortController();
  const { metadata } = await fleet.client.list(statefulSetType, { namespace: "pace" });
  const query = { namespace: "pace", ...(metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }) };
  const watching = (async () => {
    for await (const { type, object } of fleet.client.watch(statefulSetType, query, ended.signal)) {
      const at = type === "ADDED" ? sent.get(object.metadata.name ?? "") : undefined;
      if (at !== undefined) took.push(performance.now() - at);
    }
  })().catch(() => undefined);
  const total = perSecond * paceSeconds;
  const creates: Promise<unknown>[] = [];
  for (let index = 0; index < total; index += 1) {
    creates.push(fleet.client.create(functionType, aFunction(`p${index}`, "pace")).then(() => undefined));
    sent.set(`p${index}-function`, performance.now());
    await pause(1000 / perSecond);
  }
  await Promise.all(creates);
  await eventually(async () => assert.equal(took.length, total), 120_000);
  ended.abort();
  await watching;
  took.sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0);
  keep("pace", { functions: total, perSecond, p50Ms: at(0.5), p99Ms: at(0.99) });
  if (results !== undefined) assert.ok(at(0.99) < 1000, `${at(0.99)} ms`);
});

test("a release that renders in another way, with other settings, restarts no pod and shows all that is pending", async () => {
  await fleet.quiet();
  const templates = async (): Promise<Map<string, string>> => {
    const { items } = await fleet.client.list(statefulSetType);
    return new Map(
      items.map((set) => [
        `${set.metadata.namespace}/${set.metadata.name}`,
        JSON.stringify(partOf(set, "spec").template),
      ]),
    );
  };
  const before = await templates();
  const program = await anotherRelease();
  const settings = join(program, "..", "..", "..", "settings.yaml");
  await writeFile(settings, "runnerImages:\n  java: example.org/another-runner:9\n");
  await fleet.stop();
  await fleet.start({ program, args: ["--config-file", settings] });
  await fleet.quiet();
  const all = await workloads();
  assert.ok((await fleet.reconciles()) >= all.length);
  assert.deepEqual(await templates(), before);
  const silent = all.filter(({ status }) => typeof status?.pendingChange !== "string");
  assert.deepEqual(
    silent.map(({ metadata }) => metadata.name),
    [],
  );
  const causes = all.map(({ status }) => textOf({ text: String(status?.pendingChange) }, "text").split(":")[0]);
  keep("release", { objects: all.length, templatesChanged: 0, pending: all.length, causes: [...new Set(causes)] });
});

/** This program with a renderer that gives pods one annotation more. Returns its `main.ts`. */
async function anotherRelease(): Promise<string> {
  const root = new URL("../..", import.meta.url).pathname;
  const copy = await mkdtemp(join(tmpdir(), "functionmesh-release-"));
  after(() => rm(copy, { recursive: true, force: true }));
  for (const part of ["apiserver", "controllers", "openapi", "package.json"])
    await cp(join(root, part), join(copy, part), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const file = join(copy, "controllers/workloads/pod-template.ts");
  const text = await readFile(file, "utf8");
  const changed = text.replace(
    '"prometheus.io/scrape": "true"',
    '"prometheus.io/scrape": "true", "example.org/release": "next"',
  );
  assert.notEqual(changed, text, "the renderer is another");
  await writeFile(file, changed);
  return join(copy, "apiserver/cmd/main.ts");
}

after(async () => {
  if (results === undefined) return;
  const machine = { cpus: cpus().length, model: cpus()[0]?.model, load: loadavg()[0] };
  await writeFile(results, `${JSON.stringify({ machine, ...figures }, undefined, 2)}\n`);
});
