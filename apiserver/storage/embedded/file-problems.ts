/** What is wrong with files and directories, in sentences for the one who can put it right. */
import { lstatSync, statSync } from "node:fs";

const sentences: { readonly [code: string]: (path: string) => string } = {
  EISDIR: (path) => `${path} is a directory, where a file belongs`,
  ENOTDIR: (path) => `a file lies where ${path} needs a directory`,
  EEXIST: (path) => `${path} is a file, where a directory belongs`,
  ENOTEMPTY: (path) => `${path} is a directory, where a file belongs`,
  ENOENT: (path) => `${path} is missing, and cannot be made there`,
  EACCES: (path) => `this user may not use ${path}`,
  EPERM: (path) => `this user may not use ${path}`,
  EROFS: (path) => `${path} is on a file system that is read-only`,
  ENOSPC: (path) => `the disk is full: ${path} cannot be written`,
  EDQUOT: (path) => `the disk quota is used up: ${path} cannot be written`,
  ELOOP: (path) => `${path} is a link that leads back to itself`,
  ENAMETOOLONG: (path) => `the name ${path} is too long`,
  EIO: (path) => `the disk failed at ${path}`,
};

/** @param path  what was wanted, where the system does not name what it failed at */
export function problemOf(error: unknown, path: string): string {
  if (!(error instanceof Error)) return String(error);
  const { code, at } = detailsOf(error);
  return sentences[code]?.(at ?? path) ?? error.message;
}

/** As `problemOf`, of a file that is only read: what is missing is not to be made. */
export function readProblemOf(error: unknown, path: string): string {
  const isMissing = error instanceof Error && detailsOf(error).code === "ENOENT";
  return isMissing ? `there is no file ${path}` : problemOf(error, path);
}

function detailsOf(error: Error): { readonly code: string; readonly at: string | undefined } {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  // Of a rename the second one is the file that was meant.
  const at = "dest" in error && typeof error.dest === "string" ? error.dest : "path" in error ? error.path : undefined;
  return { code, at: typeof at === "string" ? at : undefined };
}

/**
 * Whether a file that is there can be read and written as one: a pipe would be waited for without end.
 * @returns why not; `undefined` when it can, or is missing
 */
export function fileProblem(path: string): string | undefined {
  let status: ReturnType<typeof statSync>;
  try {
    status = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return problemOf(error, path);
  }
  if (status === undefined || status.isFile()) return undefined;
  return status.isDirectory()
    ? sentences.EISDIR?.(path)
    : `${path} is a pipe, a socket or a device, where a file belongs`;
}

/** As `fileProblem`, of a file that nobody else has a hand in: what is written through a link may be anybody's. */
export function ownFileProblem(path: string): string | undefined {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  return isLink ? `${path} is a link, where a file belongs` : fileProblem(path);
}
