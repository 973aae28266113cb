import { createHash, type Hash } from "node:crypto";
import { type FileHandle, link, open, rm, stat } from "node:fs/promises";
import { isStorageError } from "../errors.ts";
import type { Revision, StorageBackend } from "../interface.ts";
import { backupPrefix, entryLine, footerLine, headerLine, isOwnKey, parseHeader, parseLine } from "./format.ts";
import { linesOf } from "./lines.ts";

/** Keys read at once: large enough that the calls don't count, and not above 100 MB of the largest values. */
const pageKeys = 64;

export type Progress = (done: number, of: number) => void;

/** A file that is being written. */
type Writing = {
  readonly file: FileHandle;
  readonly hash: Hash;
  readonly revision: Revision;
  size: number;
  keys: number;
  /** First key that is not in it yet. */
  startKey: string;
};

/**
 * Writes one state of the store to `path`, which must not exist. What an interrupted run left in `<path>.partial` is
 * gone on with, at the same state, as long as the store has its history.
 *
 * @returns how many keys were written
 * @throws Error when the file exists or cannot be written
 */
export async function exportStore(backend: StorageBackend, path: string, progress: Progress): Promise<number> {
  if (await exists(path)) throw new Error(`${path} exists: a backup is not overwritten`);
  const partial = `${path}.partial`;
  const begun = await resume(backend, partial);
  try {
    if (begun !== undefined) return await finish(backend, begun, { partial, path, progress });
  } catch (error) {
    if (!isStorageError(error, "Compacted")) throw error;
    // The store has no history of that state any more: its newest one is written instead.
  }
  return finish(backend, await begin(backend, partial), { partial, path, progress });
}

async function begin(backend: StorageBackend, partial: string): Promise<Writing> {
  const file = await open(partial, "w", 0o600);
  const revision = await backend.currentRevision();
  const writing = { file, hash: createHash("sha256"), revision, size: 0, keys: 0, startKey: backupPrefix };
  await append(writing, [headerLine({ identity: backend.identity, revision })]);
  return writing;
}

/** `undefined` when there is nothing to go on with, or it is of another store. */
async function resume(backend: StorageBackend, partial: string): Promise<Writing | undefined> {
  if (!(await exists(partial))) return undefined;
  const file = await open(partial, "r+");
  const hash = createHash("sha256");
  let writing: Writing | undefined;
  try {
    for await (const { text } of linesOf(file)) {
      if (writing === undefined) {
        const { identity, revision } = parseHeader(text);
        if (identity !== backend.identity) break;
        writing = { file, hash, revision, size: 0, keys: 0, startKey: backupPrefix };
      } else {
        const parsed = parseLine(text);
        if (!("entry" in parsed)) break;
        writing.keys++;
        writing.startKey = `${parsed.entry.key}\0`;
      }
      hash.update(text).update("\n");
      writing.size += text.byteLength + 1;
    }
  } catch {
    // What cannot be read was not written by us; it is written anew.
    writing = undefined;
  }
  if (writing === undefined) await file.close();
  else await file.truncate(writing.size);
  return writing;
}

async function finish(
  backend: StorageBackend,
  writing: Writing,
  { partial, path, progress }: { readonly partial: string; readonly path: string; readonly progress: Progress },
): Promise<number> {
  try {
    for (;;) {
      const { startKey, revision } = writing;
      const page = await backend.range({ prefix: backupPrefix, startKey, limit: pageKeys, revision });
      const items = page.items.filter(({ key }) => !isOwnKey(key));
      await append(writing, items.map(entryLine));
      writing.keys += items.length;
      progress(writing.keys, writing.keys + page.count - page.items.length);
      const last = page.items.at(-1);
      if (last === undefined || page.items.length >= page.count) break;
      writing.startKey = `${last.key}\0`;
    }
    const footer = footerLine({ keys: writing.keys, sha256: writing.hash.copy().digest("hex") });
    await append(writing, [footer]);
    await writing.file.sync();
  } finally {
    await writing.file.close();
  }
  // Unlike a rename this fails where somebody was faster.
  await link(partial, path);
  await rm(partial);
  return writing.keys;
}

async function append(writing: Writing, lines: readonly Uint8Array[]): Promise<void> {
  const bytes = Buffer.concat(lines);
  await writing.file.write(bytes, 0, bytes.byteLength, writing.size);
  writing.hash.update(bytes);
  writing.size += bytes.byteLength;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}
