import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a directory and what is missing above it, for its owner's eyes only. Node's own recursive variant never returns
 * where a directory exists in which none can be made, such as `/proc`.
 *
 * @param path absolute
 * @returns the topmost directory that was made, `undefined` if all was there
 * @throws Error of the file system
 */
export function makeDirectories(path: string): string | undefined {
  try {
    mkdirSync(path, { mode: 0o700 });
    return path;
  } catch (error) {
    if (hasCode(error, "EEXIST") && statSync(path).isDirectory()) return undefined;
    if (!hasCode(error, "ENOENT") || dirname(path) === path) throw error;
    const topmost = makeDirectories(dirname(path));
    if (topmost === undefined) throw error;
    mkdirSync(path, { mode: 0o700 });
    return topmost;
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
