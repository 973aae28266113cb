/** Our rendering against what the operator was seen to create. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { differences, everywhere, skipped } from "./cases.ts";
import { goldens, judge, whyNoJudge } from "./judge.ts";
import { operatorCases, render } from "./operator-case.ts";

/** Samples are what a user tries first: they are equal but for what is different everywhere. */
const mustBeEqual = /^fixture-samples-/;

const skip = whyNoJudge();
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
      const lines = await judge(golden.directory, render(golden), join(output, `${name.replace("/", "-")}.json`));
      const listed = differences[name] ?? [];
      const meant = [...listed, ...everywhere];
      const unexplained = lines.filter((line) => !meant.some(({ lines: pattern }) => pattern.test(line)));
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
