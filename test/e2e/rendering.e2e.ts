/**
 * Whatever our API accepts, the cluster takes: objects of the five kinds at random, along their schemas, are admitted, rendered
 * under settings and BackendConfigs at random, and every child is created on a real kube-apiserver, without being stored.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { loadKubeClient } from "../../apiserver/client/kube-client.ts";
import { namespaceType, persistentVolumeClaimType } from "../../apiserver/client/resource-types.ts";
import { StatusError } from "../../apiserver/errors/status-error.ts";
import { mapConcurrently } from "../../controllers/runtime/map-concurrently.ts";
import type { Settings } from "../../controllers/settings.ts";
import { hostTypes } from "../../controllers/workloads/host-types.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { childrenOf, isBackendConfig } from "../fuzz/children.ts";
import { admission, type Kind, kinds, RandomObjects } from "../fuzz/random-objects.ts";
import { chance, pick, type Random } from "../fuzz/random-values.ts";
import { random } from "../support/random.ts";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { startHostCluster } from "./support/host-cluster.ts";

/** Objects that are made up; about half of them are accepted. */
const specs = Number(process.env.FUNCTIONMESH_FUZZ_SPECS ?? 500);
const seed = Number(process.env.FUNCTIONMESH_FUZZ_SEED ?? 2026);
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

test("what is accepted at random is rendered to what kube-apiserver accepts", async () => {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-rendering-"));
  after(() => rm(directory, { recursive: true, force: true }));
  await using host = await startHostCluster(directory);
  const client = await loadKubeClient({ kubeconfig: host.kubeconfig });
  await client.create(namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name: "fuzz" } });

  const schemas = loadSchemas();
  const admit = admission(schemas);
  const count0 = () => ({ made: 0, accepted: 0 });
  const counts = {
    Function: count0(),
    Source: count0(),
    Sink: count0(),
    FunctionMesh: count0(),
    BackendConfig: count0(),
  };
  const children: { [kind: string]: number } = {};
  const refusals = new Map<string, { times: number; of: KubeObject }>();
  let config: KubeObject | undefined;

  const judge = async (child: KubeObject, of: KubeObject): Promise<void> => {
    const type = types[child.kind ?? ""];
    // No kind of this cluster; its objects are judged by the schema that its project publishes.
    if (type === undefined || child.kind === "VerticalPodAutoscaler") return;
    children[type.kind] = (children[type.kind] ?? 0) + 1;
    try {
      await client.create(type, child, { dryRun: true });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const { causes = [] } = error.status.details ?? {};
      const what = causes.length === 0 ? [error.message] : causes.map(({ field, message }) => `${field}: ${message}`);
      for (const problem of what) {
        const key = `${child.kind} ${problem.replaceAll(/\d+/g, "N").slice(0, 200)}`;
        refusals.set(key, { times: (refusals.get(key)?.times ?? 0) + 1, of: refusals.get(key)?.of ?? of });
      }
    }
  };

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
    await mapConcurrently(childrenOf(subject, circumstances, admit), atOnce, (child) => judge(child, object));
  }

  const figures = { specs, seed, kinds: counts, dryRuns: children, refused: refusals.size };
  console.log(JSON.stringify(figures));
  if (results !== undefined) await writeFile(results, `${JSON.stringify(figures, undefined, 2)}\n`);
  const told = [...refusals].map(
    ([problem, { times, of }]) => `${times}x ${problem}\n   of ${JSON.stringify(of.spec)}`,
  );
  assert.deepEqual(told, []);
  for (const [kind, { accepted }] of Object.entries(counts))
    assert.ok(accepted * 20 > specs / kinds.length, `${accepted} of ${kind} were accepted: too few to tell anything`);
});
