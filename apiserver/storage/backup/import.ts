import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { isObject } from "../../machinery/json.ts";
import { isStorageError } from "../errors.ts";
import type { Revision, StorageBackend, StoredValue } from "../interface.ts";
import type { Progress } from "./export.ts";
import { type BackupFooter, type BackupHeader, backupPrefix, isOwnKey, parseHeader, parseLine } from "./format.ts";
import { importNoteKey } from "./import-note.ts";
import { linesOf } from "./lines.ts";

/** Where an entry is, and which came before which: all that is kept of a file in memory. */
type Place = { readonly revision: Revision; readonly offset: number; readonly length: number };

type Checked = { readonly header: BackupHeader; readonly footer: BackupFooter; readonly places: readonly Place[] };

/**
 * Fills an empty store from a backup: every value as it was, in the order in which they were written. An interrupted run
 * is gone on with by running it again. The store then counts as the successor of the one that was exported.
 *
 * @returns how many keys the store has of the backup
 * @throws Error when the file is not whole, or the store holds something else; nothing is overwritten
 */
export async function importStore(backend: StorageBackend, path: string, progress: Progress): Promise<number> {
  await using file = await open(path, "r");
  const { header, footer, places } = await check(file, path);
  const note = { sha256: footer.sha256, identity: header.identity };
  const begun = await claim(backend, note);
  if (!begun.done) {
    for (const [index, place] of places.entries()) {
      await put(backend, await entryAt(file, place));
      progress(index + 1, places.length);
    }
    await backend.update(importNoteKey, encode({ ...note, done: true }), begun.revision);
  }
  return places.length;
}

/** Reads the whole file before anything is written. */
async function check(file: FileHandle, path: string): Promise<Checked> {
  const broken = (why: string): Error => new Error(`${path} is not imported: ${why}`);
  const hash = createHash("sha256");
  let header: BackupHeader | undefined;
  let footer: BackupFooter | undefined;
  const places: Place[] = [];
  for await (const { text, offset } of linesOf(file)) {
    if (footer !== undefined) throw broken("something follows its end");
    try {
      if (header === undefined) header = parseHeader(text);
      else {
        const parsed = parseLine(text);
        if ("footer" in parsed) {
          footer = parsed.footer;
          continue;
        }
        places.push({ revision: parsed.entry.revision, offset, length: text.byteLength });
      }
    } catch (error) {
      throw broken(error instanceof Error ? error.message : String(error));
    }
    hash.update(text).update("\n");
  }
  if (header === undefined || footer === undefined) throw broken("its end is missing");
  const isWhole = footer.sha256 === hash.digest("hex") && footer.keys === places.length;
  if (!isWhole) throw broken("its checksum is another: it was changed or damaged");
  return { header, footer, places: places.sort((a, b) => a.revision - b.revision) };
}

/** Writes into the store what it is being filled from; only an empty store, or one that is being so, may be. */
async function claim(
  backend: StorageBackend,
  note: { readonly sha256: string; readonly identity: string },
): Promise<{ readonly done: boolean; readonly revision: Revision }> {
  const { value } = await backend.get(importNoteKey);
  const found: unknown = value === undefined ? undefined : JSON.parse(new TextDecoder().decode(value.value));
  if (value !== undefined && isObject(found) && found.sha256 === note.sha256) {
    return { done: found.done === true, revision: value.revision };
  }
  const { items, count } = await backend.range({ prefix: backupPrefix, limit: 3 });
  const kept = items.find(({ key }) => !isOwnKey(key))?.key ?? (value === undefined ? undefined : importNoteKey);
  if (kept !== undefined) {
    throw new Error(`the store is not empty: it holds ${count} keys, ${kept} among them, and none is overwritten`);
  }
  return { done: false, revision: await backend.create(importNoteKey, encode({ ...note, done: false })) };
}

async function entryAt(file: FileHandle, { offset, length }: Place): Promise<StoredValue> {
  const { buffer } = await file.read(new Uint8Array(length), 0, length, offset);
  const parsed = parseLine(buffer);
  if (!("entry" in parsed)) throw new Error("the file was changed while it was imported");
  return parsed.entry;
}

/** What a run before wrote already is right if it is the same. */
async function put(backend: StorageBackend, { key, value }: StoredValue): Promise<void> {
  try {
    await backend.create(key, value);
  } catch (error) {
    if (!isStorageError(error, "KeyExists")) throw error;
    const existing = (await backend.get(key)).value?.value;
    if (existing === undefined || Buffer.compare(existing, value) !== 0) {
      throw new Error(`the store holds another value of ${key}, and none is overwritten`, { cause: error });
    }
  }
}

const encode = (note: { readonly [name: string]: string | boolean }): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(note));
