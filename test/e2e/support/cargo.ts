/** Programs of ours in Rust: built once into the cache of the tools, keyed by what they are built from. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { exists, toolsCache } from "./tools.ts";

const run = promisify(execFile);

/** Dependencies take two minutes of CPU time; ten times that is a machine that will not make it. */
const buildTimeoutMs = 20 * 60 * 1000;

/** For `test(name, { skip })`. */
export async function whyNoCargo(): Promise<false | string> {
  return run("cargo", ["--version"]).then(
    () => false,
    () => "needs cargo, for a client in Rust",
  );
}

/** Path of the program of the crate in a folder, built first if it is not there. Dependencies stay compiled beside it. */
export async function ensureCrate(folder: string, program: string): Promise<string> {
  const { stdout: compiler } = await run("rustc", ["--version"]);
  const hash = createHash("sha256").update(compiler);
  for (const file of ["Cargo.toml", "Cargo.lock", "src/main.rs"]) hash.update(await readFile(join(folder, file)));
  const directory = join(toolsCache, `cargo-${hash.digest("hex").slice(0, 16)}`);
  const binary = join(directory, program);
  if (await exists(binary)) return binary;
  await mkdir(directory, { recursive: true });
  const target = join(toolsCache, "cargo-target");
  await run("cargo", ["build", "--locked", "--quiet", "--target-dir", target], {
    cwd: folder,
    timeout: buildTimeoutMs,
  });
  const unfinished = `${binary}.${process.pid}`;
  await copyFile(join(target, "debug", program), unfinished);
  await rename(unfinished, binary);
  return binary;
}
