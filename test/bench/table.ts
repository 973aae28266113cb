/** The table of `README.md`, made of `results.json`: `node test/bench/table.ts` prints it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { aims, type Bound, type Own, textOfBound } from "./aims.ts";
import type { Measured } from "./measure.ts";
import type { TargetName } from "./targets.ts";

type Judged = { readonly [own in Own]?: boolean };
export type Results = {
  readonly rows: readonly {
    readonly name: string;
    readonly figures: { readonly [target in TargetName]?: Measured };
    readonly mustKeepIsMet: Judged;
    readonly aimIsMet: Judged;
  }[];
};

export const resultsFile = join(import.meta.dirname, "results.json");

const columns: readonly TargetName[] = ["CRD", "sample-apiserver", "SQLite", "etcd", "bare"];
const owns: readonly Own[] = ["SQLite", "etcd"];

export function tableOf({ rows }: Results): string {
  const head = ["CPU ms per operation", ...columns, "times, SQLite / etcd", "Must keep", "Aim"];
  const lines = rows.map(({ name, figures, mustKeepIsMet, aimIsMet }) => {
    const costs = columns.map((target) => figures[target]?.cpuMsPerOperation);
    const times = owns.map((own) => timesOf(figures.CRD, figures[own]));
    const { mustKeep, aim } = aims[name] ?? {};
    return [
      name,
      ...costs.map((cost) => cost ?? ""),
      times.join(" / "),
      verdict(mustKeep, mustKeepIsMet),
      verdict(aim, aimIsMet),
    ];
  });
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const timesOf = (theirs: Measured | undefined, ours: Measured | undefined): string =>
  theirs === undefined || ours === undefined
    ? "–"
    : String(Number((theirs.cpuMsPerOperation / ours.cpuMsPerOperation).toPrecision(2)));

function verdict(bounds: { readonly [own in Own]?: Bound } | undefined, judged: Judged): string {
  const parts = owns.flatMap((own) => {
    const bound = bounds?.[own];
    return bound === undefined ? [] : [`${textOfBound(bound)} ${judged[own] === true ? "yes" : "**no**"}`];
  });
  return [...new Set(parts)].join(", ");
}

if (import.meta.main) console.log(tableOf(JSON.parse(readFileSync(resultsFile, "utf8"))));
