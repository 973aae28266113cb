/** Files that are generated from Kubernetes' Go modules and committed: they are what their generators make of the pinned version. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const moduleDirectory = new URL("tools/", import.meta.url).pathname;

/** Goes by the mode that builds the tools, so that what those compiled already is not compiled again. */
const goRun = ["run", "-mod=readonly", "-trimpath"];

const hasGo = await run("go", ["version"]).then(
  () => true,
  () => false,
);

const generated: Record<string, string> = {
  "./core-schemas": "../../openapi/core/core-schemas.json",
  "./protobuf-fields": "../../apiserver/machinery/protobuf-fields.json",
};
for (const [generator, file] of Object.entries(generated)) {
  test(`${file} is what ${generator} makes`, {
    skip: !hasGo && "Go, which the generator needs, is not installed",
  }, async () => {
    const { stdout } = await run("go", [...goRun, generator], { cwd: moduleDirectory, maxBuffer: 16 * 1024 * 1024 });
    assert.ok(stdout === (await readFile(new URL(file, import.meta.url), "utf8")), `run it again into ${file}`);
  });
}
