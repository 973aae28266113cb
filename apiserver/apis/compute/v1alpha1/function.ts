import type { JsonObject, KubeObject } from "../../meta/v1.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimRetentionPolicy } from "./core-types.ts";
import type { InputConf, OutputConf } from "./messaging.ts";
import type { BatchSourceConfig, ConsumerSpec, WorkloadSpec, WorkloadStatus } from "./workload.ts";

export type WindowConfig = {
  actualWindowFunctionClassName?: string;
  windowLengthCount?: number;
  windowLengthDurationMs?: number;
  slidingIntervalCount?: number;
  slidingIntervalDurationMs?: number;
  lateDataTopic?: string;
  maxLagMs?: number;
  watermarkEmitIntervalMs?: number;
  timestampExtractorClassName?: string;
  processingGuarantees?: "ATLEAST_ONCE" | "ATMOST_ONCE";
};

/** Replaces the function's input by a connector. */
export type SourceConnectorSpec = {
  sourceType?: string;
  batchSourceConfig?: BatchSourceConfig;
  className?: string;
  typeClassName?: string;
  configs?: JsonObject;
};

/** Replaces the function's output by a connector. */
export type SinkConnectorSpec = { sinkType?: string; className?: string; typeClassName?: string; configs?: JsonObject };

export type FunctionSpec = WorkloadSpec &
  ConsumerSpec & {
    input?: InputConf;
    output?: OutputConf;
    funcConfig?: JsonObject;
    sourceConfig?: SourceConnectorSpec;
    sinkConfig?: SinkConnectorSpec;
    forwardSourceMessageProperty?: boolean;
    maxPendingAsyncRequests?: number;
    skipToLatest?: boolean;
    windowConfig?: WindowConfig;
    volumeClaimTemplates?: PersistentVolumeClaim[];
    persistentVolumeClaimRetentionPolicy?: PersistentVolumeClaimRetentionPolicy;
  };

export type FunctionResource = KubeObject & { kind: "Function"; spec?: FunctionSpec; status?: WorkloadStatus };
