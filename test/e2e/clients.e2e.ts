/**
 * Programs that talk to a cluster through the common client libraries find one in `npm start`: each client does what its
 * users do with it, step by step, in a namespace of its own.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startProcess } from "../support/processes.ts";
import { clientNodeSteps } from "./clients/client-node.ts";
import { helmSteps } from "./clients/helm.ts";
import type { Steps } from "./clients/steps.ts";
import { kubectlSession } from "./kubectl-session.ts";
import { type Kubectl, kubectlFor } from "./support/kubectl.ts";
import { ensurePython } from "./support/python.ts";
import { type Standalone, startStandalone } from "./support/server.ts";
import { ensureTool } from "./support/tools.ts";

const run = promisify(execFile);
const folder = new URL("clients/", import.meta.url).pathname;

/** With the installation of Python's packages on a machine that has none of them. */
const timeout = 6 * 60 * 1000;

let directory: string;
let server: Standalone;
let olderKubectl: Kubectl;

/** The oldest kubectl that is promised to work: 1.32. */
const oldestMinor = 32;

/** The kubectl that is installed where the tests run, if it is promised to work and not the minor version that is pinned. */
async function machinesKubectl(): Promise<{ readonly version: string } | { readonly skip: string }> {
  const client = ["version", "--client", "--output=json"];
  const found = await run("kubectl", client).catch(() => undefined);
  if (found === undefined) return { skip: "no kubectl is installed here" };
  const pinned = await run(await ensureTool("kubectl"), client);
  const version = clientVersion(found.stdout);
  if (minorOf(version) < oldestMinor) return { skip: `${version} is older than 1.${oldestMinor}` };
  if (minorOf(version) === minorOf(clientVersion(pinned.stdout))) return { skip: `${version} is tested by the others` };
  return { version };
}

const clientVersion = (output: string): string => String(JSON.parse(output).clientVersion.gitVersion);
const minorOf = (version: string): number => Number(version.split(".")[1]);

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-clients-"));
  server = await startStandalone(join(directory, "data"));
  olderKubectl = await kubectlFor(server.kubeconfig, join(directory, "machines-kubectl"), "kubectl");
});
after(async () => {
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

async function takeSteps(client: string, steps: Steps): Promise<void> {
  for (const [shows, step] of Object.entries(steps)) {
    await step().catch((error) => {
      throw new Error(`${client}: ${shows}`, { cause: error });
    });
  }
}

test("Python: custom objects, the dynamic client, apply, watch, informer, leader election", { timeout }, async () => {
  const python = await ensurePython(join(folder, "requirements.txt"));
  await using session = startProcess(python, [join(folder, "session.py"), server.kubeconfig, "python"]);
  assert.equal(await session.exited, 0, session.output());
  assert.match(session.output(), /^leader_election\ndelete$/m);
});

test("client-node: objects, custom objects, watch, informer, a Lease", { timeout }, () =>
  takeSteps("client-node", clientNodeSteps(server.kubeconfig, "client-node")),
);

test("Helm 4: install, upgrade, rollback, uninstall", { timeout }, async () => {
  const kubectl = await kubectlFor(server.kubeconfig, join(directory, "kubectl"));
  const helm = await ensureTool("helm");
  await takeSteps("Helm", helmSteps({ helm, kubeconfig: server.kubeconfig, kubectl, directory, namespace: "helm" }));
});

const machines = await machinesKubectl();
if ("skip" in machines) test("the machine's own kubectl", machines, () => undefined);
else kubectlSession({ name: `kubectl ${machines.version} of the machine`, kubectl: () => olderKubectl, podsRun: true });
