/** What Function, Source and Sink have in common, as their schema describes it (FM 1.4). Everything is optional on the wire. */
import type { ObjectOf, ValueOf } from "../../../../openapi/schema.ts";
import type {
  consumerProperties,
  resourceCondition,
  summary,
  workloadProperties,
  workloadStatus,
} from "../../../../openapi/schemas/workload.ts";

export type { WorkloadPhase } from "../../../../openapi/schemas/workload.ts";

export type WorkloadSpec = ObjectOf<typeof workloadProperties>;
/** What Function and Sink, which consume topics, have in common. */
export type ConsumerSpec = ObjectOf<typeof consumerProperties>;
export type WorkloadStatus = ValueOf<typeof workloadStatus>;
/** One entry of a status map. The first three members are the operator's vocabulary (FM 1.7, 1.8); the others say why. */
export type ResourceCondition = ValueOf<typeof resourceCondition>;
export type Summary = Required<ObjectOf<typeof summary>>;

/** A BackendConfig that has a say in the pods. */
export type AppliedConfig = NonNullable<WorkloadStatus["backendConfigs"]>[number];
