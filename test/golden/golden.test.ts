/**
 * Our rendering against what the operator was seen to create. The judge is a program of its own; it runs the commands
 * of the containers against stand-ins and compares which programs they call.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { promisify } from "node:util";
import { stringifyJson } from "../../apiserver/machinery/json.ts";
import { needsShared, sharedDirectory } from "../support/shared.ts";
import { differences, skipped } from "./cases.ts";
import { type OperatorCase, operatorCases, render } from "./operator-case.ts";

const goldens = join(sharedDirectory, "goldens");
const judge = join(sharedDirectory, "tools", "compare_golden.py");

/** Samples are what a user tries first: they are equal without exception. */
const mustBeEqual = /^fixture-samples-/;

function whyNot(): false | string {
  const missing = needsShared("goldens") || needsShared("tools/compare_golden.py");
  if (missing !== false) return missing;
  try {
    execFileSync("python3", ["-c", "import sys, yaml; sys.exit(sys.version_info < (3, 11))"], { stdio: "ignore" });
    return false;
  } catch {
    return "needs python3, 3.11 or later, with yaml, for the judge";
  }
}

const skip = whyNot();
const cases = skip === false ? operatorCases(goldens) : [];

describe("the operator's goldens", { concurrency: availableParallelism() }, () => {
  const output = mkdtempSync(join(tmpdir(), "golden-"));
  after(() => rmSync(output, { recursive: true, force: true }));

  test("every listed case exists", { skip }, () => {
    const names = new Set(cases.map(({ name }) => name));
    const listed = [...Object.keys(differences), ...Object.keys(skipped)];
    assert.deepEqual(
      listed.filter((name) => !names.has(name)),
      [],
    );
    assert.deepEqual(
      listed.filter((name) => mustBeEqual.test(name)),
      [],
    );
  });

  for (const golden of cases) {
    const { name } = golden;
    test(name, { skip: skipped[name] ?? false }, async () => {
      const lines = await compare(golden, join(output, `${name.replace("/", "-")}.json`));
      const listed = differences[name] ?? [];
      const unexplained = lines.filter((line) => !listed.some(({ lines: pattern }) => pattern.test(line)));
      assert.deepEqual(unexplained, []);
      const gone = listed.filter(({ lines: pattern }) => !lines.some((line) => pattern.test(line)));
      assert.deepEqual(
        gone.map(({ reason }) => reason),
        [],
        "listed, but not there any more",
      );
    });
  }
});

/** The judge's lines, one per difference. */
async function compare(golden: OperatorCase, file: string): Promise<string[]> {
  writeFileSync(file, stringifyJson(render(golden)));
  assert.ok(existsSync(file));
  const run = promisify(execFile);
  try {
    await run("python3", [judge, golden.directory, file], { maxBuffer: maxOutputBytes });
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
