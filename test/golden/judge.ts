/** The judge of goldens: a program of its own, which runs the containers' commands against stand-ins. */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { stringifyJson } from "../../apiserver/machinery/json.ts";
import { needsShared, sharedDirectory } from "../support/shared.ts";

export const goldens = join(sharedDirectory, "goldens");
const program = join(sharedDirectory, "tools", "compare_golden.py");

/** For `test(name, { skip })`. */
export function whyNoJudge(): false | string {
  const missing = needsShared("goldens") || needsShared("tools/compare_golden.py");
  if (missing !== false) return missing;
  try {
    execFileSync("python3", ["-c", "import sys, yaml; sys.exit(sys.version_info < (3, 11))"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs python3, 3.11 or later, with yaml, for the judge";
  }
}

/**
 * The judge's lines, one per difference between the golden in `directory` and `objects`.
 *
 * @param file where the objects are written for it
 */
export async function judge(directory: string, objects: readonly JsonValue[], file: string): Promise<string[]> {
  writeFileSync(file, stringifyJson([...objects]));
  const run = promisify(execFile);
  try {
    await run("python3", [program, directory, file], { maxBuffer: maxOutputBytes });
    return [];
  } catch (error) {
    const { code, stdout, stderr } = failureOf(error);
    assert.equal(code, differs, stderr);
    return stdout.split("\n").filter((line) => line !== "");
  }
}
const maxOutputBytes = 16 * 2 ** 20;
/** Exit code of the judge when the objects differ. */
const differs = 1;

function failureOf(error: unknown): { code: unknown; stdout: string; stderr: string } {
  const { code, stdout, stderr } = Object(error);
  return { code, stdout: String(stdout), stderr: String(stderr) };
}
