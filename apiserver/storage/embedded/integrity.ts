import type { DatabaseSync } from "node:sqlite";
import { systemClock } from "../../machinery/clock.ts";
import { DamageError, integer, readOne, storedValue, text } from "./format.ts";

/** A file up to here is looked through by SQLite itself, page by page: some 100 ms. */
const mostCheckedBytes = 64 * 1024 * 1024;
/** Rows between two looks at the clock. */
const rowsPerLook = 64;

/**
 * Looks for damage: of the file's structure, and of every value that is current. What it has no time for is checked when
 * it is read.
 * @throws DamageError
 */
export function verifyDatabase(database: DatabaseSync, budgetMs: number): void {
  const size = integer(readOne(database, "PRAGMA page_count")) * integer(readOne(database, "PRAGMA page_size"));
  const verdict = size <= mostCheckedBytes ? readOne(database, "PRAGMA quick_check(1)") : "ok";
  if (verdict !== "ok") throw new DamageError(String(verdict));
  const deadline = systemClock.elapsedMs() + budgetMs;
  const rows = database.prepare(`
    SELECT current.key, current.revision, log.key AS logged, log.deleted, log.value, log.checksum
    FROM current LEFT JOIN log ON log.revision = current.revision ORDER BY current.key`);
  let looked = 0;
  for (const row of rows.iterate()) {
    if (row.logged !== row.key || row.deleted !== 0)
      throw new DamageError(`it has lost what is current of ${text(row.key)}`);
    storedValue(row);
    if (++looked % rowsPerLook === 0 && systemClock.elapsedMs() > deadline) return;
  }
}
