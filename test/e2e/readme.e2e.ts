/** The README's sessions, run literally: its shell blocks, with the real kubectl, against a server started as it says. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { blocks, repository } from "../support/readme.ts";
import { type Standalone, startStandalone } from "./support/server.ts";
import { ensureTool } from "./support/tools.ts";

let directory: string;
let server: Standalone;
let binaries: string;

before(async () => {
  binaries = dirname(await ensureTool("kubectl"));
  directory = await mkdtemp(join(tmpdir(), "functionmesh-readme-"));
  server = await startStandalone(join(directory, ".functionmesh"));
});
after(async () => {
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Runs in the directory that has `.functionmesh`, npm's commands in the repository, as if both were one. */
async function runBlock(script: string): Promise<string> {
  const npm = `npm() { (cd '${repository}' && command npm "$@"); }`;
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", `${npm}\n${script}`], {
    cwd: directory,
    timeout: 5 * 60_000,
    env: {
      ...process.env,
      PATH: `${binaries}:${process.env.PATH}`,
      HOME: directory,
      KUBECONFIG: join(".functionmesh", "kubeconfig"),
      FUNCTIONMESH_DATA_DIR: server.dataDirectory,
      FUNCTIONMESH_SECURE_PORT: String(server.port),
    },
  });
  return stdout;
}

const sessions = blocks("sh").filter((block) => block.includes("kubectl"));

test("the README has a session, and one of a tenant", () => assert.equal(sessions.length, 2));

test("the first session", async () => {
  const output = await runBlock(sessions[0] ?? "");
  for (const line of [
    /^function\.compute\.functionmesh\.io\/wordcount created$/m,
    /^function\.compute\.functionmesh\.io\/wordcount +1\/1 +Ready +java /m,
    /^statefulset\.apps\/wordcount-function +1\/1 /m,
    /^pod\/wordcount-function-0 +1\/1 +Running /m,
    /^FIELD: input <Object>$/m,
    /^function\.compute\.functionmesh\.io\/wordcount scaled$/m,
    /^function\.compute\.functionmesh\.io\/wordcount patched$/m,
    /^function\.compute\.functionmesh\.io "wordcount" deleted/m,
  ]) {
    assert.match(output, line);
  }
});

test("the tenant's session", async () => {
  const output = await runBlock(sessions[1] ?? "");
  assert.match(output, /jane\.kubeconfig$/m);
  assert.match(output, /^no$/m);
});
