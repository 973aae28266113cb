/**
 * A disk that fails under a running server, as the kernel lets it fail: writes end with an error of the device (a limit on the
 * size of files has the same effect, and can be lifted), and a file system turns read-only after an error of its own.
 */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { answersReady, startStandalone } from "./e2e/support/server.ts";
import { type Client, clientOf } from "./http/support/client.ts";
import { assertFailure } from "./http/support/failures.ts";
import { eventually, freePort, type Process, startProcess, untilReady } from "./support/processes.ts";

let directory: string;
before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-disk-"));
});
after(() => rm(directory, { recursive: true, force: true }));

const main = new URL("../apiserver/cmd/main.ts", import.meta.url).pathname;
const configMaps = "/api/v1/namespaces/default/configmaps";
const create = (admin: Client, name: string) => admin.send("POST", configMaps, { body: { metadata: { name } } });
const succeeds = (command: string, ...args: readonly string[]): boolean => spawnSync(command, args).status === 0;

/** Why this cannot be tried here; `false` when it can. */
const noLimits = !succeeds("prlimit", "--version") && "limits of a running process are set by prlimit of util-linux";
const noNamespaces =
  !succeeds("unshare", "--mount", "true") && "file systems are mounted in a namespace of their own, by root of Linux";

/** What everybody is told of a store that takes no writes; what was read before can still be read. */
async function assertReadsOnly(admin: Client, sentence: RegExp, logged: () => string): Promise<void> {
  for (const refused of [await create(admin, "refused"), await admin.send("DELETE", `${configMaps}/kept`)]) {
    assertFailure(refused, { code: 503, message: sentence });
    assert.ok(Number(refused.headers["retry-after"]) > 0);
  }
  await eventually(async () => {
    const { status, text } = await admin.get("/readyz?verbose");
    assert.equal(status, 500);
    assert.match(text, /\[-\]etcd-readiness failed/);
  });
  assert.equal((await admin.get("/livez")).status, 200);
  assert.equal((await admin.get(`${configMaps}/kept`)).status, 200);
  assert.equal((await admin.get(configMaps)).status, 200);
  const errors = logged()
    .split("\n")
    .filter((line) => line.includes('"level":"error"') && sentence.test(line));
  assert.equal(errors.length, 1, `said ${errors.length} times`);
}

test("writes that the disk fails are told as such, and taken again by themselves once it works", {
  skip: noLimits,
}, async () => {
  await using server = await startStandalone(join(directory, "fails"), ["--controllers", "none"]);
  using admin = await clientOf(server.kubeconfig);
  const limitFiles = (bytes: string): void =>
    void execFileSync("prlimit", ["--pid", String(server.process.pid), `--fsize=${bytes}:unlimited`]);
  assert.equal((await create(admin, "kept")).status, 201);
  limitFiles("0");
  await assertReadsOnly(
    admin,
    /the disk failed, so what became of a write is unknown: disk I\/O error/,
    server.process.output,
  );
  limitFiles("unlimited");
  await eventually(async () => assert.equal((await admin.get("/readyz")).status, 200));
  assert.equal((await create(admin, "after")).status, 201);
  assert.equal((await admin.send("DELETE", `${configMaps}/kept`)).status, 200);
  await eventually(async () => assert.match(server.process.output(), /the store takes writes again/));
});

/** A shell's words: mounts what `mount` says on `$0`, and becomes a server whose data is on it. */
function startMounted(mount: string, directory: string, port: number, image: string): Process {
  const args = [
    "standalone",
    "--data-dir",
    "$0/data",
    "--secure-port",
    String(port),
    "--write-kubeconfig",
    "$0/kubeconfig",
  ];
  const server = `exec "$2" "$3" ${args.map((arg) => `"${arg}"`).join(" ")} --controllers none`;
  const script = `set -e; ${mount}; ${server}`;
  return startProcess("unshare", ["--mount", "sh", "-c", script, directory, image, process.execPath, main]);
}

test("a file system that is read-only is told at the start", { skip: noNamespaces }, async () => {
  const mount = 'mount -t tmpfs -o size=16m none "$0"; mkdir -m 700 "$0/data"; mount -o remount,ro "$0"';
  const server = startMounted(mount, await mkdtemp(join(directory, "ro-")), await freePort(), "");
  assert.equal(await server.exited, 1);
  assert.match(server.output(), /data directory \S+ cannot be used: \S+ is on a file system that is read-only/);
});

/** Only ext4 can be asked to find an error in itself. */
async function ext4Image(): Promise<string> {
  const image = join(directory, "ext4.img");
  await writeFile(image, "");
  execFileSync("truncate", ["--size", "64M", image]);
  execFileSync("mkfs.ext4", ["-q", "-O", "^metadata_csum", image]);
  return image;
}
const loops = 'mount -o loop,errors=remount-ro "$1" "$0"';
function noExt4(): string | false {
  if (noNamespaces !== false) return noNamespaces;
  const probe = `d=$(mktemp -d) && truncate --size 16M $d/i && mkfs.ext4 -q $d/i && mount -o loop $d/i /mnt; r=$?; rm -r $d; exit $r`;
  return !succeeds("unshare", "--mount", "sh", "-c", probe) && "an image of ext4 is mounted through a loop device";
}

test("a file system that turns read-only is told, and what is stored can be read on", { skip: noExt4() }, async () => {
  const [image, mounted, port] = [await ext4Image(), await mkdtemp(join(directory, "ext4-")), await freePort()];
  await using server = startMounted(loops, mounted, port, image);
  await untilReady("server on ext4", server, () => answersReady(`https://127.0.0.1:${port}`));
  const inside = (...command: readonly string[]): string =>
    execFileSync("nsenter", ["--target", String(server.pid), "--mount", ...command], { encoding: "utf8" }).trim();
  const kubeconfig = join(directory, "ext4.kubeconfig");
  await writeFile(kubeconfig, inside("cat", join(mounted, "kubeconfig")));
  using admin = await clientOf(kubeconfig);
  assert.equal((await create(admin, "kept")).status, 201);
  const device = basename(inside("findmnt", "--noheadings", "--output", "SOURCE", mounted));
  await writeFile(`/sys/fs/ext4/${device}/trigger_fs_error`, "an error that a test asks for");
  assert.match(inside("findmnt", "--noheadings", "--output", "OPTIONS", mounted), /(?:^|,|_)ro\b/);
  await assertReadsOnly(
    admin,
    /the disk failed, so what became of a write is unknown|the store cannot be written/,
    server.output,
  );
});
