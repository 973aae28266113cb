/** Logging: home of pino. Messages are constants, what varies is a field; loggers are handed down with `child()`. */
import { pino } from "pino";

export type LogFields = { readonly [field: string]: unknown };
type LogMethod = (fields: LogFields, message: string) => void;

/** What the rest of the program knows of a logger. Errors go into the field `err`. */
export type Logger = {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  child(fields: LogFields): Logger;
};

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Field values that are never written, wherever they stand (design D10). */
const secretPaths = ["token", "password", "headers.authorization", "*.token", "*.password", "*.authorization"];

/**
 * Writes JSON lines, or on a terminal lines for people.
 *
 * @param write  gets whole lines with their newline; default: stdout, in the background
 */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly pretty: boolean;
  readonly write?: (line: string) => void;
}): Logger {
  const { level, pretty, write } = options;
  const toStdout = (line: string): void => {
    process.stdout.write(line);
  };
  const sink = write ?? toStdout;
  const destination = { write: (line: string) => sink(pretty ? prettyLine(line) : withoutControls(line)) };
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths, censor: "(hidden)" },
    },
    destination,
  );
}

/** For tests and tools that have nothing to say. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

const hiddenInPretty: ReadonlySet<string> = new Set(["level", "time", "msg", "err"]);

/**
 * What makes a terminal do things, or a reader see another text than is there: C0 and C1 controls, and marks that turn the
 * direction of writing. JSON leaves most of them as they are.
 */
const controls = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu;
const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Line feeds stay: in a record of JSON there is only the one at its end. */
const withoutControls = (text: string): string => text.replace(controls, escaped);
const onOneLine = (text: string): string => withoutControls(text).replaceAll("\n", "\\n");

/** `12:30:01 message  key=value`, with what went wrong on its own lines; a line that is no JSON stays as it is. */
export function prettyLine(line: string): string {
  let record: { [field: string]: unknown };
  try {
    record = JSON.parse(line);
  } catch {
    return line;
  }
  const { time, level, msg, err } = record;
  const clock = typeof time === "string" ? time.slice(11, 19) : "";
  const mark = level === "info" || level === "debug" ? "" : `${String(level).toUpperCase()} `;
  const fields = Object.entries(record)
    .filter(([name]) => !hiddenInPretty.has(name))
    .map(([name, value]) => ` ${name}=${onOneLine(typeof value === "string" ? value : JSON.stringify(value))}`)
    .join("");
  return `${clock} ${mark}${onOneLine(String(msg))}${fields === "" ? "" : ` ${fields}`}\n${errorLines(err)}`;
}

function errorLines(err: unknown): string {
  if (typeof err !== "object" || err === null) return "";
  const stack = "stack" in err && typeof err.stack === "string" ? err.stack : JSON.stringify(err);
  return `${withoutControls(stack).replace(/^/gm, "    ")}\n`;
}
