/** What `README.md` says of `results.json`: `node test/bench/table.ts` writes it there. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aims, type Bound, type Figures, type Own, textOfBound } from "./aims.ts";
import type { Measured } from "./measure.ts";
import type { Share } from "./profile.ts";
import { eventRow } from "./rows.ts";
import type { TargetName } from "./targets.ts";

type Judged = { readonly [own in Own]?: boolean };
export type Results = {
  readonly date: string;
  readonly command: string;
  readonly machine: {
    readonly cores: number;
    readonly loadAverage: { readonly atStart: readonly number[]; readonly atEnd: readonly number[] };
  };
  readonly residentMiB: { readonly afterCreating: Figures; readonly atEnd: Figures };
  readonly coldStart: { readonly ms: number; readonly cpuMs: number };
  readonly rows: readonly {
    readonly name: string;
    readonly figures: { readonly [target in TargetName]?: Measured };
    readonly mustKeepIsMet: Judged;
    readonly aimIsMet: Judged;
    readonly profiles?: { readonly [target in TargetName]?: readonly Share[] };
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

/** Where rows that miss their aim spend their time, a line for each. */
export function profilesOf({ rows }: Results): string {
  const lines = rows.flatMap(({ name, profiles = {} }) =>
    owns.flatMap((own) => {
      const shares = profiles[own];
      if (shares === undefined) return [];
      return [`- ${name}, ${own}: ${shares.map(({ of, percent }) => `${of} ${percent}`).join(", ")}`];
    }),
  );
  return lines.join("\n");
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

/** What stands between the marks in `README.md`. */
export function sectionOf(results: Results): string {
  const { date, command, machine } = results;
  const load = [machine.loadAverage.atStart, machine.loadAverage.atEnd].map(([last]) => last).join(" and ");
  return `\n\`${command}\`, ${date}, ${machine.cores} cores; load average ${load} at its start and end.

${tableOf(results)}

${memoryOf(results)} ${deliveriesOf(results)}

Where rows that miss their aim spend the time of the main thread, in percent (\`native code\` is Node's own and the engine's):

${profilesOf(results)}\n`;
}

function memoryOf({ residentMiB: { afterCreating, atEnd }, coldStart }: Results): string {
  const servers = columns.flatMap((name) =>
    afterCreating[name] === undefined ? [] : [`${name} ${afterCreating[name]} and ${atEnd[name]}`],
  );
  return (
    `MiB resident, server alone, after creating and after all rows: ${servers.join(", ")}. From the start of the program to ` +
    `its first answer: ${coldStart.ms} ms, ${coldStart.cpuMs} ms of them CPU.`
  );
}

/** How late events are, which a table of costs does not tell. */
function deliveriesOf({ rows }: Results): string {
  const figures = rows.find(({ name }) => name === eventRow)?.figures ?? {};
  const servers = columns.flatMap((name) => {
    const measured = figures[name];
    return measured === undefined ? [] : [`${name} ${measured.p50Ms} and ${measured.p99Ms}`];
  });
  return servers.length === 0
    ? ""
    : `From a write to its events, ms at the 50th and 99th of 100: ${servers.join(", ")}.`;
}

const marks = ["<!-- results -->", "<!-- end of results -->"] as const;

/** The text with what stands between the marks replaced. */
export function withSection(readme: string, section: string): string {
  const [start, end] = [readme.indexOf(marks[0]) + marks[0].length, readme.indexOf(marks[1])];
  return readme.slice(0, start) + section + readme.slice(end);
}

export const readmeFile = join(import.meta.dirname, "README.md");

if (import.meta.main) {
  const results: Results = JSON.parse(readFileSync(resultsFile, "utf8"));
  writeFileSync(readmeFile, withSection(readFileSync(readmeFile, "utf8"), sectionOf(results)));
}
