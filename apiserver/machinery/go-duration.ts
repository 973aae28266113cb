/** Durations as Go writes them, in options and in queries (API V-11). */
import { limits } from "../limits.ts";

const unitMs: { readonly [unit: string]: number } = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1e3, m: 6e4, h: 3.6e6 };

/** One amount with its unit, where the last one ended: so each character is looked at once. */
const durationTerm = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/y;

/** A duration as Go prints it, `1m30s` or `500ms`, in ms; `undefined` for anything else. */
export function parseGoDuration(text: string): number | undefined {
  if (text.length > limits.maxDurationLength.value) return undefined;
  const sign = text.startsWith("-") ? -1 : 1;
  const start = sign < 0 || text.startsWith("+") ? 1 : 0;
  if (text.slice(start) === "0") return 0;
  const term = new RegExp(durationTerm);
  let ms = 0;
  for (term.lastIndex = start; term.lastIndex < text.length; ) {
    const [, amount, unit = ""] = term.exec(text) ?? [];
    if (amount === undefined) return undefined;
    ms += Number(amount) * (unitMs[unit] ?? 0);
  }
  return start === text.length ? undefined : sign * ms;
}
