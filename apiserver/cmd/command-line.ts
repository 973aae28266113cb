/** From arguments and environment to options, and from options to what people read of them. */
import { type Command, commands, needed, type OptionName, type Options, pairs, type Row, rows } from "./options.ts";

export type CommandLine = { readonly command: Command; readonly options: Options; readonly help: boolean };

export function environmentName(flag: string): string {
  return `FUNCTIONMESH_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** All mistakes of a command line at once, for exit code 2. */
export class UsageError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "UsageError";
    this.problems = problems;
  }
}

/**
 * @param args without interpreter and script: a command, then `--flag value`, `--flag=value`, or `--flag` for booleans
 * @throws UsageError with every mistake
 */
export function parseCommandLine(args: readonly string[], environment: NodeJS.ProcessEnv): CommandLine {
  const problems: string[] = [];
  const [first = "standalone", ...rest] = args;
  const named = commands.find((command) => command === first);
  if (named === undefined && !first.startsWith("-"))
    problems.push(`unknown command ${JSON.stringify(first)}: one of ${commands.join(", ")}`);
  const command = named ?? "standalone";
  const given = readFlags(first.startsWith("-") ? args : rest, command, problems);
  const values = Object.entries(rows).map(
    ([name, row]) => [name, readValue(row, command, given, environment, problems)] as const,
  );
  const options = assertComplete(Object.fromEntries(values));
  const help = given.has("help");
  if (!help) problems.push(...missingOptions(command, options));
  if (problems.length > 0) throw new UsageError(problems);
  return { command, options: Object.freeze(options), help };
}

function readFlags(args: readonly string[], command: Command, problems: string[]): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (argument === "-h") {
      given.set("help", "");
      continue;
    }
    const [, flag = "", inline] = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (flag === "help") {
      given.set("help", "");
      continue;
    }
    const row = Object.values(rows).find((candidate) => candidate.flag === flag);
    if (row === undefined) {
      problems.push(`unknown option ${JSON.stringify(argument)}: see --help`);
      continue;
    }
    if (!row.commands.includes(command)) problems.push(`--${flag} does not belong to ${command}: see --help`);
    const next = args[index + 1];
    if (inline !== undefined) given.set(flag, inline);
    else if (typeof row.default === "boolean") given.set(flag, "true");
    else if (next === undefined || next.startsWith("--")) problems.push(`--${flag} needs a value (${row.value})`);
    else {
      given.set(flag, next);
      index++;
    }
  }
  return given;
}

function readValue(
  row: Row<unknown>,
  command: Command,
  given: ReadonlyMap<string, string>,
  environment: NodeJS.ProcessEnv,
  problems: string[],
): unknown {
  const variable = environmentName(row.flag);
  const fromLine = given.get(row.flag);
  const source = fromLine ?? (row.commands.includes(command) ? environment[variable] : undefined);
  if (source === undefined) return row.default;
  const parsed = row.parse(source);
  if ("value" in parsed) return parsed.value;
  problems.push(
    `${fromLine === undefined ? variable : `--${row.flag}`}: ${parsed.problem}, not ${JSON.stringify(source)}`,
  );
  return row.default;
}

function missingOptions(command: Command, options: Options): readonly string[] {
  const isGiven = (name: OptionName): boolean => options[name] !== "";
  const missing = (needed[command] ?? [])
    .filter((name) => !isGiven(name))
    .map((name) => `--${rows[name].flag} is needed`);
  const halves = pairs
    .flatMap(([a, b]) => [[a, b] as const, [b, a] as const])
    .filter(([a, b]) => isGiven(a) && !isGiven(b));
  return [...missing, ...halves.map(([a, b]) => `--${rows[a].flag} needs --${rows[b].flag}`)];
}

/** The rows have been walked one by one; that the result has all of them is checked, not assumed. */
function assertComplete(values: { [name: string]: unknown }): Options {
  if (!isComplete(values)) throw new Error("an option has no value");
  return values;
}
function isComplete(values: { [name: string]: unknown }): values is Options & { [name: string]: unknown } {
  return Object.keys(rows).every((name) => name in values);
}

function defaultText(row: Row<unknown>): string {
  if (row.shown !== undefined) return row.shown;
  return Array.isArray(row.default) ? row.default.join(",") : String(row.default);
}

/** The options of one command as aligned lines. */
export function helpText(command: Command): string {
  const lines = Object.values(rows)
    .filter((row) => row.commands.includes(command))
    .map((row) => {
      const shown = defaultText(row);
      return [`  --${row.flag} ${row.value}`, `${row.help}${shown === "" ? "" : ` Default: ${shown}.`}`] as const;
    });
  const width = Math.max(...lines.map(([name]) => name.length)) + 2;
  return [
    `Usage: functionmesh ${command} [options]      (commands: ${commands.join(", ")})`,
    "",
    ...lines.map(([name, help]) => name.padEnd(width) + help),
    "",
    "Each option may also be given by an environment variable: FUNCTIONMESH_SECURE_PORT for --secure-port.",
    "",
  ].join("\n");
}

/** The README's table, made from the same rows. */
export function optionsTable(): string {
  return [
    "| Option | Commands | Default | Meaning |",
    "|---|---|---|---|",
    ...Object.values(rows).map((row) => {
      const shown = defaultText(row);
      return `| \`--${row.flag} ${row.value}\` | ${row.commands.join(", ")} | ${shown === "" ? "" : `\`${shown}\``} | ${row.help} |`;
    }),
  ].join("\n");
}
