/** Times on the wire: RFC 3339; the server prints UTC with whole seconds, or with microseconds for `MicroTime`. */

const rfc3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** The last second whose year has four digits, in ms since 1970: nobody can read a later one. */
export const lastTimeMs = Date.UTC(9999, 11, 31, 23, 59, 59);
const firstTimeMs = Date.parse("0000-01-01T00:00:00Z");

/**
 * Milliseconds since 1970, or `undefined` when the text is no RFC 3339 time: also for a day that its month lacks, an hour
 * 24, and what would have another number of digits in UTC.
 */
export function parseTime(text: string): number | undefined {
  const local = rfc3339.exec(text)?.[1];
  if (local === undefined) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time) || time < firstTimeMs || time >= lastTimeMs + 1000) return undefined;
  // JavaScript counts on from a day that doesn't exist; Go refuses it.
  const asUtc = Date.parse(`${local}Z`);
  return !Number.isNaN(asUtc) && new Date(asUtc).toISOString().startsWith(local) ? time : undefined;
}

/** `2026-07-23T18:32:12Z` (API M-05). @param timeMs up to `lastTimeMs`; a later time is printed as that one */
export function formatTime(timeMs: number): string {
  const second = Math.floor(Math.min(timeMs, lastTimeMs) / 1000);
  if (second !== printed.second)
    printed = { second, text: `${new Date(second * 1000).toISOString().slice(0, -".000Z".length)}Z` };
  return printed.text;
}
/** What was printed last: writes print the second they are in. */
let printed = { second: Number.NaN, text: "" };

/** As `formatTime` with six decimals: `MicroTime`. The microseconds of the second are those of `timeMs` by default. */
export function formatMicroTime(timeMs: number, microseconds: number = (timeMs % 1000) * 1000): string {
  return `${formatTime(timeMs).slice(0, -1)}.${String(microseconds).padStart(6, "0")}Z`;
}

/** The same second as the server prints it, or `undefined` when the text is no time. */
export function canonicalTime(text: string): string | undefined {
  const time = parseTime(text);
  if (time === undefined) return undefined;
  return text.length === "2026-07-23T18:32:12Z".length ? text : formatTime(time);
}

/** As `canonicalTime`, to the microsecond; what is finer is cut off. */
export function canonicalMicroTime(text: string): string | undefined {
  const time = parseTime(text);
  if (time === undefined) return undefined;
  const decimals = rfc3339.exec(text)?.[2]?.slice(1) ?? "";
  return formatMicroTime(time, Number(decimals.slice(0, 6).padEnd(6, "0")));
}
