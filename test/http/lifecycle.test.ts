/** The program as a process: how it starts, is refused, survives and ends (API; design D6). */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startMain, startStandalone } from "../e2e/support/server.ts";
import { type Client, clientOf } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";

const directory = await mkdtemp(join(tmpdir(), "functionmesh-http-"));
after(() => rm(directory, { recursive: true, force: true }));
const functions = pathOf("life", "functions");
const quiet = ["--controllers", "none", "--log-level", "warn"];

/** Runs the program to its end. */
async function runMain(args: readonly string[]): Promise<{ code: number | null; output: string }> {
  await using main = startMain(args);
  const code = await main.exited;
  return { code, output: main.output() };
}

async function createMany(client: Client, prefix: string, count: number): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, i) => `${prefix}-${i}`);
  await Promise.all(names.map(async (name) => ok(await client.post(functions, aFunction(name)), 201)));
  return names;
}

async function namesOf(client: Client): Promise<readonly string[]> {
  const items = ok(await client.get(functions)).at("items");
  assert.ok(Array.isArray(items));
  return items.map((_, i) => String(Object(items[i]).metadata.name));
}

test("what was acknowledged survives kill -9 and SIGTERM; one data directory has one server, one port too", async () => {
  const data = join(directory, "data");
  const names: string[] = [];
  {
    await using server = await startStandalone(data, quiet);
    using admin = await clientOf(server.kubeconfig);
    await createNamespace(admin, "life");
    names.push(...(await createMany(admin, "killed", 50)));
    const unanswered = admin.post(functions, aFunction("unanswered")).catch(() => undefined);
    server.process.kill("SIGKILL");
    await Promise.all([server.process.exited, unanswered]);
  }
  await using server = await startStandalone(data, quiet);
  using admin = await clientOf(server.kubeconfig);
  const found = await namesOf(admin);
  assert.deepEqual(
    names.filter((name) => !found.includes(name)),
    [],
  );

  const [second, busy] = await Promise.all([
    runMain(["standalone", "--data-dir", data, "--secure-port", "0"]),
    runMain(["standalone", "--data-dir", join(directory, "other"), "--secure-port", String(server.port)]),
  ]);
  assert.equal(second.code, 1, second.output);
  assert.match(second.output, new RegExp(`data directory ${data} is in use by process ${server.process.pid}`));
  assert.equal(busy.code, 1, busy.output);
  assert.match(
    busy.output,
    new RegExp(`cannot listen on 127\\.0\\.0\\.1 port ${server.port}: the port is already in use`),
  );

  await using watch = await admin.watch(`${functions}?watch=1`);
  await watch.take(found.length);
  const idle = await admin.connect();
  const started = performance.now();
  server.process.kill("SIGTERM");
  assert.equal(await server.process.exited, 0, server.process.output());
  // Far below the minute that requests in flight would get, far above what a busy machine adds.
  assert.ok(performance.now() - started < 20_000, "it ends promptly, whoever is connected");
  assert.deepEqual(await watch.rest(), []);
  idle.destroy();

  await using again = await startStandalone(data, quiet);
  using client = await clientOf(again.kubeconfig);
  assert.deepEqual(await namesOf(client), found);
});

test("a data directory that cannot be used is said to be so", async () => {
  const file = join(directory, "file");
  await writeFile(file, "");
  const [damaged, closed] = [join(directory, "damaged"), join(directory, "closed")];
  await mkdir(damaged);
  await writeFile(join(damaged, "store.db"), "this is no database".repeat(1000));
  await mkdir(closed, { mode: 0o000 });
  // Nothing is closed to the superuser.
  const unusable = process.getuid?.() === 0 ? [file, join(file, "below"), damaged] : [file, damaged, closed];
  const ends = await Promise.all(
    unusable.map((path) => runMain(["standalone", "--data-dir", path, "--secure-port", "0"])),
  );
  for (const [i, { code, output }] of ends.entries()) {
    assert.equal(code, 1, output);
    assert.ok(output.includes(`data directory ${unusable[i]} cannot be used: `), output);
  }
});

test("all mistakes of a command line are told at once, with exit code 2", async () => {
  const { code, output } = await runMain([
    "standalone",
    "--secure-port",
    "high",
    "--request-timeout=soon",
    "--nonsense",
    "--kubeconfig=x",
    "--log-level",
  ]);
  assert.equal(code, 2, output);
  for (const mistake of ["--secure-port", "--request-timeout", "--nonsense", "--kubeconfig", "--log-level"]) {
    assert.ok(output.includes(mistake), output);
  }
});
