/** The static types of our kinds: those of their schemas (design D3). Everything is optional on the wire. */
import type { ObjectOf, ValueOf } from "../../../../openapi/schema.ts";
import type { backendConfigSpec } from "../../../../openapi/schemas/backend-config.ts";
import type { functionSpec } from "../../../../openapi/schemas/function.ts";
import type { functionMeshSpec, functionMeshStatus } from "../../../../openapi/schemas/function-mesh.ts";
import type { input, output } from "../../../../openapi/schemas/messaging.ts";
import type { podPolicy } from "../../../../openapi/schemas/pod-policy.ts";
import type { pulsar } from "../../../../openapi/schemas/pulsar.ts";
import type { runtimes } from "../../../../openapi/schemas/runtimes.ts";
import type { sinkSpec } from "../../../../openapi/schemas/sink.ts";
import type { sourceSpec } from "../../../../openapi/schemas/source.ts";
import type {
  consumerProperties,
  resourceCondition,
  summary,
  workloadProperties,
  workloadStatus,
} from "../../../../openapi/schemas/workload.ts";
import type { JsonObject, KubeObject } from "../../meta/v1.ts";

/** Types of Kubernetes' core API that are embedded in our kinds. */
export type * from "../../../../openapi/core/types.ts";

/** What runs inside the main container. */
type Runtimes = Required<ObjectOf<typeof runtimes>>;
export type JavaRuntime = Runtimes["java"];
export type PythonRuntime = Runtimes["python"];
export type GoRuntime = Runtimes["golang"];
export type GenericRuntime = Runtimes["genericRuntime"];

export type RuntimeLogConfig = NonNullable<JavaRuntime["log"]>;
export type LogLevel = NonNullable<RuntimeLogConfig["level"]>;
export type LogRotatePolicy = NonNullable<RuntimeLogConfig["rotatePolicy"]>;

/** The maps are keyed by topic; `sourceSpecs` wins over the others for the same topic. */
export type InputConf = ValueOf<typeof input>;
export type OutputConf = ValueOf<typeof output>;
export type ConsumerConfig = NonNullable<InputConf["sourceSpecs"]>[string];
export type ProducerConfig = NonNullable<OutputConf["producerConf"]>;
/** Encryption of messages; see `CryptoConfig` of the Pulsar functions protocol. */
export type CryptoConfig = NonNullable<ConsumerConfig["cryptoConfig"]>;

/** The type of both `pulsar` and `pulsarPackageService`. */
export type PulsarMessaging = ValueOf<typeof pulsar>;
/** When both members are set, `oauth2Config` wins. */
export type AuthConfig = NonNullable<PulsarMessaging["authConfig"]>;
export type OAuth2Config = NonNullable<AuthConfig["oauth2Config"]>;
export type GenericAuth = NonNullable<AuthConfig["genericAuth"]>;
export type PulsarTlsConfig = NonNullable<PulsarMessaging["tlsConfig"]>;

/** `spec.pod` of every kind but FunctionMesh. A BackendConfig honours some of it (FM 1.6). */
export type PodPolicy = ValueOf<typeof podPolicy>;
export type Liveness = NonNullable<PodPolicy["liveness"]>;

export type { WorkloadPhase } from "../../../../openapi/schemas/workload.ts";

/** What Function, Source and Sink have in common (FM 1.4). */
export type WorkloadSpec = ObjectOf<typeof workloadProperties>;
/** What Function and Sink, which consume topics, have in common. */
export type ConsumerSpec = ObjectOf<typeof consumerProperties>;
export type WorkloadStatus = ValueOf<typeof workloadStatus>;
/** One entry of a status map. The first three members are the operator's vocabulary (FM 1.7, 1.8); the others say why. */
export type ResourceCondition = ValueOf<typeof resourceCondition>;
export type Summary = Required<ObjectOf<typeof summary>>;

/** A BackendConfig that has a say in the pods. */
export type AppliedConfig = NonNullable<WorkloadStatus["backendConfigs"]>[number];

export type FunctionSpec = ValueOf<typeof functionSpec>;
export type WindowConfig = NonNullable<FunctionSpec["windowConfig"]>;

export type FunctionResource = KubeObject & { kind: "Function"; spec?: FunctionSpec; status?: WorkloadStatus };

export type SourceSpec = ValueOf<typeof sourceSpec>;
export type SourceResource = KubeObject & { kind: "Source"; spec?: SourceSpec; status?: WorkloadStatus };

export type SinkSpec = ValueOf<typeof sinkSpec>;
export type SinkResource = KubeObject & { kind: "Sink"; spec?: SinkSpec; status?: WorkloadStatus };

/** Components are told apart by their `name`. */
export type FunctionMeshSpec = ValueOf<typeof functionMeshSpec>;
/** The maps are keyed by the component's `name`. */
export type FunctionMeshStatus = ValueOf<typeof functionMeshStatus>;

export type FunctionMeshResource = KubeObject & {
  kind: "FunctionMesh";
  spec?: FunctionMeshSpec;
  status?: FunctionMeshStatus;
};

/** Pod settings shared by the workloads of a namespace, or of the installation (FM 1.9). */
export type BackendConfigSpec = ValueOf<typeof backendConfigSpec>;

export type BackendConfigResource = KubeObject & {
  kind: "BackendConfig";
  spec?: BackendConfigSpec;
  status?: JsonObject;
};
