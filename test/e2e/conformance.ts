/** Runs the shared conformance checks against a server and holds the outcome against the list of exceptions. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { exceptions, type Profile } from "../conformance/exceptions.ts";
import { startProcess } from "../support/processes.ts";
import { needsShared, sharedDirectory } from "../support/shared.ts";

type Outcome = { readonly name: string; readonly result: string; readonly why: string; readonly title: string };

/** All checks take some minutes; the slowest, watches under load and garbage collection, one each. */
const timeoutMs = 40 * 60 * 1000;

export function conformanceChecks(profile: Profile, at: () => { kubeconfig: string; directory: string }): void {
  test(`conformance, profile ${profile}: every P0 and P1 check passes but the listed`, {
    skip: needsShared("conformance"),
    timeout: timeoutMs,
  }, async () => {
    const { kubeconfig, directory } = at();
    const report = join(directory, `conformance-${profile}.json`);
    const only = process.env.FUNCTIONMESH_CONFORMANCE_ONLY;
    const checks = startProcess(
      "python3",
      [
        "-m",
        "conformance",
        "--kubeconfig",
        kubeconfig,
        "--profile",
        profile,
        "--priority",
        "P0,P1",
        "--json",
        report,
        ...(only === undefined ? [] : ["--only", only]),
      ],
      { cwd: sharedDirectory, env: { PYTHONDONTWRITEBYTECODE: "1" } },
    );
    await checks.exited;
    const outcomes = parseOutcomes(await readFile(report, "utf8").catch(() => assert.fail(checks.output())));
    const listed = new Set(exceptions.filter(({ profiles }) => profiles.includes(profile)).map(({ check }) => check));
    const failed = outcomes.filter(({ result }) => result !== "pass" && result !== "skip");
    const unexpected = failed
      .filter(({ name }) => !listed.has(name))
      .map(({ name, title, why }) => `${name} (${title}): ${why}`);
    const passing = outcomes
      .filter(({ name, result }) => result === "pass" && listed.has(name))
      .map(({ name }) => name);
    console.log(
      `${outcomes.length - failed.length} of ${outcomes.length} checks pass, ${failed.length - unexpected.length} listed exceptions`,
    );
    assert.ok(outcomes.length > 0, "no check ran");
    assert.deepEqual(unexpected, [], "checks that fail and are not listed");
    assert.deepEqual(passing, [], "checks that pass and are still listed");
  });
}

function parseOutcomes(text: string): readonly Outcome[] {
  const parsed: unknown = JSON.parse(text);
  assert.ok(Array.isArray(parsed));
  return parsed.map((item: { [field: string]: unknown }) => ({
    name: String(item.name),
    result: String(item.result),
    why: String(item.why),
    title: String(item.title),
  }));
}
