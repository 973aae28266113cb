import type { JsonObject, KubeObject } from "../../meta/v1.ts";
import type { OutputConf } from "./messaging.ts";
import type { BatchSourceConfig, WorkloadSpec, WorkloadStatus } from "./workload.ts";

export type SourceSpec = WorkloadSpec & {
  sourceType?: string;
  sourceConfig?: JsonObject;
  batchSourceConfig?: BatchSourceConfig;
  output?: OutputConf;
  forwardSourceMessageProperty?: boolean;
};

export type SourceResource = KubeObject & { kind: "Source"; spec?: SourceSpec; status?: WorkloadStatus };
