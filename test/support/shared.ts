/**
 * The references beside the project: fixtures, goldens and conformance checks. Nothing needs them to run; tests that
 * read them say so when they are not there.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";

const root = new URL("../..", import.meta.url).pathname;
export const sharedDirectory = resolve(root, process.env.FUNCTIONMESH_SHARED ?? "../shared");

/** For `test(name, { skip })`: false when the folder is there, else why the test is skipped. */
export function needsShared(folder: string): false | string {
  const wanted = join(sharedDirectory, folder);
  return existsSync(wanted)
    ? false
    : `needs ${folder} of the shared references; set FUNCTIONMESH_SHARED to their folder`;
}
