import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../machinery/clock.ts";
import { currentValue, DamageError, integer, readOne } from "./format.ts";

/** A file up to here is looked through by SQLite itself, page by page: some 100 ms. */
const mostCheckedBytes = 64 * 1024 * 1024;
/** Rows between two looks at the clock. */
const rowsPerLook = 64;

/**
 * Looks for damage: of the file's structure, and of every value that is current. What it has no time for is checked when
 * it is read; so is all of a larger file, which the watch caches read as a whole next.
 * @throws DamageError
 */
export function verifyDatabase(database: DatabaseSync, budgetMs: number): void {
  const size = integer(readOne(database, "PRAGMA page_count")) * integer(readOne(database, "PRAGMA page_size"));
  if (size > mostCheckedBytes) return;
  const verdict = readOne(database, "PRAGMA quick_check(1)");
  if (verdict !== "ok") throw new DamageError(String(verdict));
  const deadline = systemClock.elapsedMs() + budgetMs;
  const rows = database.prepare(`
    SELECT current.key, current.revision, log.key AS logged, log.deleted, log.value, log.checksum
    FROM current LEFT JOIN log ON log.revision = current.revision ORDER BY current.key`);
  let looked = 0;
  for (const row of rows.iterate()) {
    currentValue(row);
    if (++looked % rowsPerLook === 0 && systemClock.elapsedMs() > deadline) return;
  }
}
