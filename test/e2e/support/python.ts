/** Python with pinned packages: a virtual environment, made once in the cache of the tools, keyed by its list of packages. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { exists, toolsCache } from "./tools.ts";

const run = promisify(execFile);

/** Three times what it takes on a slow machine with a slow network. */
const installTimeoutMs = 5 * 60 * 1000;

/** Path of a Python interpreter that has the packages of a requirements file, installed first if they are not there. */
export async function ensurePython(requirements: string): Promise<string> {
  const { stdout: version } = await run("python3", ["--version"]);
  const key = createHash("sha256")
    .update(version)
    .update(await readFile(requirements));
  const directory = join(toolsCache, `python-${key.digest("hex").slice(0, 16)}`);
  const python = join(directory, "bin", "python");
  const complete = join(directory, "complete");
  if (await exists(complete)) return python;
  // A virtual environment can't be moved, so one that was left half made is made again in its place.
  await rm(directory, { recursive: true, force: true });
  await mkdir(toolsCache, { recursive: true });
  await run("python3", ["-m", "venv", directory]);
  const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  await run(python, install, { timeout: installTimeoutMs });
  await writeFile(complete, version);
  return python;
}
