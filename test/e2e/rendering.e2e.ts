/**
 * Whatever our API accepts, the cluster takes: objects of the five kinds at random, along their schemas, and sound ones in which
 * one thing was changed, are admitted, rendered, under settings and BackendConfigs at random, and every child is created on a
 * real kube-apiserver, without being stored.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import { loadKubeClient } from "../../apiserver/client/kube-client.ts";
import { namespaceType, persistentVolumeClaimType } from "../../apiserver/client/resource-types.ts";
import { StatusError } from "../../apiserver/errors/status-error.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { mapConcurrently } from "../../controllers/runtime/map-concurrently.ts";
import type { Settings } from "../../controllers/settings.ts";
import { hostTypes } from "../../controllers/workloads/host-types.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { childrenOf, isBackendConfig } from "../fuzz/children.ts";
import { mutationsOf } from "../fuzz/mutations.ts";
import { admission, type Kind, kinds, RandomObjects } from "../fuzz/random-objects.ts";
import { chance, pick, type Random } from "../fuzz/random-values.ts";
import { specimens } from "../fuzz/specimens.ts";
import { random } from "../support/random.ts";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { startHostCluster } from "./support/host-cluster.ts";

/** Objects that are made up; about half of them are accepted. */
const specs = Number(process.env.FUNCTIONMESH_FUZZ_SPECS ?? 500);
const seed = Number(process.env.FUNCTIONMESH_FUZZ_SEED ?? 2026);
/** Sound specs with one thing changed, of about 26,000 that are possible. */
const changes = Number(process.env.FUNCTIONMESH_FUZZ_CHANGES ?? 3000);
/** Where the figures go, if anywhere. */
const results = process.env.FUNCTIONMESH_FUZZ_JSON;

/** Dry runs in flight: the server has two cores here. */
const atOnce = 8;

const types: {
  readonly [kind: string]: (typeof hostTypes)[keyof typeof hostTypes] | typeof persistentVolumeClaimType;
} = {
  ...hostTypes,
  PersistentVolumeClaim: persistentVolumeClaimType,
};

/** As an installation may have them. */
const settingsAt = (next: Random): Partial<Settings> => ({
  initContainers: chance(next, 0.5),
  runAsNonRoot: chance(next, 0.3),
  defaultAffinity: chance(next, 0.7),
  ...(chance(next, 0.5) && { readinessProbe: true }),
  imagePullSecrets: pick(next, [[], ["registry"]]),
  podLabels: pick(next, [{}, { team: "all" }]),
});

const directory = await mkdtemp(join(tmpdir(), "functionmesh-rendering-"));
after(() => rm(directory, { recursive: true, force: true }));
const host = await startHostCluster(directory);
after(() => host[Symbol.asyncDispose]());
const client = await loadKubeClient({ kubeconfig: host.kubeconfig });
await client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name: "fuzz" } });

const schemas = loadSchemas();
const admit = admission(schemas);
const figures: { [what: string]: unknown } = {};
after(async () => {
  if (results !== undefined) await writeFile(results, `${JSON.stringify(figures, undefined, 2)}\n`);
});

/** `--allow-privileged` is the cluster's own matter: whoever asks for it is warned, and told what the cluster says. */
const ownMatter = /securityContext\.privileged: Forbidden: disallowed by cluster policy$/;

/** What a cluster says of children, without storing them. */
class Judge {
  readonly dryRuns: { [kind: string]: number } = {};
  readonly #refusals = new Map<string, { times: number; of: string }>();

  async judge(children: readonly KubeObject[], of: string): Promise<void> {
    for (const child of children) {
      const type = types[child.kind ?? ""];
      // No kind of this cluster; its objects are judged by the schema that its project publishes.
      if (type === undefined || child.kind === "VerticalPodAutoscaler") continue;
      this.dryRuns[type.kind] = (this.dryRuns[type.kind] ?? 0) + 1;
      for (const problem of await problemsOf(type, child)) {
        const key = `${child.kind} ${problem.replaceAll(/\d+/g, "N").slice(0, 200)}`;
        const known = this.#refusals.get(key);
        this.#refusals.set(key, { times: (known?.times ?? 0) + 1, of: known?.of ?? of });
      }
    }
  }

