import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { kubectlSession } from "./kubectl-session.ts";
import { type Kubectl, kubectlFor } from "./support/kubectl.ts";
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
