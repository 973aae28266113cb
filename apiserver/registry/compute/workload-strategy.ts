/** Function, Source and Sink are one kind of thing to the registry: a workload; they differ in data only. */
import type { Strategy } from "../rest/strategy.ts";
import { defaultWorkload, nameComponent, type WorkloadKind } from "./defaults.ts";
import { validateImmutable } from "./immutable.ts";
import { validateWorkload } from "./validation.ts";
import { workloadWarnings } from "./warnings.ts";

export function workloadStrategy(kind: WorkloadKind): Strategy {
  return {
    default: defaultWorkload(kind),
    prepareForCreate: nameComponent,
    validate: validateWorkload(kind),
    validateUpdate: validateImmutable,
    warnings: workloadWarnings(kind),
    allowUnconditionalUpdate: false,
  };
}
