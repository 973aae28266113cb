import type { ValueOf } from "../../../../openapi/schema.ts";
import type { podPolicy } from "../../../../openapi/schemas/pod-policy.ts";

/** `spec.pod` of every kind but FunctionMesh. A BackendConfig honours some of it (FM 1.6). */
export type PodPolicy = ValueOf<typeof podPolicy>;
export type Liveness = NonNullable<PodPolicy["liveness"]>;
