/**
 * Workloads under everything that happens to them at once: their users change, scale, delete and make them again, somebody
 * edits or deletes their children, an autoscaler steps in, nodes come and go, and the controller is killed. In the end all
 * is as if it had just been rendered, and each replacement of pods has its cause.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { backendConfigType, functionType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import { eventType, serviceType, statefulSetType } from "../../apiserver/client/resource-types.ts";
import { StatusError } from "../../apiserver/errors/status-error.ts";
import { numericOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { functionKind } from "../../controllers/function/workload.ts";
import { mapConcurrently } from "../../controllers/runtime/map-concurrently.ts";
import { defaultSettings } from "../../controllers/settings.ts";
import { desiredWorkloads } from "../../controllers/workloads/desired.ts";
import { differences } from "../../controllers/workloads/drift.ts";
import { hostTypes } from "../../controllers/workloads/host-types.ts";
import { partOf } from "../../controllers/workloads/parts.ts";
import { isBackendConfig } from "../fuzz/children.ts";
import { pick } from "../fuzz/random-values.ts";
import { eventually } from "../support/processes.ts";
import { random } from "../support/random.ts";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { FakeNodes } from "./support/fake-node.ts";
import { since, startMeasured, sum, writesIn } from "./support/fleet.ts";

const seconds = Number(process.env.FUNCTIONMESH_CHURN_SECONDS ?? 20);
const size = Number(process.env.FUNCTIONMESH_CHURN_SIZE ?? 15);
/** Where the figures go. */
const results = process.env.FUNCTIONMESH_CHURN_JSON;

const namespace = "soak";
const nodes = 5;
/** Between two changes, in ms; a user's own are few enough for each to be told in an event. */
const changeMs = 500;
/** The controller is killed so often, and nodes go so often, within the run. */
const kills = Math.max(2, Math.round(seconds / 60));
const churns = Math.max(3, Math.round(seconds / 20));
const next = random(Number(process.env.FUNCTIONMESH_CHURN_SEED ?? 11));

const fleet = await startMeasured(["--leader-elect=false"]);
after(() => fleet[Symbol.asyncDispose]());
const { client } = fleet;
await fleet.createNamespace(namespace);

const names = Array.from({ length: size }, (_, index) => `f${index}`);
const isAutoscaled = (name: string): boolean => Number(name.slice(1)) % 5 === 0;
const aFunction = (name: string): KubeObject =>
  aWorkload("Function", aSpec("Function", isAutoscaled(name) ? { maxReplicas: 4 } : {}), { name, namespace });
const ref = (type: ResourceType, name: string) => ({ type, name, namespace });
const child = (name: string): string => `${name}-function`;
const edited = "example.org/edited-by-hand";

/** What somebody does to one of them. */
type Deed = (name: string) => Promise<unknown>;
const merge = (type: ResourceType, name: string, body: object, subresource?: string): Promise<unknown> =>
  client.patch(ref(type, name), { type: "merge", body: { ...body } }, subresource === undefined ? {} : { subresource });
const deeds: { readonly [what: string]: { readonly weight: number; readonly do: Deed } } = {
  change: {
    weight: 6,
    do: (name) => merge(functionType, name, { spec: { className: `org.example.C${Math.floor(next() * 1e6)}` } }),
  },
  scale: {
    weight: 4,
    do: (name) => merge(functionType, name, { spec: { replicas: isAutoscaled(name) ? 1 : pick(next, [0, 1, 2]) } }),
  },
  step: {
    weight: 4,
    do: (name) =>
      isAutoscaled(name)
        ? merge(statefulSetType, child(name), { spec: { replicas: pick(next, [1, 2, 3, 4]) } }, "scale")
        : Promise.resolve(),
  },
  edit: {
    weight: 2,
    do: (name) =>
      merge(statefulSetType, child(name), { spec: { template: { spec: { terminationGracePeriodSeconds: 77 } } } }),
  },
  annotate: {
    weight: 1,
    do: (name) => merge(statefulSetType, child(name), { metadata: { annotations: { [edited]: String(next()) } } }),
  },
  remove: { weight: 1, do: (name) => client.delete(ref(serviceType, `${child(name)}-headless`)) },
  again: {
    weight: 1,
    do: async (name) => {
      await client.delete(ref(functionType, name));
      await eventually(() => client.create(functionType, aFunction(name)), 60_000);
    },
  },
  config: {
    weight: 1,
    do: () => merge(backendConfigType, "backend-config", { spec: { env: { MODE: String(Math.floor(next() * 100)) } } }),
  },
};
const hat = Object.entries(deeds).flatMap(([what, { weight }]) => Array.from({ length: weight }, () => what));
const done: { [what: string]: number } = {};

