/** Files with secrets: nobody else may read them, nor put others in their place. */
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from "node:fs";

const groupOrOthers = 0o077;
const writableByOthers = 0o022;
const sticky = 0o1000;

/**
 * Whoever may write to a directory may swap what is in it.
 *
 * @param options.shared  a directory like /tmp will do, where everybody may write and nobody touch another's files
 * @returns why the directory is not safe for secrets; `undefined` when it is
 */
export function directoryProblem(path: string, options: { readonly shared?: boolean } = {}): string | undefined {
  const uid = process.getuid?.();
  if (uid === undefined) return undefined; // no such modes on this system
  const status = statSync(path);
  if (!isOurs(status, uid) && !isOurs(status, 0)) return `${path} belongs to another user`;
  if ((status.mode & writableByOthers) === 0) return undefined;
  if (options.shared === true && (status.mode & sticky) !== 0) return undefined;
  return `other users can write to ${path}: "chmod go-w ${path}", or name another directory`;
}

/**
 * Makes a file that exists its owner's only, or a new one that is; a link is not followed.
 * @throws Error when it belongs to somebody else
 */
export function ensurePrivateFile(file: string): void {
  try {
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    makePrivate(file);
  }
}

/** As `ensurePrivateFile` for a file that may be missing, and then stays so. */
export function makePrivate(file: string): void {
  const status = lstatSync(file, { throwIfNoEntry: false });
  if (status === undefined || !status.isFile()) return;
  const uid = process.getuid?.();
  if (uid === undefined) return;
  if (!isOurs(status, uid)) throw new Error(`${file} belongs to another user`);
  if ((status.mode & groupOrOthers) !== 0) chmodSync(file, status.mode & ~groupOrOthers & 0o7777);
}

/**
 * Writes a file that only its owner can read. Readers see the old content or the new one, also when the process is killed
 * in between; nobody can have prepared the file that is written to, for nobody can know its name.
 */
export function writePrivately(file: string, content: string): void {
  const temporary = `${file}.${randomBytes(12).toString("hex")}.tmp`;
  const handle = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    try {
      writeFileSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

const isOurs = (status: Stats, uid: number): boolean => status.uid === uid;
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
