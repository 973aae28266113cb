import { loadCoreSchemas } from "../core/load.ts";
import { verticalPodAutoscalerSchemas } from "../core/vertical-pod-autoscaler.ts";
import type { Schema, SchemaSet } from "../schema.ts";
import { backendConfigSchemas } from "./backend-config.ts";
import { functionSchemas } from "./function.ts";
import { functionMeshSchemas } from "./function-mesh.ts";
import { sinkSchemas } from "./sink.ts";
import { sourceSchemas } from "./source.ts";
import { versionSchema, versionSchemaName } from "./version.ts";

/** The schemas of the five kinds, and of what only they mention, by component name. */
export const computeSchemas: readonly (readonly [name: string, schema: Schema])[] = [
  ...functionSchemas,
  ...sourceSchemas,
  ...sinkSchemas,
  ...functionMeshSchemas,
  ...backendConfigSchemas,
];

/** Every schema there is: our kinds, Kubernetes' own, and what all of them share. */
export function loadSchemas(): SchemaSet {
  return new Map([
    ...computeSchemas,
    [versionSchemaName, versionSchema],
    ...verticalPodAutoscalerSchemas,
    ...loadCoreSchemas(),
  ]);
}
