/** Every kind this project is about, one row each (design D4). */

import type { Column } from "../rest/interface.ts";
import type { RefusedScale, ResourceDefinition, ScalePaths, Strategy } from "../rest/strategy.ts";
import { backendConfigColumns, functionColumns, functionMeshColumns, sinkColumns, sourceColumns } from "./columns.ts";
import { validateMesh } from "./validation.ts";
import { meshWarnings } from "./warnings.ts";
import { workloadStrategy } from "./workload-strategy.ts";

export const computeGroup = "compute.functionmesh.io";
export const computeVersion = "v1alpha1";

const scale: ScalePaths = {
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  statusSelector: ["status", "selector"],
};
const meshStrategy: Strategy = { validate: validateMesh, warnings: meshWarnings };
const backendConfigStrategy: Strategy = {};

type Row = {
  readonly kind: string;
  readonly resource: string;
  readonly shortNames: readonly string[];
  readonly strategy: Strategy;
  readonly columns: readonly Column[];
  readonly scale?: ScalePaths | RefusedScale;
};

const rows: readonly Row[] = [
  {
    kind: "Function",
    resource: "functions",
    shortNames: ["fn"],
    strategy: workloadStrategy("Function"),
    columns: functionColumns,
    scale,
  },
  {
    kind: "Source",
    resource: "sources",
    shortNames: ["fnsource"],
    strategy: workloadStrategy("Source"),
    columns: sourceColumns,
    scale,
  },
  {
    kind: "Sink",
    resource: "sinks",
    shortNames: ["fnsink"],
    strategy: workloadStrategy("Sink"),
    columns: sinkColumns,
    scale,
  },
  {
    kind: "FunctionMesh",
    resource: "functionmeshes",
    shortNames: ["fnmesh"],
    strategy: meshStrategy,
    columns: functionMeshColumns,
  },
  {
    kind: "BackendConfig",
    resource: "backendconfigs",
    shortNames: ["fnbc"],
    strategy: backendConfigStrategy,
    columns: backendConfigColumns,
    // The public CRDs declare it, so discovery and documents do; there is nothing to scale (FM 1.1).
    scale: { refusal: "a BackendConfig is settings: it runs nothing that could be scaled" },
  },
];

export const computeResources: readonly ResourceDefinition[] = rows.map((row) => ({
  group: computeGroup,
  version: computeVersion,
  kind: row.kind,
  resource: row.resource,
  singular: row.kind.toLowerCase(),
  listKind: `${row.kind}List`,
  namespaced: true,
  shortNames: row.shortNames,
  categories: ["all", "functionmesh"],
  schemaName: `io.functionmesh.compute.v1alpha1.${row.kind}`,
  strategy: row.strategy,
  columns: row.columns,
  selectableFields: {},
  status: true,
  ...(row.scale === undefined ? {} : { scale: row.scale }),
  acceptsProtobuf: false,
}));
