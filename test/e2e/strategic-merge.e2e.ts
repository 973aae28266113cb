/**
 * Strategic merge patch held against a real kube-apiserver: the same random patches of the same objects, the result compared
 * after every one. `FUNCTIONMESH_SEED` repeats a run.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { type Client, clientOf, type Reply } from "../http/support/client.ts";
import { type HostCluster, startHostCluster } from "./support/host-cluster.ts";
import { type Standalone, startStandalone } from "./support/server.ts";
import { sequences } from "./support/strategic-patches.ts";

const objects = 80;
const patchesPerObject = 6;
const namespace = "strategic";
const seed = Number(process.env.FUNCTIONMESH_SEED ?? Date.now() % 1_000_000);

let directory: string;
let cluster: HostCluster;
let server: Standalone;
let clients: readonly Client[];

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-strategic-"));
  cluster = await startHostCluster(join(directory, "cluster"));
  // Nobody else may write to the objects.
  server = await startStandalone(join(directory, "own"), ["--controllers=namespace-defaults"]);
  clients = await Promise.all([cluster, server].map(({ kubeconfig }) => clientOf(kubeconfig)));
  await Promise.all(clients.map((client) => client.post("/api/v1/namespaces", { metadata: { name: namespace } })));
});
after(async () => {
  for (const client of clients ?? []) client[Symbol.dispose]();
  await server?.process.stop();
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

/** What each server makes for itself, and what only one of them has: addresses of both families, a default of 1.37. */
const ownMembers: ReadonlySet<string> = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "managedFields",
  "status",
  "kind",
  "apiVersion",
  "clusterIPs",
  "ipFamilies",
  "ipFamilyPolicy",
  "maxUnavailable",
]);

function comparable(value: JsonValue | undefined): JsonValue {
  if (Array.isArray(value)) return value.map(comparable);
  if (!isObject(value)) return value ?? null;
  const members = Object.keys(value)
    .filter((name) => !ownMembers.has(name))
    .sort();
  return Object.fromEntries(members.map((name) => [name, comparable(value[name])]));
}

/** Refusals are compared as such: kube-apiserver answers 500 to several of them (API 17, P-31, P-35, P-37). */
const outcome = ({ status, body }: Reply): JsonValue => (status < 400 ? comparable(body) : "refused");

/** Mistakes of kube-apiserver that this server doesn't make, by what it says. */
const mistakes: readonly RegExp[] = [
  // An order for a list that is empty before and after.
  /^no elements in any of the given slices$/,
];
const isMistake = ({ status, body }: Reply): boolean =>
  status >= 500 && mistakes.some((mistake) => mistake.test(String(body.message)));

test(`${objects * patchesPerObject} random patches do the same here and there, seed ${seed}`, async () => {
  let accepted = 0;
  for (const { path, object, patches } of sequences(seed, objects, patchesPerObject, namespace)) {
    const name = textOf(objectOf(object, "metadata"), "name");
    const history: JsonObject[] = [];
    const bothDo = async (change: JsonObject, send: (client: Client) => Promise<Reply>): Promise<boolean> => {
      history.push(change);
      const [theirs, ours] = await Promise.all(clients.map(send));
      assert.ok(theirs && ours);
      if (isMistake(theirs)) return false;
      assert.deepEqual(outcome(ours), outcome(theirs), `seed ${seed}, ${path}: ${JSON.stringify(history)}`);
      if (ours.status < 400) accepted++;
      return true;
    };
    let same = await bothDo(object, (client) => client.post(path, object));
    for (const patch of patches) {
      if (!same) break;
      same = await bothDo(patch, (client) => client.patch(`${path}/${name}`, "strategic-merge", patch));
    }
  }
  assert.ok(accepted > (objects * patchesPerObject) / 2, `only ${accepted} were accepted`);
});
