import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { after } from "node:test";
import { makeDirectories } from "./make-directories.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-directories-"));
after(() => rmSync(root, { recursive: true }));

test("what is missing is made, for the owner only, and the topmost of it named", () => {
  const path = join(root, "a", "b", "c");
  assert.equal(makeDirectories(path), join(root, "a"));
  assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.equal(makeDirectories(path), undefined);
});

test("a file in the way is an error", () => {
  writeFileSync(join(root, "file"), "");
  assert.throws(() => makeDirectories(join(root, "file")), { code: "EEXIST" });
  assert.throws(() => makeDirectories(join(root, "file", "below")), { code: "ENOTDIR" });
});

test("a directory in which none can be made is an error, at once", {
  skip: process.platform === "linux" ? false : "there is no /proc",
}, () => {
  assert.throws(() => makeDirectories("/proc/no-such-process/data"), { code: /ENOENT|EACCES|EPERM/ });
});
