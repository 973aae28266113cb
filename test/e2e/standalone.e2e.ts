import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { kubectlSession } from "./kubectl-session.ts";
import { type Kubectl, kubectlFor } from "./support/kubectl.ts";
import { wordcount } from "./support/manifests.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

let server: Standalone;
let kubectl: Kubectl;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-e2e-"));
  server = await startStandalone(join(directory, "data"));
  kubectl = await kubectlFor(server.kubeconfig, join(directory, "kubectl"));
});
after(async () => {
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

kubectlSession({ name: "standalone", kubectl: () => kubectl, podsRun: true });

const inVerbs = (args: string, input?: string): Promise<string> =>
  kubectl.ok(["-n", "verbs", ...args.split(" ")], input);
const named = (name: string, labels = "{}"): string =>
  wordcount.replace("name: wordcount", `name: ${name}\n  labels: ${labels}`);

// API KB-11, KB-14
test("standalone: create and raw requests", async () => {
  await kubectl.ok(["create", "namespace", "verbs"]);
  assert.match(await inVerbs("create -f -", named("a")), /function\.compute\.functionmesh\.io\/a created/);
  assert.match((await kubectl.run(["-n", "verbs", "create", "-f", "-"], named("a"))).stderr, /already exists/);
  const raw = await kubectl.ok(["get", "--raw", "/apis/compute.functionmesh.io/v1alpha1/namespaces/verbs/functions/a"]);
  assert.equal(JSON.parse(raw).metadata.name, "a");
});

// API KB-16, KB-18
test("standalone: apply on the server takes over what apply of the client did; diff says what would change", async () => {
  const manifest = named("applied");
  await inVerbs("apply -f -", manifest);
  assert.match(await inVerbs("apply --server-side -f -", manifest), /applied serverside-applied/);
  const managers = await inVerbs(
    "get fn applied -o jsonpath={.metadata.managedFields[*].manager} --show-managed-fields",
  );
  assert.ok(managers.split(" ").includes("kubectl") && !managers.includes("kubectl-client-side-apply"), managers);
  assert.equal((await kubectl.run(["-n", "verbs", "diff", "--server-side", "-f", "-"], manifest)).code, 0);
  const changed = manifest.replace("replicas: 1", "replicas: 4");
  const diff = await kubectl.run(["-n", "verbs", "diff", "--server-side", "-f", "-"], changed);
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /^- {2}replicas: 1\n\+ {2}replicas: 4$/m);
  await inVerbs("scale fn applied --replicas=2");
  const conflict = await kubectl.run(["-n", "verbs", "apply", "--server-side", "-f", "-"], changed);
  assert.match(conflict.stderr, /conflict with "kubectl".*\.spec\.replicas/s);
  await inVerbs("apply --server-side --force-conflicts -f -", changed);
  assert.equal(await inVerbs("get fn applied -o jsonpath={.spec.replicas}"), "4");
});

// API KB-19, KB-27, KB-29, KB-31
test("standalone: replace, prune, delete by label, ask for rights", async () => {
  assert.match(await inVerbs("replace -f -", named("a", "{set: one}")), /replaced/);
  assert.match(await inVerbs("replace --force -f -", named("a", "{set: one}")), /replaced/);
  const both = `${named("b", "{set: two}")}\n---\n${named("c", "{set: two}")}`;
  const prune = "apply -f - -l set=two --prune --prune-allowlist=compute.functionmesh.io/v1alpha1/Function";
  await inVerbs(prune, both);
  assert.match(await inVerbs(prune, named("b", "{set: two}")), /c pruned/);
  assert.match(await inVerbs("delete fn -l set=one --wait=false"), /"a" deleted/);
  assert.match(await inVerbs("delete fn --all"), /"applied" deleted[\s\S]*"b" deleted/);
  assert.equal(await inVerbs("get fn -o name"), "");
  assert.equal((await kubectl.ok(["auth", "can-i", "create", "functions", "-n", "verbs"])).trim(), "yes");
  assert.match(await kubectl.ok(["auth", "can-i", "--list", "-n", "verbs"]), /\*\.\*/);
});
