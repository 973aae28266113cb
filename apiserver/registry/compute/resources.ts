/** Every kind this project is about, one row each (design D4). */

import {
  backendConfigType,
  functionMeshType,
  functionType,
  type ResourceType,
  sinkType,
  sourceType,
} from "../../apis/compute/v1alpha1/group.ts";
import { refusedScaleSubresource, scaleSubresource, statusSubresource } from "../generic/subresources.ts";
import type { Column } from "../rest/interface.ts";
import type { ResourceDefinition, Strategy, SubresourceDefinition } from "../rest/strategy.ts";
import { backendConfigColumns, functionColumns, functionMeshColumns, sinkColumns, sourceColumns } from "./columns.ts";
import { validateBackendConfig, validateMeshInSteps } from "./validation.ts";
import { backendConfigWarnings, meshWarnings } from "./warnings.ts";
import { workloadStrategy } from "./workload-strategy.ts";

const scale = scaleSubresource({
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  statusSelector: ["status", "selector"],
});
const meshStrategy: Strategy = { validateInSteps: validateMeshInSteps, warnings: meshWarnings };
const backendConfigStrategy: Strategy = { validate: validateBackendConfig, warnings: backendConfigWarnings };

type Row = {
  readonly type: ResourceType;
  readonly strategy: Strategy;
  readonly columns: readonly Column[];
  readonly scale?: SubresourceDefinition;
};

const rows: readonly Row[] = [
  { type: functionType, strategy: workloadStrategy("Function"), columns: functionColumns, scale },
  { type: sourceType, strategy: workloadStrategy("Source"), columns: sourceColumns, scale },
  { type: sinkType, strategy: workloadStrategy("Sink"), columns: sinkColumns, scale },
  { type: functionMeshType, strategy: meshStrategy, columns: functionMeshColumns },
  {
    type: backendConfigType,
    strategy: backendConfigStrategy,
    columns: backendConfigColumns,
    // The public CRDs declare it, so discovery and documents do; there is nothing to scale (FM 1.1).
    scale: refusedScaleSubresource("a BackendConfig is settings: it runs nothing that could be scaled"),
  },
];

export const computeResources: readonly ResourceDefinition[] = rows.map(({ type, scale: scaled, ...row }) => ({
  ...type,
  ...row,
  selectableFields: {},
  subresources: [...(scaled === undefined ? [] : [scaled]), statusSubresource],
  acceptsProtobuf: false,
}));
