/** The command line of a Go function, which is its own instance and takes its configuration as JSON (FM 4.20). */

import type { LogLevel } from "../../../apiserver/apis/compute/v1alpha1/runtimes.ts";
import { stringifyJson } from "../../../apiserver/machinery/json.ts";
import type { Workload } from "../workload.ts";
import { grpcPort, metricsPort, shardId } from "./flags.ts";
import { type Step, step, variable, type Word } from "./shell.ts";

export function goSteps(workload: Workload, file: string): Step[] {
  return [step("chmod", "+x", file), step("exec", file, "-instance-conf", instanceConfig(workload))];
}

function instanceConfig(workload: Workload): Word {
  const fixed = stringifyJson({
    funcVersion: "0",
    maxBufTuples: 100,
    port: grpcPort,
    clusterName: workload.spec.clusterName ?? "",
    killAfterIdleMs: 0,
    ...workload.goConfig,
    expectedHealthCheckInterval: -1,
    metricsPort,
  });
  return [
    '{"pulsarServiceURL":"',
    variable("brokerServiceURL"),
    '","instanceID":',
    shardId,
    ',"funcID":"',
    shardId,
    `-${workload.uid}",${fixed.slice(1)}`,
  ];
}

const levels: readonly LogLevel[] = ["debug", "trace", "info", "warn", "error", "fatal", "panic"];
/** Value of `LOGGING_LEVEL`; `off` and `all` have no counterpart in Go's logger. */
export const goLogLevel = (level: LogLevel | undefined): LogLevel =>
  level !== undefined && levels.includes(level) ? level : "info";
