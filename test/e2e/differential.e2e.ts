/**
 * The same random writes to this server and to kube-apiserver: code, reason, causes, warnings and the object with its managers
 * must be the same after every step. A failure shows the shortest sequence that still fails.
 *
 * `FUNCTIONMESH_DIFFERENTIAL_STEPS` says how many steps, `FUNCTIONMESH_DIFFERENTIAL_SEED` which: the seed is printed.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { type Client, clientOf } from "../http/support/client.ts";
import { eventually } from "../support/processes.ts";
import { definitionOf } from "./differential/definition.ts";
import { isMeant } from "./differential/meant.ts";
import { meaningOf } from "./differential/peers.ts";
import { type Step, stepsFor } from "./differential/steps.ts";
import { collectionOf, isOurs, subjects } from "./differential/subjects.ts";
import { pathOf, type Target, take } from "./differential/take.ts";
import { type HostCluster, startHostCluster } from "./support/host-cluster.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

const namespace = "differential";
const steps = Number(process.env.FUNCTIONMESH_DIFFERENTIAL_STEPS ?? 2000);
const seed = Number(process.env.FUNCTIONMESH_DIFFERENTIAL_SEED ?? 11);
const stepsPerObject = 20;
/** Objects between two looks at how many steps are left. */
const batchSize = 10;
/** Milliseconds to look for a shorter sequence that fails. */
const shrinkingMs = 60_000;

let directory: string;
let cluster: HostCluster;
let server: Standalone;
let peers: readonly Client[];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-differential-"));
  cluster = await startHostCluster(join(directory, "host"));
  // Nobody else may write to the objects.
  await cluster.processes.controllerManager.stop();
  server = await startStandalone(join(directory, "data"), ["--controllers=none"]);
  peers = [await clientOf(cluster.kubeconfig), await clientOf(server.kubeconfig)];
  const [host] = peers;
  assert.ok(host !== undefined);
  for (const peer of peers) {
    await peer.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  }
  const schemas = loadSchemas();
  for (const subject of subjects.filter(isOurs)) {
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const defined = await host.post(definitions, definitionOf(subject, schemas));
    assert.equal(defined.status, 201, defined.text.slice(0, 2000));
    await eventually(async () => assert.equal((await host.get(collectionOf(subject, namespace))).status, 200));
  }
});
after(async () => {
  for (const peer of peers ?? []) peer[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

let objects = 0;
for (const subject of subjects) {
  test(`${subject.kind}s are written alike, seed ${seed}`, async () => {
    const story = fc.array(stepsFor(subject), { minLength: 1, maxLength: stepsPerObject, size: "max" });
    let left = Math.ceil(steps / subjects.length);
    for (let batch = 0; left > 0; batch++) {
      let failedAt: number | undefined;
      const alike = async (bornByApply: boolean, sequence: readonly Step[]): Promise<void> => {
        if (failedAt !== undefined && Date.now() > failedAt + shrinkingMs) return;
        try {
          left -= await tell({ subject, namespace, name: `o${objects++}` }, [birth(bornByApply), ...sequence]);
        } catch (error) {
          failedAt ??= Date.now();
          throw error;
        }
      };
      await fc.assert(fc.asyncProperty(fc.boolean(), story, alike), { seed: seed + batch, numRuns: batchSize });
    }
  });
}

const birth = (byApply: boolean): Step => ({
  ...(byApply ? { verb: "apply", force: false, subresource: "" } : { verb: "create" }),
  fields: {},
  manager: "founder",
  dryRun: false,
  precondition: "none",
  fieldValidation: "",
});

/**
 * Takes the steps one after the other, up to a difference that is meant: after it the two objects are no longer the same.
 *
 * @returns how many steps were taken
 */
async function tell(target: Target, sequence: readonly Step[]): Promise<number> {
  for (const [index, step] of sequence.entries()) {
    const [theirs, ours] = (await Promise.all(peers.map((peer) => take(peer, target, step)))).map(meaningOf);
    if (isMeant(step, theirs, ours)) return index + 1;
    const where = `seed ${seed}, step ${index}: ${JSON.stringify(step)}`;
    assert.deepEqual(ours, theirs, `${where}: the answers differ`);
    const [there, here] = (await Promise.all(peers.map((peer) => peer.get(pathOf(target))))).map(meaningOf);
    assert.deepEqual(here, there, `${where}: what is stored differs`);
  }
  return sequence.length;
}
