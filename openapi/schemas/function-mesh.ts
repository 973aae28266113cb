import { int64, keyedBy, list, map, object } from "../nodes.ts";
import { ref, type ValueOf } from "../schema.ts";
import type { functionSpec } from "./function.ts";
import { componentName, kindSchemas } from "./kind.ts";
import type { sinkSpec } from "./sink.ts";
import type { sourceSpec } from "./source.ts";
import { resourceCondition, summary } from "./workload.ts";

const byName = keyedBy("name");

export const functionMeshSpec = object(
  "The components. One that is added is created as an object of its own, one that is removed is deleted.",
  {
    functions: list(
      ref<ValueOf<typeof functionSpec>>(componentName("FunctionSpec")),
      "Functions, told apart by their name.",
      byName,
    ),
    sources: list(
      ref<ValueOf<typeof sourceSpec>>(componentName("SourceSpec")),
      "Sources, told apart by their name.",
      byName,
    ),
    sinks: list(ref<ValueOf<typeof sinkSpec>>(componentName("SinkSpec")), "Sinks, told apart by their name.", byName),
  },
);

export const functionMeshStatus = object("What was last observed. Written by the controller.", {
  functionConditions: map(resourceCondition, "State of the functions, by name."),
  sourceConditions: map(resourceCondition, "State of the sources, by name."),
  sinkConditions: map(resourceCondition, "State of the sinks, by name."),
  ...summary,
  condition: { ...resourceCondition, description: "State of the mesh: ready when every component is." },
  observedGeneration: int64(
    "The metadata.generation that this status is about. Below it, the newest spec hasn't been acted on yet.",
  ),
});

export const functionMeshSchemas = kindSchemas(
  "FunctionMesh",
  "Functions, sources and sinks that belong together and are created, changed and deleted as one.",
  { spec: functionMeshSpec, status: functionMeshStatus },
);
