import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { reflectorInStep } from "./reflector.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

let server: Standalone;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-reflector-"));
  server = await startStandalone(join(directory, "data"));
});
after(async () => {
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

reflectorInStep({ name: "standalone", at: () => server, alone: false });
