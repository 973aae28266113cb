const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** Up to `below` ms a duration is shown in `unit`, and in `rest` what is left, if it says something. */
const steps = [
  { below: 2 * minute, unit: second, suffix: "s" },
  { below: 10 * minute, unit: minute, suffix: "m", rest: second, restSuffix: "s" },
  { below: 3 * hour, unit: minute, suffix: "m" },
  { below: 8 * hour, unit: hour, suffix: "h", rest: minute, restSuffix: "m" },
  { below: 2 * day, unit: hour, suffix: "h" },
  { below: 8 * day, unit: day, suffix: "d", rest: hour, restSuffix: "h" },
  { below: 2 * year, unit: day, suffix: "d" },
  { below: 8 * year, unit: year, suffix: "y", rest: day, restSuffix: "d" },
  { below: Number.POSITIVE_INFINITY, unit: year, suffix: "y" },
];

/**
 * A duration in ms as kubectl's Age columns show it: `5s`, `3m12s`, `5d3h`, with at most two units.
 * A negative one, as clocks that differ give, is `0s`.
 */
export function humanDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  for (const { below, unit, suffix, rest, restSuffix } of steps) {
    if (ms >= below) continue;
    const whole = Math.floor(ms / unit);
    const left = rest === undefined ? 0 : Math.floor((ms - whole * unit) / rest);
    return left === 0 ? `${whole}${suffix}` : `${whole}${suffix}${left}${restSuffix}`;
  }
  return `${Math.floor(ms / year)}y`;
}

/** Time since then, `<unknown>` when that is not a number. */
export function humanAge(sinceMs: number, now: Date): string {
  return Number.isNaN(sinceMs) ? "<unknown>" : humanDuration(now.getTime() - sinceMs);
}
