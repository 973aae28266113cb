/** The Log4j 2 configuration of a Java instance (FM 4.16): one model, printed as XML or YAML. */
import type { LogLevel, LogRotatePolicy, RuntimeLogConfig } from "../../../apiserver/apis/compute/v1alpha1/types.ts";
import { stringifyYaml } from "../../../apiserver/machinery/yaml-printer.ts";

/** An element: members are child elements, a list is an element repeated. */
type Element = { [child: string]: string | number | boolean | Element | Element[] | undefined };

const levels: { readonly [L in LogLevel]?: string } = {
  all: "ALL",
  trace: "TRACE",
  debug: "DEBUG",
  info: "INFO",
  warn: "WARN",
  error: "ERROR",
  fatal: "FATAL",
  off: "OFF",
};
/** Log4j's name of a level; what it doesn't have is `INFO`. */
export const log4jLevel = (level: LogLevel): string => levels[level] ?? "INFO";

const atMidnight = "0 0 0";
const triggers: { readonly [P in LogRotatePolicy]: Element } = {
  TimedPolicyWithDaily: { CronTriggeringPolicy: { schedule: `${atMidnight} * * ? *` } },
  // Quartz counts from Sunday.
  TimedPolicyWithWeekly: { CronTriggeringPolicy: { schedule: `${atMidnight} ? * 1 *` } },
  TimedPolicyWithMonthly: { CronTriggeringPolicy: { schedule: `${atMidnight} 1 * ? *` } },
  SizedPolicyWith10MB: { SizeBasedTriggeringPolicy: { size: "10MB" } },
  SizedPolicyWith50MB: { SizeBasedTriggeringPolicy: { size: "50MB" } },
  SizedPolicyWith100MB: { SizeBasedTriggeringPolicy: { size: "100MB" } },
};

const jsonLayout: Element = { JSONLayout: { complete: false, compact: true, eventEol: true } };
const patternLayout = (time: string): Element => ({
  PatternLayout: { Pattern: `%d{${time}} [%t] %-5level %logger{36} - %msg%n` },
});

/** A system property of the JVM, looked up by Log4j. */
const property = (name: string): string => `\${sys:${name}}`;
const logFile = `${property("pulsar.function.log.dir")}/${property("pulsar.function.log.file")}`;
const console = { ref: "Console" };
const file = { ref: "RollingRandomAccessFile" };

export type Log4jFormat = "xml" | "yaml";

/** @param rotatePolicy absent: nothing is written to a file */
export function log4jConfig(format: Log4jFormat, log: RuntimeLogConfig, rotatePolicy?: LogRotatePolicy): string {
  const level = log4jLevel(log.level ?? "info");
  const json = log.format === "json";
  const appender: Element | undefined = rotatePolicy && {
    name: file.ref,
    fileName: `${logFile}.log`,
    filePattern: `${logFile}.%d{${format === "xml" ? "yyyy-MM-dd-hh-mm" : "yyyy-MM-dd"}}-%i.log.gz`,
    ...(json ? jsonLayout : patternLayout("yyyy-MMM-dd HH:mm:ss a")),
    Policies: triggers[rotatePolicy],
    DefaultRolloverStrategy: { max: 5 },
  };
  const files = appender === undefined ? [] : [file];
  const configuration: Element = {
    name: "pulsar-functions-kubernetes-instance",
    monitorInterval: 30,
    Properties: {
      Property: ["pulsar.log.level", "bk.log.level"].map((name) => ({ name, value: level })),
    },
    Appenders: {
      Console: {
        name: console.ref,
        target: "SYSTEM_OUT",
        ...(json ? jsonLayout : patternLayout("ISO8601_OFFSET_DATE_TIME_HHMM")),
      },
      RollingRandomAccessFile: appender,
    },
    Loggers: {
      Logger: {
        name: "org.apache.pulsar.functions.runtime.shaded.org.apache.bookkeeper",
        level: property("bk.log.level"),
        additivity: false,
        AppenderRef: [console, ...files],
      },
      Root: {
        level: property("pulsar.log.level"),
        AppenderRef: [{ ...console, level: property("pulsar.log.level") }, ...files],
      },
    },
  };
  return format === "xml" ? toXml("Configuration", configuration, "") : stringifyYaml({ Configuration: configuration });
}

const xmlEntities: { readonly [character: string]: string } = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

function toXml(name: string, value: NonNullable<Element[string]>, indent: string): string {
  if (isList(value)) return value.map((item) => toXml(name, item, indent)).join("");
  if (typeof value !== "object") {
    const text = String(value).replace(/[&<>]/g, (character) => xmlEntities[character] ?? character);
    return `${indent}<${name}>${text}</${name}>\n`;
  }
  const children = Object.entries(value).map(([child, content]) =>
    content === undefined ? "" : toXml(child, content, `${indent}  `),
  );
  return `${indent}<${name}>\n${children.join("")}${indent}</${name}>\n`;
}

const isList = (value: NonNullable<Element[string]>): value is Element[] => Array.isArray(value);