/** Answers that a loaded, killed or racing server gives; the deed was not done, or is done again later. */
const bearable = (error: unknown): boolean =>
  !(error instanceof StatusError) || [404, 409, 429, 500, 503, 504].includes(error.status.code ?? 0);

async function act(): Promise<void> {
  const [what, name] = [pick(next, ["change", ...hat]), pick(next, ["f0", ...names])];
  try {
    await deeds[what]?.do(name);
    done[what] = (done[what] ?? 0) + 1;
  } catch (error) {
    if (!bearable(error)) throw error;
  }
}

/** Changes of pods' templates, as everybody who watches sees them. */
type Replacement = { readonly name: string; readonly byHand: boolean; readonly cause: string };
const replacements: Replacement[] = [];
const watched = new AbortController();
async function watchSets(): Promise<void> {
  const templates = new Map<string, string>();
  const { items, metadata } = await client.list(statefulSetType, { namespace });
  const templateOf = (set: KubeObject): string => JSON.stringify(partOf(set, "spec").template);
  for (const set of items) templates.set(set.metadata.uid ?? "", templateOf(set));
  let position = metadata.resourceVersion ?? "";
  while (!watched.signal.aborted) {
    for await (const { type, object } of client.watch(
      statefulSetType,
      { namespace, resourceVersion: position },
      watched.signal,
    )) {
      if (type === "ERROR" || type === "BOOKMARK") continue;
      position = object.metadata.resourceVersion ?? position;
      const { uid = "", name = "", annotations = {} } = object.metadata;
      const [before, now] = [templates.get(uid), templateOf(object)];
      templates.set(uid, now);
      if (before === undefined || before === now || type === "DELETED") continue;
      const grace = (text: string): boolean => text.includes('"terminationGracePeriodSeconds":77');
      const byHand = grace(now) && !grace(before);
      replacements.push({
        name: name.replace(/-function$/, ""),
        byHand,
        cause: annotations["kubernetes.io/change-cause"] ?? "",
      });
    }
  }
}

/** Runs `work` so many times, evenly spread over the run. */
async function spread(times: number, work: () => Promise<unknown>): Promise<void> {
  for (let index = 0; index < times; index += 1) {
    await pause((seconds * 1000) / (times + 1));
    await work().catch((error: unknown) => {
      if (!bearable(error)) throw error;
    });
  }
}

test(`${size} Functions under changes for ${seconds} s`, async () => {
  const world = new FakeNodes(client, namespace, nodes);
  const metadata = { name: "backend-config", namespace };
  const spec = { autoUpdate: true, env: { MODE: "0" } };
  const apiVersion = "compute.functionmesh.io/v1alpha1";
  await client.create(backendConfigType, { apiVersion, kind: "BackendConfig", metadata, spec });
  await mapConcurrently(names, 8, (name) => client.create(functionType, aFunction(name)));
  await eventually(async () => {
    assert.equal((await client.list(statefulSetType, { namespace })).items.length, size);
  }, 240_000);
  const watching = watchSets().catch((error: unknown) => {
    if (!watched.signal.aborted) throw error;
  });

  const over = new AbortController();
  after(() => over.abort());
  const nodeLoop = (async () => {
    while (!over.signal.aborted) {
      await world.step().catch((error: unknown) => {
        if (!bearable(error)) throw error;
      });
      await pause(300);
    }
  })();
  const startedAt = performance.now();
  let killed = 0;
  const changing = (async () => {
    while (performance.now() - startedAt < seconds * 1000) {
      await act();
      await pause(changeMs);
    }
  })();
  await Promise.all([
    changing,
    spread(churns, () => world.churn()),
    spread(kills, async () => {
      fleet.server().kill("SIGKILL");
      await fleet.server().exited;
      killed += 1;
      await fleet.start();
    }),
  ]);

  await eventually(async () => assert.deepEqual(await unsettled(), []), 300_000, 1000);
  // The nodes ask as well: with them it is never quiet.
  over.abort();
  await nodeLoop;
  // The cluster's own controller tells what it finds at its first look, up to 15 s after an autoscaler was made.
  await eventually(async () => {
    const { items } = await client.list(hostTypes.HorizontalPodAutoscaler, { namespace });
    for (const autoscaler of items)
      assert.ok(isSetAt(objectOf(autoscaler, "status"), "conditions"), `${autoscaler.metadata.name} was not looked at`);
  }, 60_000);
  await fleet.quiet();
  assert.deepEqual(await unlikeRendered(), []);

  // What a controller knows that starts anew: nothing has to be written.
  await fleet.stop();
  const before = await fleet.requests();
  await fleet.start();
  await fleet.quiet();
  const writes = writesIn(since(before, await fleet.requests()));
  watched.abort();
  await watching;

  const ours = replacements.filter(({ byHand }) => !byHand);
  const told = await restartsTold();
  const untold = [...Map.groupBy(ours, ({ name }) => name)]
    .map(([name, list]) => ({ name, seen: list.length, told: told.get(name) ?? 0 }))
    .filter(({ seen, told: events }) => events < seen);
  const figures = {
    seconds,
    functions: size,
    machine: { cpus: cpus().length, model: cpus()[0]?.model, load: loadavg()[0] },
    deeds: done,
    killed,
    nodesLost: churns,
    replacements: ours.length,
    editsByHand: replacements.length - ours.length,
    withoutCause: ours.filter(({ cause }) => cause === "").length,
    eventsLostWithKilledControllers: untold.reduce((lost, { seen, told: events }) => lost + seen - events, 0),
    writesAfterRestart: sum(writes),
  };
  console.log(JSON.stringify(figures));
  if (results !== undefined) await writeFile(results, `${JSON.stringify(figures, undefined, 2)}\n`);
  assert.deepEqual(
    ours.filter(({ cause }) => cause === ""),
    [],
    "each names its cause on the StatefulSet",
  );
  // An event can be lost only with the controller that was about to tell: the queue of one is short.
  assert.ok(figures.eventsLostWithKilledControllers <= killed * 3, JSON.stringify(untold));
  assert.deepEqual(writes, {});
});

