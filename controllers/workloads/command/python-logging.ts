/** The `logging.config` file of a Python instance (FM 4.16), in INI format. */
import type { LogLevel, LogRotatePolicy, RuntimeLogConfig } from "../../../apiserver/apis/compute/v1alpha1/types.ts";

const levels: { readonly [L in LogLevel]?: string } = {
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
  fatal: "CRITICAL",
};

const mebibyte = 2 ** 20;
const backupCount = 5;
const sized = (bytes: number) => ({
  handler: "rotating_file_handler",
  class: "RotatingFileHandler",
  args: `'a', ${bytes}, ${backupCount}`,
});
const timed = (when: string, interval: number) => ({
  handler: "timed_rotating_file_handler",
  class: "TimedRotatingFileHandler",
  args: `'${when}', ${interval}, ${backupCount}`,
});
type Rotation = { readonly handler: string; readonly class: string; readonly args: string };
const rotations: { readonly [P in LogRotatePolicy]: Rotation } = {
  TimedPolicyWithDaily: timed("D", 1),
  // Python counts from Monday; Sunday, as for Java (FM W-56).
  TimedPolicyWithWeekly: timed("W6", 1),
  TimedPolicyWithMonthly: timed("D", 30),
  SizedPolicyWith10MB: sized(10 * mebibyte),
  SizedPolicyWith50MB: sized(50 * mebibyte),
  SizedPolicyWith100MB: sized(100 * mebibyte),
};

/** All JSON fields the formatter is to write; the text layout shows the same (FM W-55). */
const jsonFields = "%(asctime)s %(levelname)s %(filename)s %(lineno)d %(message)s";
const textLayout = "[%(asctime)s] [%(levelname)s] %(filename)s:%(lineno)d %(message)s";
const timeFormat = "datefmt=%Y-%m-%d %H:%M:%S %z";

const section = (name: string, ...lines: string[]): string => `[${name}]\n${lines.join("\n")}\n`;

/**
 * @param rotatePolicy  absent: nothing is written to a file
 * @param file          an expression of Python for its path
 */
export function pythonLogging(log: RuntimeLogConfig, rotatePolicy: LogRotatePolicy | undefined, file: string): string {
  const level = levels[log.level ?? "info"] ?? "INFO";
  const rotation = rotatePolicy && rotations[rotatePolicy];
  const handlers = rotation === undefined ? "stream_handler" : `stream_handler,${rotation.handler}`;
  const common = [`level=${level}`, "formatter=formatter"];
  const formatter =
    log.format === "json"
      ? ["class=pythonjsonlogger.jsonlogger.JsonFormatter", `format=${jsonFields}`, timeFormat]
      : [`format=${textLayout}`, timeFormat];
  return [
    section("loggers", "keys=root"),
    section("handlers", `keys=${handlers}`),
    section("formatters", "keys=formatter"),
    section("logger_root", `level=${level}`, `handlers=${handlers}`),
    section("handler_stream_handler", "class=logging.StreamHandler", ...common, "args=(sys.stdout,)"),
    ...(rotation === undefined
      ? []
      : [
          section(
            `handler_${rotation.handler}`,
            `class=logging.handlers.${rotation.class}`,
            ...common,
            `args=(${file}, ${rotation.args})`,
          ),
        ]),
    section("formatter_formatter", ...formatter),
  ].join("\n");
}
