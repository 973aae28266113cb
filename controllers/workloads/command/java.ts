/** The command line of a Java instance (FM 4.17). */
import type { JavaRuntime } from "../../../apiserver/apis/compute/v1alpha1/types.ts";
import { parseQuantity } from "../../../apiserver/machinery/quantity.ts";
import type { Workload } from "../workload.ts";
import { secretsFlags, shardId, sharedFlags, stateFlags } from "./flags.ts";
import { javaLogConfigPath, javaLogSteps, logDirectory } from "./log-config.ts";
import { log4jLevel } from "./log4j.ts";
import { expand, type Step, splitWords, step, type Word } from "./shell.ts";

const defaultInstance = "/pulsar/instances/java-instance.jar";
const defaultEntryClass = "org.apache.pulsar.functions.instance.JavaInstanceMain";
const secretsProvider = "org.apache.pulsar.functions.secretsprovider.EnvironmentBasedSecretsProvider";
/** What Log4j needs to read a configuration in YAML; versions differ per image. */
const yamlLibraries = ["com.fasterxml.jackson.dataformat-jackson-dataformat-yaml", "org.yaml-snakeyaml"];

export function javaSteps(workload: Workload, java: JavaRuntime, file: string): Step[] {
  const log = java.log ?? {};
  return [
    ...javaLogSteps(workload, log),
    step(
      ...["exec", "java", "-cp", classPath(java)],
      "-Dpulsar.functions.instance.classpath=/pulsar/lib/*",
      `-Dlog4j.configurationFile=${javaLogConfigPath(log)}`,
      `-Dpulsar.function.log.dir=${logDirectory}`,
      [`-Dpulsar.function.log.file=${workload.spec.name ?? ""}-`, shardId],
      "-Dpulsar.allocator.exit_on_oom=true",
      ...levelFlags(java),
      "-XX:MaxRAMPercentage=70",
      `-XX:MaxDirectMemorySize=${maxDirectMemory(workload)}`,
      "-XX:+UseG1GC",
      "-XX:+HeapDumpOnOutOfMemoryError",
      "-XX:HeapDumpPath=/pulsar/tmp/heapdump-%p.hprof",
      "-XX:+ExitOnOutOfMemoryError",
      "-Xlog:gc*:file=/pulsar/logs/gc.log:time,level,tags:filecount=5,filesize=10M",
      ...(java.javaOpts ?? []).flatMap(splitWords),
      java.entryClass || defaultEntryClass,
      ...["--jar", file],
      ...sharedFlags(workload),
      ...workload.javaFlags.before,
      ...secretsFlags(workload, secretsProvider),
      ...stateFlags(workload),
      ...stateImplementation(workload),
      ...workload.javaFlags.after,
    ),
  ];
}

function classPath({ instancePath, extraDependenciesDir }: JavaRuntime): Word {
  return [
    instancePath || defaultInstance,
    ...yamlLibraries.flatMap((library) => [":", expand(`$(echo /pulsar/lib/${library}-*.jar)`)]),
    extraDependenciesDir ? `:${extraDependenciesDir}/*` : "",
  ];
}

function levelFlags({ log }: JavaRuntime): Word[] {
  if (log?.level === undefined) return [];
  const level = log4jLevel(log.level);
  return [`-Dpulsar.log.level=${level}`, `-Dbk.log.level=${level}`];
}

/** A fifth of the container's memory, in the suffixes of 1,000 that a JVM and Kubernetes share. */
function maxDirectMemory({ spec }: Workload): string {
  const limit = parseQuantity(spec.resources?.limits?.memory ?? 0)?.value() ?? 0n;
  let amount = limit / 5n;
  let suffix = 0;
  while (amount !== 0n && amount % 1000n === 0n && suffix < suffixes.length - 1) {
    amount /= 1000n;
    suffix++;
  }
  return `${amount}${suffixes[suffix]}`;
}
const suffixes = ["", "k", "M", "G", "T", "P", "E"];

function stateImplementation({ spec }: Workload): Word[] {
  const { serviceUrl, javaProvider } = spec.statefulConfig?.pulsar ?? {};
  return serviceUrl && javaProvider?.className ? ["--state_storage_impl_class", javaProvider.className] : [];
}
