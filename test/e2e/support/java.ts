/** Programs of ours in Java, one file each: compiled into the cache of the tools, keyed by what they are made of. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { exists, toolsCache } from "./tools.ts";

const run = promisify(execFile);

/** The first run downloads some fifty archives. */
const buildTimeoutMs = 10 * 60 * 1000;

/** For `test(name, { skip })`. */
export async function whyNoJava(): Promise<false | string> {
  return Promise.all([run("javac", ["-version"]), run("mvn", ["-version"])]).then(
    () => false,
    () => "needs a JDK, 17 or later, and mvn, for a client in Java",
  );
}

/** The class path to run a class of a folder with, which has it as a source and says in `pom.xml` what it needs. */
export async function ensureJavaClass(folder: string, name: string): Promise<string> {
  const { stdout, stderr } = await run("javac", ["-version"]);
  const source = join(folder, `${name}.java`);
  const pom = join(folder, "pom.xml");
  const hash = createHash("sha256").update(stdout + stderr);
  for (const file of [pom, source]) hash.update(await readFile(file));
  const directory = join(toolsCache, `java-${hash.digest("hex").slice(0, 16)}`);
  const complete = join(directory, "complete");
  if (await exists(complete)) return readFile(complete, "utf8");
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const list = join(directory, "dependencies");
  const resolve = ["-q", "-B", "-f", pom, "dependency:build-classpath", `-Dmdep.outputFile=${list}`];
  await run("mvn", resolve, { timeout: buildTimeoutMs });
  const dependencies = (await readFile(list, "utf8")).trim();
  await run("javac", ["-d", directory, "-cp", dependencies, source], { timeout: buildTimeoutMs });
  const classPath = `${directory}:${dependencies}`;
  await writeFile(complete, classPath);
  return classPath;
}
