import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { conformanceChecks } from "./conformance.ts";
import { reflectorInStep } from "./reflector.ts";
import { type Aggregated, startAggregated } from "./support/aggregated.ts";

let cluster: Aggregated;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-aggregated-"));
  // The checks make objects whose fields contradict each other; nobody else may write to them.
  cluster = await startAggregated(directory, ["--controllers=*,-function,-source,-sink,-function-mesh"]);
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

conformanceChecks("aggregated", () => ({ kubeconfig: cluster.host.kubeconfig, directory }));
reflectorInStep({ name: "aggregated", at: () => cluster.host, alone: true });
