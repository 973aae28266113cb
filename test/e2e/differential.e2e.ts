/**
 * The same random writes to this server and to kube-apiserver: code, reason, causes, warnings and the object with its managers
 * must be the same after every step. A failure shows the shortest sequence that still fails.
 *
 * `FUNCTIONMESH_DIFFERENTIAL_STEPS` says how many steps, `FUNCTIONMESH_DIFFERENTIAL_SEED` which: the seed is printed.
 * `FUNCTIONMESH_DIFFERENTIAL_RESULTS` names a file that the figures of the run are written to. Those of a long one are in
 * `differential/results.json`.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { type Client, clientOf } from "../http/support/client.ts";
import { eventually } from "../support/processes.ts";
import { definitionOf } from "./differential/definition.ts";
import { meantAnswer, meantState } from "./differential/meant.ts";
import { type Peer, takeAt } from "./differential/peer.ts";
import { comparable, meaningOf } from "./differential/peers.ts";
import { type Step, stepsFor } from "./differential/steps.ts";
import { collectionOf, isOurs, subjects } from "./differential/subjects.ts";
import type { Target } from "./differential/take.ts";
import { Tally } from "./differential/tally.ts";
import { type HostCluster, startHostCluster } from "./support/host-cluster.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

const namespace = "differential";
const steps = Number(process.env.FUNCTIONMESH_DIFFERENTIAL_STEPS ?? 5000);
const seed = Number(process.env.FUNCTIONMESH_DIFFERENTIAL_SEED ?? 11);
const resultsFile = process.env.FUNCTIONMESH_DIFFERENTIAL_RESULTS;
const stepsPerObject = 20;
/** Objects between two looks at how many steps are left. */
const batchSize = 10;
/** Milliseconds to look for a shorter sequence that fails. */
const shrinkingMs = 60_000;

let directory: string;
let cluster: HostCluster;
let server: Standalone;
let peers: readonly [theirs: Peer, ours: Peer];
const tally = new Tally({ seed });

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-differential-"));
  cluster = await startHostCluster(join(directory, "host"));
  // Nobody else may write to the objects.
  await cluster.processes.controllerManager.stop();
  server = await startStandalone(join(directory, "data"), ["--controllers=none"]);
  const [host, own] = await Promise.all([clientOf(cluster.kubeconfig), clientOf(server.kubeconfig)]);
  peers = [
    { client: host, isMeasure: true },
    { client: own, isMeasure: false },
  ];
  for (const client of [host, own]) {
    await client.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    // Ours warns of a Function whose connection isn't there.
    const data = { webServiceURL: "http://pulsar:8080", brokerServiceURL: "pulsar://pulsar:6650" };
    await client.post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: "pulsar" }, data });
  }
  await defineOurs(host);
});
after(async () => {
  if (resultsFile !== undefined) await tally.write(resultsFile);
  for (const { client } of peers ?? []) client[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

async function defineOurs(host: Client): Promise<void> {
  const schemas = loadSchemas();
  for (const subject of subjects.filter(isOurs)) {
    const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    const defined = await host.post(definitions, definitionOf(subject, schemas));
    assert.equal(defined.status, 201, defined.text.slice(0, 2000));
    await eventually(async () => assert.equal((await host.get(collectionOf(subject, namespace))).status, 200));
  }
}

let objects = 0;
/** They write in the order of their names, as those who write within the same second are put in that order. */
const manyManagers = Array.from({ length: 14 }, (_, at) => `m${String(at).padStart(2, "0")}`);
// Kinds side by side: each waits for its own object only.
suite("written alike", { concurrency: true }, () => {
  for (const subject of subjects) {
    test(`${subject.kind}, seed ${seed}`, async () => {
      const story = fc.array(stepsFor(subject), { minLength: 1, maxLength: stepsPerObject, size: "max" });
      let left = Math.ceil(steps / subjects.length);
      for (let batch = 0; left > 0; batch++) {
        let failedAt: number | undefined;
        const alike = async (born: Birth, sequence: readonly Step[]): Promise<void> => {
          if (failedAt !== undefined && Date.now() > failedAt + shrinkingMs) return;
          try {
            left -= await tell({ subject, namespace, name: `o${objects++}` }, [...births[born], ...sequence]);
          } catch (error) {
            failedAt ??= Date.now();
            throw error;
          }
        };
        await fc.assert(fc.asyncProperty(birth, story, alike), { seed: seed + batch, numRuns: batchSize });
      }
    });

    // API S-16
    test(`${subject.kind}, by more managers than ten`, async () => {
      const label = (manager: string): Step => {
        const fields = { metadata: { labels: { [manager]: "1" } } };
        return { ...plainly, verb: "merge", subresource: "", manager, fields };
      };
      await tell({ subject, namespace, name: `o${objects++}` }, [...births.create, ...manyManagers.map(label)]);
    });
  }
});

/** What every step says that is about nothing special. */
const plainly = { manager: "founder", dryRun: false, precondition: "none", fieldValidation: "", form: "json" } as const;

/** How an object comes to be; the steps of one that doesn't go to nothing until one of them makes it. */
const births = {
  create: [{ ...plainly, verb: "create", fields: {} }],
  apply: [{ ...plainly, verb: "apply", force: false, subresource: "", fields: {} }],
  none: [],
} as const satisfies { readonly [name: string]: readonly Step[] };
type Birth = keyof typeof births;
const birth = fc.constantFrom<Birth>("create", "create", "create", "apply", "apply", "apply", "none");

/**
 * Takes the steps one after the other, up to a difference that is meant: after it the two objects are no longer the same.
 *
 * @returns how many steps were taken
 */
async function tell(target: Target, sequence: readonly Step[]): Promise<number> {
  let live: readonly (JsonObject | undefined)[] = [];
  for (const [index, step] of sequence.entries()) {
    const [theirs, ours] = await Promise.all(peers.map((peer, at) => takeAt(peer, target, step, live[at])));
    assert.ok(theirs !== undefined && ours !== undefined);
    const [wanted, got] = [meaningOf(theirs.reply), meaningOf(ours.reply)];
    tally.step(target.subject, step, theirs.reply.status);
    const where = `seed ${seed}, step ${index}: ${JSON.stringify(step)}`;
    const endsFor = (reason: string | undefined): boolean => {
      if (reason !== undefined) tally.meant(reason);
      return reason !== undefined;
    };
    if (!isDeepStrictEqual(got, wanted)) {
      if (endsFor(meantAnswer({ subject: target.subject, step }, wanted, got))) return index + 1;
      assert.deepEqual(got, wanted, `${where}: the answers differ`);
    }
    live = [theirs.stored, ours.stored];
    const [there, here] = live.map((object) => object && comparable(object));
    if (!isDeepStrictEqual(here, there)) {
      if (endsFor(meantState(step, there, here))) return index + 1;
      assert.deepEqual(here, there, `${where}: what is stored differs`);
    }
  }
  return sequence.length;
}
