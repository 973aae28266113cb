/** The command line of a Python instance (FM 4.18). */
import type { RuntimeLogConfig } from "../../../apiserver/apis/compute/v1alpha1/types.ts";
import type { Workload } from "../workload.ts";
import { secretsFlags, shardId, sharedFlags, stateFlags } from "./flags.ts";
import { logDirectory, pythonLogConfigPath, pythonLogSteps } from "./log-config.ts";
import { type Step, step } from "./shell.ts";

const instance = "/pulsar/instances/python-instance/python_instance_main.py";
const secretsProvider = "secretsprovider.EnvironmentBasedSecretsProvider";

export function pythonSteps(workload: Workload, log: RuntimeLogConfig, file: string): Step[] {
  return [
    ...pythonLogSteps(workload, log),
    step(
      ...["exec", "python", instance, "--py", file],
      ...["--logging_directory", logDirectory],
      ...["--logging_file", [`${workload.spec.name ?? ""}-`, shardId, ".log"]],
      ...["--logging_config_file", pythonLogConfigPath],
      ...["--install_usercode_dependencies", "true"],
      ...sharedFlags(workload),
      ...secretsFlags(workload, secretsProvider),
      ...stateFlags(workload),
    ),
  ];
}
