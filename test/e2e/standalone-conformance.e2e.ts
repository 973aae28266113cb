import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { conformanceChecks } from "./conformance.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

let server: Standalone;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-conformance-"));
  // The checks make objects whose fields contradict each other; nobody else may write to them.
  server = await startStandalone(join(directory, "data"), ["--controllers=*,-function,-source,-sink,-function-mesh"]);
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

conformanceChecks("standalone", () => ({ kubeconfig: server.kubeconfig, directory }));
