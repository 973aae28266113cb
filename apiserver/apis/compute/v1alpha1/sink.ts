import type { ValueOf } from "../../../../openapi/schema.ts";
import type { sinkSpec } from "../../../../openapi/schemas/sink.ts";
import type { KubeObject } from "../../meta/v1.ts";
import type { WorkloadStatus } from "./workload.ts";

export type SinkSpec = ValueOf<typeof sinkSpec>;
export type SinkResource = KubeObject & { kind: "Sink"; spec?: SinkSpec; status?: WorkloadStatus };
