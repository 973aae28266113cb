/** Root directories out of Debian packages, for images of tests: unpacked with all they depend on, no maintainer script is run. */
import { execFile } from "node:child_process";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What nobody reads in a container. */
const unread = ["doc", "man", "locale", "lintian", "bug"];

/**
 * @param directory for the archives and the root; the caller removes it
 * @param users lines of `/etc/passwd` beside root and nobody
 */
export async function debianTree(
  directory: string,
  packages: readonly string[],
  users: readonly string[],
): Promise<string> {
  const [root, archives, status] = ["root", "archives", "status"].map((name) => join(directory, name));
  if (root === undefined || archives === undefined || status === undefined) throw new Error("no directories");
  await mkdir(join(archives, "partial"), { recursive: true });
  await mkdir(root, { recursive: true });
  // As if nothing were installed: then everything that is needed is fetched.
  await writeFile(status, "");
  const options = [
    `Dir::State::status=${status}`,
    `Dir::Cache::archives=${archives}`,
    "APT::Sandbox::User=root",
    "Debug::NoLocking=1",
  ].flatMap((option) => ["-o", option]);
  await run("apt-get", ["install", "-qq", "-y", "-d", "--no-install-recommends", ...options, ...packages], {
    maxBuffer: 64 * 1024 * 1024,
  });
  for (const archive of (await readdir(archives)).filter((name) => name.endsWith(".deb")).sort())
    await run("dpkg", ["-x", join(archives, archive), root]);
  for (const name of unread) await rm(join(root, "usr/share", name), { recursive: true, force: true });
  await mkdir(join(root, "etc"), { recursive: true });
  await mkdir(join(root, "tmp"), { recursive: true });
  await chmod(join(root, "tmp"), 0o1777);
  await writeFile(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
  const everybody = ["root:x:0:0:root:/root:/bin/sh", "nobody:x:65534:65534:nobody:/:/bin/false", ...users];
  await writeFile(join(root, "etc/passwd"), everybody.map((line) => `${line}\n`).join(""));
  return root;
}
