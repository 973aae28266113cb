/** The command line of the generic runtime, which loads other languages (FM 4.19). */
import type { Workload } from "../workload.ts";
import { secretsFlags, sharedFlags, stateFlags } from "./flags.ts";
import { type Step, step } from "./shell.ts";

/** Languages without one can't resolve secrets by themselves. */
const secretsProviders: { readonly [language: string]: string } = {
  python: "secrets_provider.EnvironmentBasedSecretsProvider",
  nodejs: "EnvironmentBasedSecretsProvider",
};

export function genericSteps(workload: Workload, language: string, file: string): Step[] {
  const provider = Object.hasOwn(secretsProviders, language) ? secretsProviders[language] : undefined;
  return [
    step(
      ...["exec", "pulsar_rust_instance", "--function_file", file, "--language", language],
      ...sharedFlags(workload),
      ...secretsFlags(workload, provider),
      ...stateFlags(workload),
    ),
  ];
}
