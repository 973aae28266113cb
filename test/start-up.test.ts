/** Starting and not starting, as a user does it: through npm, with the messages that the README explains. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nextCommands } from "../apiserver/cmd/announcement.ts";
import { textOf } from "../apiserver/machinery/fields.ts";
import { isObject, parseJson } from "../apiserver/machinery/json.ts";
import { parseYaml } from "../apiserver/machinery/yaml.ts";
import { valueAt } from "./http/support/client.ts";
import { eventually, type Process, startProcess } from "./support/processes.ts";
import { repository, tableRows } from "./support/readme.ts";

let directory: string;
let data: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-start-"));
  data = join(directory, "data");
});
after(() => rm(directory, { recursive: true, force: true }));

const npm = (...args: readonly string[]): Process => startProcess("npm", args, { cwd: repository });
const start = (...args: readonly string[]): Process => npm("start", "--silent", "--", ...args);

/** The README's message that fits what was printed. */
function documented(output: string): string | undefined {
  const patterns = tableRows("Message").map(([message = ""]) => message);
  const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return patterns.find((message) => new RegExp(message.split("…").map(escaped).join(".+")).test(output));
}

/** What was logged when the server was ready. */
async function announced(server: Process): Promise<{ url: string; kubeconfig: string; next: readonly unknown[] }> {
  return eventually(async () => {
    const line = parseJson(server.output().split("\n")[0] ?? "");
    assert.ok(isObject(line) && Array.isArray(line.next), server.output());
    return { url: textOf(line, "url"), kubeconfig: textOf(line, "kubeconfig"), next: line.next };
  }, 20_000);
}

/** npm starts a shell that starts the server: it is asked to stop itself. */
async function stop(server: Process): Promise<void> {
  process.kill(Number(await readFile(join(data, "owner"), "utf8")), "SIGTERM");
  await server.exited;
}

test("npm start says where it is, its data directory has one server, and others get certificates of it", async () => {
  const server = start("--data-dir", data, "--secure-port", "0");
  try {
    const { url, kubeconfig, next } = await announced(server);
    assert.equal(kubeconfig, join(data, "kubeconfig"));
    assert.deepEqual(next, nextCommands(kubeconfig));
    const { value } = parseYaml(await readFile(kubeconfig, "utf8"));
    assert.equal(valueAt(value, "clusters", 0, "cluster", "server"), url);

    const second = start("--data-dir", data, "--secure-port", "0");
    assert.equal(await second.exited, 1);
    assert.equal(documented(second.output()), "data directory … is in use by process …");

    const port = new URL(url).port;
    const taken = start("--data-dir", join(directory, "other"), "--secure-port", port);
    assert.equal(await taken.exited, 1);
    assert.equal(documented(taken.output()), "cannot listen on … port …: the port is already in use");

    const minted = npm("run", "--silent", "kubeconfig", "--", "--user", "jane", "--groups", "devs", "--data-dir", data);
    assert.equal(await minted.exited, 0);
    assert.equal(minted.output(), `${join(data, "jane.kubeconfig")}\n`);
    const jane = parseYaml(await readFile(join(data, "jane.kubeconfig"), "utf8")).value;
    assert.equal(valueAt(jane, "contexts", 0, "context", "user"), "jane");
    assert.equal(valueAt(jane, "clusters", 0, "cluster", "server"), url, "the port the server really has");

    const root = npm(
      "run",
      "--silent",
      "kubeconfig",
      "--",
      "--user",
      "r",
      "--groups",
      "system:masters",
      "--data-dir",
      data,
    );
    assert.equal(await root.exited, 0);
    assert.match(root.output(), /warning: whoever has .*r\.kubeconfig may do everything until /);

    const nowhere = join(directory, "nowhere");
    const lost = npm("run", "--silent", "kubeconfig", "--", "--user", "jane", "--data-dir", nowhere);
    assert.equal(await lost.exited, 1);
    assert.equal(documented(lost.output()), "no CA in …: …");
    assert.doesNotMatch(lost.output(), /stack/);
    assert.equal(existsSync(nowhere), false, "no CA was made on the way");
  } finally {
    await stop(server);
  }
});

test("npm start does not start with a CA that is damaged, and leaves it as it is", async () => {
  const damaged = join(directory, "damaged");
  await cp(join(data, "pki"), join(damaged, "pki"), { recursive: true });
  await writeFile(join(damaged, "pki", "ca.crt"), "x");
  const failed = start("--data-dir", damaged, "--secure-port", "0");
  assert.equal(await failed.exited, 1);
  assert.equal(documented(failed.output()), "keys in … are refused: …");
  assert.doesNotMatch(failed.output(), /stack/);
  assert.equal(await readFile(join(damaged, "pki", "ca.crt"), "utf8"), "x");
});

test("npm start does not start in a directory that is none", async () => {
  const file = join(directory, "file");
  await writeFile(file, "");
  const failed = start("--data-dir", file, "--secure-port", "0");
  assert.equal(await failed.exited, 1);
  assert.equal(documented(failed.output()), "data directory … cannot be used: …");
  assert.doesNotMatch(failed.output(), /stack/);
});

test("npm start tells all mistakes of its command line at once, with exit code 2", async () => {
  const failed = start("--data-dirr", "x", "--secure-port", "99999", "--kubeconfig", "f");
  assert.equal(await failed.exited, 2);
  assert.equal(documented(failed.output()), "unknown option …: see --help");
  assert.match(failed.output(), /^--secure-port: must be a whole number from 0 to 65535, not "99999"$/m);
  assert.match(failed.output(), /^--kubeconfig does not belong to standalone: see --help$/m);
});

test("a directory where an option names a file is told by a sentence, and nothing is begun", async () => {
  for (const args of [
    ["start", "--silent", "--", "--config-file", directory, "--data-dir", join(directory, "unmade")],
    ["run", "--silent", "import", "--", "--file", directory, "--data-dir", join(directory, "unmade")],
    ["run", "--silent", "export", "--", "--file", directory, "--data-dir", join(directory, "unmade")],
  ]) {
    const failed = npm(...args);
    assert.equal(await failed.exited, 1);
    assert.match(failed.output(), /--(config-)?file .*cannot be used: .* is a directory, where a file belongs/);
    assert.doesNotMatch(failed.output(), /EISDIR|stack/);
  }
});
