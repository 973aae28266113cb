/**
 * The same random writes to this server and to kube-apiserver: code, reason, causes and the object with its managers must be
 * the same after every step. `DIFFERENTIAL_STEPS` and `DIFFERENTIAL_SEED` say how many and which.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { applyMergePatch } from "../../apiserver/machinery/merge-patch.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { type Client, clientOf, type Reply } from "../http/support/client.ts";
import { eventually } from "../support/processes.ts";
import { functionDefinition } from "./differential/definition.ts";
import { isMeant } from "./differential/meant.ts";
import { comparable, meaningOf } from "./differential/peers.ts";
import { configMaps, functions, type Step, type Subject, stepsFor } from "./differential/steps.ts";
import { type HostCluster, startHostCluster } from "./support/host-cluster.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

const namespace = "differential";
const steps = Number(process.env.DIFFERENTIAL_STEPS ?? 5000);
const seed = Number(process.env.DIFFERENTIAL_SEED ?? 20261130);
const stepsPerObject = 20;

let directory: string;
let cluster: HostCluster;
let server: Standalone;
let peers: readonly Client[];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-differential-"));
  cluster = await startHostCluster(join(directory, "host"));
  server = await startStandalone(join(directory, "data"), ["--controllers=none"]);
  peers = [await clientOf(cluster.kubeconfig), await clientOf(server.kubeconfig)];
  const [host] = peers;
  assert.ok(host !== undefined);
  for (const peer of peers) {
    await peer.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  }
  const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const defined = await host.post(definitions, functionDefinition(loadSchemas()));
  assert.equal(defined.status, 201, defined.text.slice(0, 2000));
  await eventually(async () => assert.equal((await host.get(functions.collection(namespace))).status, 200));
});
after(async () => {
  for (const peer of peers ?? []) peer[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

let objects = 0;
for (const subject of [configMaps, functions]) {
  test(`${subject.kind}s are written alike`, async () => {
    const story = fc.array(stepsFor(subject), { minLength: 1, maxLength: stepsPerObject, size: "max" });
    await fc.assert(
      fc.asyncProperty(story, fc.boolean(), async (sequence, bornByApply) => {
        const name = `o${objects++}`;
        await compareAll(subject, name, (client) => begin(client, subject, name, bornByApply));
        for (const [index, step] of sequence.entries()) {
          const act = (client: Client) => take(client, subject, name, step);
          if (!(await compareAll(subject, name, act, { index, step }))) return;
        }
      }),
      { seed, numRuns: Math.ceil(steps / 2 / stepsPerObject) },
    );
  });
}

type At = { readonly index: number; readonly step: Step };

/** @returns whether the story goes on: not after a difference that is meant */
async function compareAll(
  { collection }: Subject,
  name: string,
  act: (client: Client) => Promise<Reply>,
  at?: At,
): Promise<boolean> {
  const [theirs, ours] = (await Promise.all(peers.map(act))).map(meaningOf);
  if (at !== undefined && isMeant(at.step, theirs, ours)) return false;
  const where = at === undefined ? "creation" : `step ${at.index}: ${JSON.stringify(at.step)}`;
  assert.deepEqual(ours, theirs, `${where}: the answers differ`);
  const stored = await Promise.all(
    peers.map(async (peer) => (await peer.get(`${collection(namespace)}/${name}`)).body),
  );
  const [there, here] = stored.map(comparable);
  assert.deepEqual(here, there, `${where}: what is stored differs`);
  return true;
}

const header = ({ apiVersion, kind }: Subject, name: string, fields: JsonObject): JsonObject => {
  const metadata = isObject(fields.metadata) ? fields.metadata : {};
  return { ...fields, apiVersion, kind, metadata: { ...metadata, name } };
};

function begin(client: Client, subject: Subject, name: string, byApply: boolean): Promise<Reply> {
  const object = header(subject, name, subject.base);
  if (byApply) return applied(client, subject, name, object, "fieldManager=founder");
  return client.post(`${subject.collection(namespace)}?fieldManager=founder`, object);
}

function applied(
  client: Client,
  { collection }: Subject,
  name: string,
  body: JsonObject,
  query: string,
): Promise<Reply> {
  const headers = { "content-type": "application/apply-patch+yaml" };
  return client.send("PATCH", `${collection(namespace)}/${name}?${query}`, { body, headers });
}

async function take(client: Client, subject: Subject, name: string, step: Step): Promise<Reply> {
  const path = `${subject.collection(namespace)}/${name}`;
  const query = `fieldManager=${step.manager}${"dryRun" in step && step.dryRun ? "&dryRun=All" : ""}`;
  switch (step.verb) {
    case "apply": {
      const wanted = step.manager === "founder" ? merged(subject.base, step.fields) : step.fields;
      return applied(client, subject, name, header(subject, name, wanted), `${query}&force=${step.force}`);
    }
    case "put": {
      const live = (await client.get(path)).body;
      return client.put(`${path}?${query}`, merged(live, step.fields));
    }
    case "merge":
    case "strategic":
      return client.patch(`${path}?${query}`, step.verb === "merge" ? "merge" : "strategic-merge", step.fields);
    case "json":
      return client.patch(`${path}?${query}`, "json", [...step.operations]);
    case "reset":
      return client.patch(`${path}?${query}`, "merge", { metadata: { managedFields: [{}] } });
  }
}

function merged(object: JsonObject, fields: JsonObject): JsonObject {
  const result: JsonValue = applyMergePatch(object, fields);
  return isObject(result) ? result : {};
}
