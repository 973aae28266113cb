import type { ValueOf } from "../../../../openapi/schema.ts";
import type { sourceSpec } from "../../../../openapi/schemas/source.ts";
import type { KubeObject } from "../../meta/v1.ts";
import type { WorkloadStatus } from "./workload.ts";

export type SourceSpec = ValueOf<typeof sourceSpec>;
export type SourceResource = KubeObject & { kind: "Source"; spec?: SourceSpec; status?: WorkloadStatus };
