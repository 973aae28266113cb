/** What the README says is so: its tables are compared with what they are about, its commands run. */
import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { announcement } from "../apiserver/cmd/announcement.ts";
import { optionsTable } from "../apiserver/cmd/command-line.ts";
import { limitsTable } from "../apiserver/cmd/limits-table.ts";
import { rows } from "../apiserver/cmd/options.ts";
import { type Limit, limits } from "../apiserver/limits.ts";
import { blocks, readme, repository, tableRows } from "./support/readme.ts";

const read = (file: string): string => readFileSync(join(repository, file), "utf8");
const firstCells = (header: string): readonly string[] => tableRows(header).map(([cell = ""]) => cell);
const sorted = (values: Iterable<string>): readonly string[] => [...new Set(values)].sort();

test("the options table is the parser's", () => assert.ok(readme.includes(`\n${optionsTable()}\n`), optionsTable()));

test("the limits table is that of the limits", () => assert.ok(readme.includes(`\n${limitsTable()}\n`), limitsTable()));

test("the option of every limit that has one exists", () => {
  const flags: readonly string[] = Object.values(rows).map(({ flag }) => flag);
  const named = Object.values<Limit>(limits).flatMap(({ option }) => option ?? []);
  assert.deepEqual(
    named.filter((option) => !flags.includes(option)),
    [],
  );
});

test("every option that is mentioned exists", () => {
  const commands = [...blocks("text"), ...readme.matchAll(/`--[a-z0-9-]+/g)].join("\n");
  const flags = new Set(Object.values(rows).map(({ flag }) => flag));
  const foreign = new Set(["kubeconfig", "server-side", "type", "help", "for", "wait"]);
  assert.deepEqual(
    [...commands.matchAll(/--([a-z0-9-]+)/g)].flatMap(([, flag = ""]) =>
      flags.has(flag) || foreign.has(flag) ? [] : [flag],
    ),
    [],
  );
});

test("it shows what a started server says", () => {
  assert.ok(blocks("text").includes(announcement("https://127.0.0.1:6443", ".functionmesh/kubeconfig")));
});

test("one command sets up and runs, one sets up and tests", () => {
  assert.ok(blocks("sh").includes("npm ci && npm start\n"));
  assert.ok(blocks("sh").includes("npm ci && npm test\n"));
  assert.match(read(".ci/run"), /^npm ci$/m);
});

test("every script is described", () => {
  const { scripts } = JSON.parse(read("package.json"));
  const described = firstCells("Command").map((command) => command.replace(/^npm (run )?/, ""));
  assert.deepEqual(sorted(described), sorted(Object.keys(scripts)));
});

test("every npm command that is shown is a script", () => {
  const { scripts } = JSON.parse(read("package.json"));
  const shown = [...readme.matchAll(/npm (?:run ([\w:-]+)|(start|test))/g)].map(([, run, short]) => run ?? short ?? "");
  assert.deepEqual(
    sorted(shown).filter((name) => scripts[name] === undefined),
    [],
  );
});

test("the map names every folder, and only folders", () => {
  const below = (folder: string): readonly string[] =>
    readdirSync(join(repository, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${folder}/${name}`);
  const folders = ["apiserver", "controllers", "openapi", "deploy", "test"].flatMap(below);
  assert.deepEqual(sorted(firstCells("Folder")), sorted([...folders, "openapi"]));
});

test("every file that is mentioned exists", () => {
  const files = [...readme.matchAll(/[`(]([\w.-]+(?:\/[\w.-]+)+\.(?:ts|md))[`)]/g)].map(([, file = ""]) => file);
  assert.ok(files.length > 15);
  assert.deepEqual(
    files.filter((file) => !existsSync(join(repository, file))),
    [],
  );
});

test("every reason of a failure is explained, with its code", () => {
  const factories = read("apiserver/errors/status-error.ts").matchAll(/statusError\(\s*(\d{3}),\s*"(\w+)"/g);
  const thrown = [...factories].map(([, code, reason]) => `${reason} ${code}`);
  assert.deepEqual(sorted(tableRows("Reason").map(([reason, code]) => `${reason} ${code}`)), sorted(thrown));
});

test("every variable that is for tests is described", () => {
  const used = globSync("test/**/*.ts", { cwd: repository }).flatMap((file) =>
    [
      ...readFileSync(join(repository, file), "utf8").matchAll(/process\.env\.((?:FUNCTIONMESH|KUBEBUILDER)_[A-Z_]+)/g),
    ].map(([, name = ""]) => name),
  );
  assert.deepEqual(sorted(firstCells("Variable")), sorted(used));
});
