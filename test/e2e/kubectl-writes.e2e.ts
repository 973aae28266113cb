/** Every kubectl that is promised to work writes to a laptop's server. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Client, clientOf } from "../http/support/client.ts";
import { kubectlWrites } from "./kubectl-writes.ts";
import { type Kubectl, kubectlFor, machinesKubectl } from "./support/kubectl.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

let directory: string;
let server: Standalone;
let client: Client;
let pinned: Kubectl;
let older: Kubectl;

// Before any test is registered: the runner takes a pause between two for the end.
const machines = await machinesKubectl();

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-kubectl-"));
  server = await startStandalone(join(directory, "data"));
  client = await clientOf(server.kubeconfig);
  pinned = await kubectlFor(server.kubeconfig, join(directory, "pinned"));
  older = await kubectlFor(server.kubeconfig, join(directory, "machines"), "kubectl");
});
after(async () => {
  client?.[Symbol.dispose]();
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

kubectlWrites({ name: "kubectl", kubectl: () => pinned, client: () => client, namespace: "pinned" });
if ("skip" in machines) test("the machine's own kubectl", machines, () => undefined);
else {
  const name = `kubectl ${machines.version} of the machine`;
  kubectlWrites({ name, kubectl: () => older, client: () => client, namespace: "older" });
}
