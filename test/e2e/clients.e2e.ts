/**
 * Programs that talk to a cluster through the common client libraries find one in `npm start`: each client does what its
 * users do with it, step by step, in a namespace of its own.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startProcess } from "../support/processes.ts";
import { clientNodeSteps } from "./clients/client-node.ts";
import { helmSteps } from "./clients/helm.ts";
import { clientSessions, commonSteps } from "./clients/sessions.ts";
import type { Steps } from "./clients/steps.ts";
import { kubectlSession } from "./kubectl-session.ts";
import { type Kubectl, kubectlFor, machinesKubectl } from "./support/kubectl.ts";
import { type Standalone, startStandalone } from "./support/server.ts";
import { ensureTool } from "./support/tools.ts";

/** With the building of a client on a machine that has nothing of it. */
const timeout = 12 * 60 * 1000;

let directory: string;
let server: Standalone;
let olderKubectl: Kubectl;

// Before any test is registered: the runner takes a pause between two for the end.
const machines = await machinesKubectl();
const sessions = await Promise.all(
  clientSessions.map(async ({ skip, ...session }) => ({ ...session, skip: (await skip?.()) ?? false })),
);

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

for (const { name, more, skip, command } of sessions) {
  test(`${name}: ${[...commonSteps, ...more].join(", ")}`, { timeout, skip }, async () => {
    const [program, ...args] = await command();
    await using session = startProcess(program, [...args, server.kubeconfig, name.toLowerCase()]);
    // Its end, and of all that it wrote.
    await once(session.child, "close");
    assert.equal(session.child.exitCode, 0, session.output());
    const taken = new Set(session.output().split("\n"));
    assert.deepEqual(
      [...commonSteps, ...more].filter((step) => !taken.has(step)),
      [],
    );
  });
}

test("client-node: objects, custom objects, watch, informer, a Lease", { timeout }, () =>
  takeSteps("client-node", clientNodeSteps(server.kubeconfig, "client-node")),
);

test("Helm 4: install, upgrade, rollback, uninstall", { timeout }, async () => {
  const kubectl = await kubectlFor(server.kubeconfig, join(directory, "kubectl"));
  const helm = await ensureTool("helm");
  await takeSteps("Helm", helmSteps({ helm, kubeconfig: server.kubeconfig, kubectl, directory, namespace: "helm" }));
});

if ("skip" in machines) test("the machine's own kubectl", machines, () => undefined);
else kubectlSession({ name: `kubectl ${machines.version} of the machine`, kubectl: () => olderKubectl, podsRun: true });
