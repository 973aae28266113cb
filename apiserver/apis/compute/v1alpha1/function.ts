import type { ValueOf } from "../../../../openapi/schema.ts";
import type { functionSpec } from "../../../../openapi/schemas/function.ts";
import type { KubeObject } from "../../meta/v1.ts";
import type { WorkloadStatus } from "./workload.ts";

export type FunctionSpec = ValueOf<typeof functionSpec>;
export type WindowConfig = NonNullable<FunctionSpec["windowConfig"]>;

export type FunctionResource = KubeObject & { kind: "Function"; spec?: FunctionSpec; status?: WorkloadStatus };
