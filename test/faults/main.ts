/**
 * `npm run faults -- [--only NAME] [--seed N]`: the long fault runs, by hand. Figures go to results.json, those of other
 * runs stay. What `test/e2e/faults.e2e.ts` asserts of the short ones is asserted of these too.
 */
import { readFile, writeFile } from "node:fs/promises";
import { cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { judge, scenarios } from "./scenarios.ts";

const { values } = parseArgs({ options: { only: { type: "string" }, seed: { type: "string", default: "1" } } });
const results = new URL("./results.json", import.meta.url);

const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryBytes: totalmem(),
  node: process.version,
  platform: `${process.platform}/${process.arch}`,
};

let failed = false;
for (const [name, { long }] of Object.entries(scenarios)) {
  if (values.only !== undefined && values.only !== name) continue;
  const started = performance.now();
  const figures = await long(Number(values.seed));
  const seconds = Math.round((performance.now() - started) / 1000);
  const problems = judge(figures);
  failed ||= problems.length > 0;
  console.log(name, { seconds, ...figures }, problems);
  const known = JSON.parse(await readFile(results, "utf8").catch(() => "{}"));
  const run = {
    date: new Date().toISOString().slice(0, 10),
    machine,
    load: loadavg()[0],
    seconds,
    ...figures,
    problems,
  };
  await writeFile(results, `${JSON.stringify({ ...known, [name]: run }, undefined, 2)}\n`);
}
process.exitCode = failed ? 1 : 0;
