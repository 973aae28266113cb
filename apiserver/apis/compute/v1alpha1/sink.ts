import type { JsonObject, KubeObject } from "../../meta/v1.ts";
import type { InputConf } from "./messaging.ts";
import type { ConsumerSpec, WorkloadSpec, WorkloadStatus } from "./workload.ts";

export type SinkSpec = WorkloadSpec &
  ConsumerSpec & {
    sinkType?: string;
    sinkConfig?: JsonObject;
    input?: InputConf;
    negativeAckRedeliveryDelayMs?: number;
  };

export type SinkResource = KubeObject & { kind: "Sink"; spec?: SinkSpec; status?: WorkloadStatus };
