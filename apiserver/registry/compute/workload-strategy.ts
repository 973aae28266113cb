/** Function, Source and Sink are one kind of thing to the registry: a workload; they differ in data only. */
import { subdomainProblems } from "../../machinery/names.ts";
import type { Strategy } from "../rest/strategy.ts";
import { defaultWorkload, type WorkloadKind } from "./defaults.ts";
import { validateImmutable } from "./immutable.ts";
import { maxWorkloadNameLength, validateWorkload } from "./validation.ts";

export function workloadStrategy(kind: WorkloadKind): Strategy {
  return {
    validateName: validateWorkloadName,
    default: defaultWorkload(kind),
    validate: validateWorkload(kind),
    validateUpdate: validateImmutable,
    allowUnconditionalUpdate: false,
  };
}

function validateWorkloadName(name: string): readonly string[] {
  return name.length > maxWorkloadNameLength
    ? [`must be no more than ${maxWorkloadNameLength} characters, so that the names of its pods fit into labels`]
    : subdomainProblems(name);
}
