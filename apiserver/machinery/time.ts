/** Times on the wire: RFC 3339; the server prints UTC with whole seconds, or with microseconds for `MicroTime`. */

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

/** Milliseconds since 1970, or `undefined` when the text is no RFC 3339 time. */
export function parseTime(text: string): number | undefined {
  if (!rfc3339.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** `2026-07-23T18:32:12Z` (API M-05). */
export function formatTime(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, -".000Z".length)}Z`;
}

/** As `formatTime` with six decimals. */
export function formatMicroTime(timeMs: number, microseconds: number): string {
  return `${formatTime(timeMs).slice(0, -1)}.${String(microseconds).padStart(6, "0")}Z`;
}

/** The same second as the server prints it, or `undefined` when the text is no time. */
export function canonicalTime(text: string): string | undefined {
  const time = parseTime(text);
  if (time === undefined) return undefined;
  return text.length === "2026-07-23T18:32:12Z".length ? text : formatTime(time);
}