  get refused(): readonly string[] {
    return [...this.#refusals].map(([problem, { times, of }]) => `${times}x ${problem}\n   of ${of}`);
  }
}

async function problemsOf(type: ResourceType, child: KubeObject): Promise<readonly string[]> {
  try {
    await client.create(type, child, { dryRun: true });
    return [];
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { causes = [] } = error.status.details ?? {};
    const problems = causes.length === 0 ? [error.message] : causes.map(({ field, message }) => `${field}: ${message}`);
    return problems.filter((problem) => !ownMatter.test(problem));
  }
}

test("what is accepted at random is rendered to what kube-apiserver accepts", async () => {
  const count0 = () => ({ made: 0, accepted: 0 });
  const counts = {
    Function: count0(),
    Source: count0(),
    Sink: count0(),
    FunctionMesh: count0(),
    BackendConfig: count0(),
  };
  const judge = new Judge();
  let config: KubeObject | undefined;

  for (let index = 0; index < specs; index += 1) {
    const kind: Kind = kinds[index % kinds.length] ?? "Function";
    // Each has numbers of its own: what becomes of one changes no other.
    const next = random(seed * 1_000_003 + index);
    const { object, errors } = admit(new RandomObjects(next, schemas).object(kind, `w${index}`));
    const count = counts[kind];
    count.made += 1;
    if (errors.length > 0) continue;
    count.accepted += 1;
    if (isBackendConfig(object)) config = object;
    const configured =
      config !== undefined && isBackendConfig(config) ? { [pick(next, ["global", "namespaced"])]: config } : {};
    const circumstances = {
      configs: chance(next, 0.5) || isBackendConfig(object) ? configured : {},
      settings: settingsAt(next),
    };
    const subject = isBackendConfig(object)
      ? admit(aWorkload("Function", aSpec("Function"), { name: `w${index}`, namespace: "fuzz", uid: "u" })).object
      : object;
    const of = JSON.stringify(object.spec);
    await mapConcurrently(childrenOf(subject, circumstances, admit), atOnce, (child) => judge.judge([child], of));
  }

  figures.atRandom = { specs, seed, kinds: counts, dryRuns: judge.dryRuns, refused: judge.refused.length };
  console.log(JSON.stringify(figures.atRandom));
  assert.deepEqual(judge.refused, []);
  for (const [kind, { accepted }] of Object.entries(counts))
    assert.ok(accepted * 20 > specs / kinds.length, `${accepted} of ${kind} were accepted: too few to tell anything`);
});

test("sound specs with one thing changed are refused, or rendered to what kube-apiserver accepts", async () => {
  const judge = new Judge();
  const next = random(seed);
  const all = specimens.flatMap(({ name, kind, spec }) =>
    mutationsOf(spec).map(({ what, value }) => ({ of: `${name}: ${what}`, kind, spec: value })),
  );
  const chosen = all.filter(() => chance(next, changes / all.length));
  const sound = specimens.map(({ name, kind, spec }) => ({ of: name, kind, spec }));
  let accepted = 0;
  await mapConcurrently([...sound, ...chosen], atOnce, async ({ of, kind, spec }) => {
    const { object, errors } = admit(
      aWorkload(kind, isObject(spec) ? spec : {}, { name: "w", namespace: "fuzz", uid: "u" }),
    );
    if (!of.includes(":")) assert.deepEqual(errors, [], of);
    if (errors.length > 0) return;
    accepted += 1;
    await judge.judge(childrenOf(object, { configs: {}, settings: {} }, admit), of);
  });
  figures.oneChange = { possible: all.length, made: chosen.length, accepted, dryRuns: judge.dryRuns };
  console.log(JSON.stringify(figures.oneChange));
  assert.deepEqual(judge.refused, []);
  assert.ok(accepted > chosen.length / 5, `${accepted} were accepted: too few to tell anything`);
});
