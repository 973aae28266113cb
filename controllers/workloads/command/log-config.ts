/** Which logging configuration an instance runs with: one from a ConfigMap, or one that its script writes (FM 4.16). */
import type { LogRotatePolicy, RuntimeLogConfig } from "../../../apiserver/apis/compute/v1alpha1/types.ts";
import { type Runtime, shipsLogFiles, type Workload } from "../workload.ts";
import { shardId } from "./flags.ts";
import { type Log4jFormat, log4jConfig } from "./log4j.ts";
import { pythonLogging } from "./python-logging.ts";
import { type Step, step } from "./shell.ts";

export const logDirectory = "logs/functions";
const javaDirectory = "/pulsar/conf/java-log/";
const pythonDirectory = "/pulsar/conf/python-log/";
const pythonFileName = "python_instance_logging.ini";

/** The type `ini` is accepted and means nothing to Log4j (FM W-50). */
const log4jFormat = (log: RuntimeLogConfig): Log4jFormat => (log.javaLog4JConfigFileType === "yaml" ? "yaml" : "xml");
const javaFileName = (log: RuntimeLogConfig): string => `java_instance_log4j.${log4jFormat(log)}`;

export const javaLogConfigPath = (log: RuntimeLogConfig): string => javaDirectory + javaFileName(log);
export const pythonLogConfigPath = pythonDirectory + pythonFileName;

/** A key of a ConfigMap as the file an instance reads its logging configuration from. */
export type LogConfigFile = {
  readonly configMap: string;
  readonly key: string;
  readonly language: "java" | "python";
  readonly directory: string;
  readonly fileName: string;
};

export function mountedLogConfig(runtime: Runtime | undefined): LogConfigFile | undefined {
  const source = runtime?.log.logConfig;
  if (runtime === undefined || source === undefined) return undefined;
  const { name: configMap = "", key = "" } = source;
  switch (runtime.language) {
    case "java":
      return { configMap, key, language: "java", directory: javaDirectory, fileName: javaFileName(runtime.log) };
    case "python":
      return { configMap, key, language: "python", directory: pythonDirectory, fileName: pythonFileName };
    default:
      return undefined;
  }
}

/** Files to be shipped must exist, and must not grow for ever. */
function rotatePolicyOf(workload: Workload, log: RuntimeLogConfig): LogRotatePolicy | undefined {
  return log.rotatePolicy ?? (shipsLogFiles(workload.spec) ? "SizedPolicyWith10MB" : undefined);
}

const writeFile = (path: string, content: string): Step => ({ ...step("printf", "%s", content), output: path });

export function javaLogSteps(workload: Workload, log: RuntimeLogConfig): Step[] {
  if (log.logConfig !== undefined) return [];
  const content = log4jConfig(log4jFormat(log), log, rotatePolicyOf(workload, log));
  return [step("mkdir", "-p", javaDirectory), writeFile(javaLogConfigPath(log), content)];
}

/** A literal of Python, safe inside an INI file, where `%` starts a reference. */
const pythonLiteral = (text: string): string =>
  `'${text.replace(/[\\']/g, "\\$&").replaceAll("\n", "\\n").replaceAll("%", "%%")}'`;

/** Stands for the shard id while the file is put together; no text from the API can hold it. */
const shardMark = "\0";

export function pythonLogSteps(workload: Workload, log: RuntimeLogConfig): Step[] {
  // The instance would set the level of its root logger itself, whatever the configuration says.
  const keepLevel = step("sed", "-i.bak", "s/^  Log.setLevel/#&/", "/pulsar/instances/python-instance/log.py");
  if (log.logConfig !== undefined) return [keepLevel];
  const file = pythonLiteral(`${logDirectory}/${workload.spec.name ?? ""}-${shardMark}.log`);
  const [before = "", after] = pythonLogging(log, rotatePolicyOf(workload, log), file).split(shardMark);
  const content = after === undefined ? before : [before, shardId, after];
  return [
    keepLevel,
    step("mkdir", "-p", pythonDirectory, logDirectory),
    { ...step("printf", "%s", content), output: pythonLogConfigPath },
  ];
}
