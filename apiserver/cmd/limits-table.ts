/** The bounds of `limits.ts` as people read them, and as they are in force in one server. */
import { type Limit, limits } from "../limits.ts";
import { type Options, rows } from "./options.ts";

/** In Markdown, in the order a request meets them. */
export function limitsTable(): string {
  return [
    "| Limit | Of | Beyond it | Why so many |",
    "|---|---|---|---|",
    ...Object.values<Limit>(limits).map(({ option, of, beyond, reason, ...amount }) => {
      const changed = option === undefined ? "" : ` (\`--${option}\`)`;
      return `| ${amountText(amount)}${changed} | ${of} | ${beyond} | ${reason} |`;
    }),
  ].join("\n");
}

const binaryUnits = [
  { bytes: 1024 * 1024, name: "MiB" },
  { bytes: 1024, name: "KiB" },
] as const;

function amountText({ value, unit }: Pick<Limit, "value" | "unit">): string {
  if (unit !== "bytes") return unit === "count" ? grouped(value) : `${grouped(value)} ${unit}`;
  const whole = binaryUnits.find(({ bytes }) => value >= bytes && value % bytes === 0);
  return whole === undefined ? `${grouped(value)} bytes` : `${grouped(value / whole.bytes)} ${whole.name}`;
}

const grouped = (value: number): string => value.toLocaleString("en-US");

/** The limits of a server that was started with these options, by name. */
export function effectiveLimits(options: Options): ReadonlyMap<string, number> {
  const given = new Map(Object.entries(rows).map(([name, { flag }]) => [flag, name]));
  const chosen = new Map<string, unknown>(Object.entries(options));
  return new Map(
    Object.entries<Limit>(limits).map(([name, { value, option = "" }]) => {
      const set = chosen.get(given.get(option) ?? "");
      return [name, typeof set === "number" ? set : value];
    }),
  );
}
