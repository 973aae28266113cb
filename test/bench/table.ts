/** What `README.md` says of the results beside it: `node test/bench/table.ts` writes it there. */
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

/** The text with what stands between the marks of that name replaced. */
export function withSection(readme: string, name: string, section: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const start = readme.indexOf(begin) + begin.length;
  return readme.slice(0, start) + section + readme.slice(readme.indexOf(end));
}

/** Of `cache.ts`: figures by their names, by the number of objects. */
type CacheResults = { readonly results: { readonly [objects: string]: { readonly [figure: string]: number } } };

const cacheFigures: readonly (readonly [figure: string, text: string, digits: number])[] = [
  ["bytesPerObject", "bytes in memory per object", 0],
  ["loadCpuMs", "loading the cache, CPU ms", 0],
  ["listMicros", "LIST", 1],
  ["pagesMicros", "LIST in pages of 500", 1],
  ["labelMicros", "LIST of 1 % by label", 1],
  ["initialEventsMicros", "initial events of a watch", 2],
  ["tableMicros", "LIST as Table", 1],
  ["metadataMicros", "LIST of metadata", 1],
  ["gzipMicros", "LIST, gzip", 1],
];

export function cacheSection({ results }: CacheResults): string {
  const sizes = Object.keys(results);
  const head = ["", ...sizes.map((size) => Number(size).toLocaleString("en"))];
  const lines = cacheFigures.map(([figure, text, digits]) => [
    text,
    ...sizes.map((size) => results[size]?.[figure]?.toFixed(digits) ?? ""),
  ]);
  return `\n${[head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
}

/** Of `resident.ts`: what was seen at some moments, by what was started. */
type ResidentResults = { readonly [what: string]: { readonly [moment: string]: Seen | readonly number[] } };
type Seen = { readonly residentMiB: number; readonly cpuMs: number; readonly ms: number };

export function residentSection(results: ResidentResults): string {
  const lines = Object.entries(results).map(([what, moments]) => {
    const seen = Object.entries(moments).flatMap(([moment, found]) =>
      "residentMiB" in found
        ? [`${moment} ${found.residentMiB} MiB (after ${found.ms} ms, ${found.cpuMs} ms of CPU)`]
        : [],
    );
    return `- ${what}: ${seen.join(", ")}`;
  });
  return `\n${lines.join("\n")}\n`;
}

export const readmeFile = join(import.meta.dirname, "README.md");

/** The README with all that measurements say in it. */
export function measuredReadme(readme: string): string {
  const read = (name: string) => JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8"));
  const sections = {
    results: sectionOf(read("results.json")),
    cache: cacheSection(read("cache-results.json")),
    resident: residentSection(read("resident-results.json")),
  };
  return Object.entries(sections).reduce((text, [name, section]) => withSection(text, name, section), readme);
}

if (import.meta.main) writeFileSync(readmeFile, measuredReadme(readFileSync(readmeFile, "utf8")));
