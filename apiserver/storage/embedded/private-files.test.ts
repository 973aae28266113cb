import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { directoryProblem, ensurePrivateFile, makePrivate, writePrivately } from "./private-files.ts";

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "private-"));
  context.after(() => rmSync(directory, { recursive: true }));
  return directory;
}
const modeOf = (file: string): number => statSync(file).mode & 0o777;

for (const [mode, safe, shared] of [
  [0o700, true, true],
  [0o755, true, true],
  [0o775, false, false],
  [0o707, false, false],
  [0o777, false, false],
  [0o1777, false, true],
] as const) {
  test(`a directory of mode ${mode.toString(8)} is ${safe ? "safe" : "refused"}`, (context) => {
    const directory = join(scratch(context), "d");
    mkdirSync(directory);
    chmodSync(directory, mode);
    assert.equal(directoryProblem(directory) === undefined, safe);
    assert.equal(directoryProblem(directory, { shared: true }) === undefined, shared);
    if (!safe) assert.match(directoryProblem(directory) ?? "", /other users can write to .*chmod go-w/);
  });
}

test("a written file is its owner's only, whatever the old one was, and nothing else is left", (context) => {
  const directory = scratch(context);
  const file = join(directory, "key");
  writeFileSync(file, "old");
  chmodSync(file, 0o666);
  writePrivately(file, "new");
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.equal(modeOf(file), 0o600);
  assert.deepEqual(readdirSync(directory), ["key"]);
});

test("what waits under the old name of the temporary file is not written to, nor is the target of a link", (context) => {
  const directory = scratch(context);
  const file = join(directory, "key");
  const victim = join(directory, "victim");
  writeFileSync(victim, "untouched");
  symlinkSync(victim, file);
  writeFileSync(`${file}.${process.pid}.tmp`, "prepared");
  writePrivately(file, "secret");
  assert.equal(readFileSync(victim, "utf8"), "untouched");
  assert.equal(readFileSync(`${file}.${process.pid}.tmp`, "utf8"), "prepared");
  assert.equal(readFileSync(file, "utf8"), "secret");
});

test("a failed write leaves nothing behind", (context) => {
  const directory = scratch(context);
  mkdirSync(join(directory, "key"));
  assert.throws(() => writePrivately(join(directory, "key"), "secret"));
  assert.deepEqual(readdirSync(directory), ["key"]);
});

test("files that exist are taken from everybody else, those that don't are made so or left out", (context) => {
  const directory = scratch(context);
  const old = join(directory, "old");
  writeFileSync(old, "content");
  chmodSync(old, 0o644);
  ensurePrivateFile(old);
  ensurePrivateFile(join(directory, "new"));
  makePrivate(join(directory, "missing"));
  assert.deepEqual([modeOf(old), modeOf(join(directory, "new"))], [0o600, 0o600]);
  assert.equal(readFileSync(old, "utf8"), "content");
  assert.deepEqual(readdirSync(directory).sort(), ["new", "old"]);
});
