import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isMet } from "./aims.ts";
import { measuredReadme, readmeFile } from "./table.ts";

test("the README shows the results that are committed", () => {
  const readme = readFileSync(readmeFile, "utf8");
  assert.equal(readme, measuredReadme(readme), "node test/bench/table.ts");
});

test("a bound is judged by the figures of one run", () => {
  const figures = { CRD: 10, SQLite: 1, bare: 0.4 };
  assert.equal(isMet({ timesCheaperThanCrd: 10 }, "SQLite", figures), true);
  assert.equal(isMet({ timesCheaperThanCrd: 11 }, "SQLite", figures), false);
  assert.equal(isMet({ timesBare: 2 }, "SQLite", figures), false);
  assert.equal(isMet({ ms: 1 }, "SQLite", figures), true);
  assert.equal(isMet({ ms: 1 }, "etcd", figures), undefined);
});
