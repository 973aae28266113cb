import { type Stats, statSync } from "node:fs";
import { systemClock } from "../../machinery/clock.ts";
import { importNoteKey, replacedBy } from "../backup/import-note.ts";
import { StorageError } from "../errors.ts";
import type { StorePosition } from "../interface.ts";
import { isFull } from "./disk-error.ts";
import type { LogTable } from "./log-table.ts";
import type { MarkFile } from "./mark.ts";
import type { DiskFiles, WriteGroup, WriteOutcome } from "./messages.ts";
import type { Reserve } from "./reserve.ts";

/** Room inside the file that deletes need to go on; with less, and no reserve, nothing else is taken. */
const leastFreeBytes = 1024 * 1024;
/** How often a full disk is looked at again, in ms. */
const lookAgainMs = 1000;

/**
 * Writes to the log table, with what surrounds a write: the mark behind it, and the reserve under it.
 *
 * Invariant: a disk that was full takes deletes, and by itself everything else once there is room again.
 */
export class Writer {
  readonly #table: LogTable;
  readonly #files: DiskFiles;
  readonly #mark: MarkFile;
  readonly #reserve: Reserve;
  readonly #opened: Stats;
  #wasFull = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(table: LogTable, files: DiskFiles, mark: MarkFile, reserve: Reserve) {
    this.#table = table;
    this.#files = files;
    this.#mark = mark;
    this.#reserve = reserve;
    this.#opened = statSync(files.database);
    mark.write(this.position());
  }

  /** @throws StorageError `Unusable` when the file is no longer where it was opened */
  position(): StorePosition {
    this.#checkInPlace();
    const { identity, revision, objects } = this.#table;
    const replaces = replacedBy(this.#table.get(importNoteKey)?.value);
    return { identity, revision, objects, marks: 0, replaces };
  }

  /** As `LogTable.write`; on a full disk what needs room fails, and the rest is written. */
  write(groups: readonly WriteGroup[]): WriteOutcome[][] {
    this.#checkInPlace();
    const outcomes = this.#insist((wasFull) => this.#table.write(groups, wasFull || this.isTight()));
    const { identity, revision, objects } = this.#table;
    this.#mark.write({ identity, revision, objects, marks: 0 });
    return outcomes;
  }

  /** @throws StorageError `Full`; an error of the disk */
  probe(): void {
    this.#checkInPlace();
    this.#insist(() => this.#table.touch());
    if (this.isTight()) throw new StorageError("Full", { message: "the disk is full: only deletes are taken" });
  }

  /** There is no room to spare: what frees some may be written, nothing else. */
  isTight(): boolean {
    if (this.#reserve.bytes > 0 || !this.#wasFull) return false;
    if (this.#table.freeBytes >= leastFreeBytes) return false;
    if (systemClock.elapsedMs() - this.#lookedAtMs < lookAgainMs) return true;
    this.#lookedAtMs = systemClock.elapsedMs();
    return !this.takeReserve();
  }

  takeReserve(): boolean {
    if (this.#wasFull && !this.#table.hasRoom(leastFreeBytes)) return false;
    if (!this.#reserve.take()) return false;
    this.#wasFull = false;
    this.#table.lendPages(0);
    this.#checkpoint(this.#reserve.bytes);
    return true;
  }

  /** History that should go at once, to make room. */
  get wantsCompaction(): boolean {
    return this.#wasFull && this.#table.compacted < this.#table.revision;
  }

  #insist<T>(work: (wasFull: boolean) => T): T {
    try {
      return work(false);
    } catch (error) {
      if (!isFull(error)) throw error;
      this.#giveReserve();
      return work(true);
    }
  }

  #giveReserve(): void {
    this.#wasFull = true;
    this.#lookedAtMs = systemClock.elapsedMs();
    const { bytes } = this.#reserve;
    this.#reserve.release();
    this.#table.lendPages(leastFreeBytes);
    this.#checkpoint(bytes);
  }

  #checkpoint(bytes: number): void {
    try {
      this.#table.checkpoint(bytes);
    } catch {
      // The write that comes next says why.
    }
  }

  #checkInPlace(): void {
    const found = statSync(this.#files.database, { throwIfNoEntry: false });
    if (found?.ino === this.#opened.ino && found.dev === this.#opened.dev) return;
    throw new StorageError("Unusable", {
      message: "the store's file was removed or replaced under the running server",
    });
  }
}