/** Functions whose status isn't about their newest spec, or whose pods aren't as wanted yet. */
async function unsettled(): Promise<string[]> {
  const { items } = await client.list(functionType, { namespace });
  const open = items.filter((fn) => {
    const status = objectOf(fn, "status");
    return (
      textOf(status, "phase") !== "Ready" ||
      isSetAt(status, "pendingChange") ||
      numericOf(status, "observedGeneration") !== fn.metadata.generation
    );
  });
  const missing = size - items.length;
  return [
    ...open.map((fn) => `${fn.metadata.name} ${JSON.stringify(objectOf(fn, "status"))}`),
    ...(missing > 0 ? [`${missing} missing`] : []),
  ];
}
const isSetAt = (status: ReturnType<typeof objectOf>, field: string): boolean => status?.[field] !== undefined;

/** Children that differ from what is rendered now, and those whose owner is gone. */
async function unlikeRendered(): Promise<string[]> {
  const config = await client.get(ref(backendConfigType, "backend-config"));
  const configs = isBackendConfig(config) ? { namespaced: config } : {};
  const { items } = await client.list(functionType, { namespace });
  const sets = (await client.list(statefulSetType, { namespace })).items;
  const services = (await client.list(serviceType, { namespace })).items;
  const found = (list: readonly KubeObject[], name = ""): KubeObject | undefined =>
    list.find(({ metadata }) => metadata.name === name);
  const problems = items.flatMap((fn) => {
    if (!functionKind.is(fn)) return [`${fn.metadata.name} is no Function`];
    const { StatefulSet, Service } = desiredWorkloads(functionKind.workload(fn), configs, defaultSettings);
    return [
      [StatefulSet, found(sets, StatefulSet.metadata.name)] as const,
      [Service, found(services, Service.metadata.name)] as const,
    ].flatMap(([wanted, live]) => {
      if (live === undefined) return [`${wanted.kind} ${wanted.metadata.name} is missing`];
      const paths = differences(wanted, live).filter(
        (path) => path !== "spec.replicas" || !isAutoscaled(fn.metadata.name ?? ""),
      );
      return paths.map((path) => `${wanted.kind} ${wanted.metadata.name}: ${path}`);
    });
  });
  const owners = new Set(items.map(({ metadata }) => metadata.uid));
  const orphans = [...sets, ...services].filter(
    ({ metadata }) => !owners.has(metadata.ownerReferences?.[0]?.uid ?? ""),
  );
  return [...problems, ...orphans.map(({ kind, metadata }) => `${kind} ${metadata.name} belongs to nobody`)];
}

/** Events that tell of replaced pods, by the Function's name. */
async function restartsTold(): Promise<Map<string, number>> {
  const { items } = await client.list(eventType, { namespace });
  const told = new Map<string, number>();
  for (const event of items) {
    if (textOf(event, "reason") !== "Updated" || !textOf(event, "message").includes("Its pods restart.")) continue;
    const name = textOf(objectOf(event, "involvedObject"), "name");
    told.set(name, (told.get(name) ?? 0) + (numericOf(event, "count") ?? 1));
  }
  return told;
}
