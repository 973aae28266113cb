/**
 * Defaults the operator's webhook set, beyond those of the schema (FM section 2). The spec is the user's: this runs when
 * it is written, never when it is rendered (design, W-17).
 */
import type {
  FunctionMeshSpec,
  FunctionSpec,
  InputConf,
  OutputConf,
  ProducerConfig,
  Quantity,
  ResourceRequirements,
  SinkSpec,
  SourceSpec,
  WindowConfig,
} from "../../apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apis/meta/v1.ts";
import { isSet, listOf, objectOf, textOf } from "../../machinery/fields.ts";
import { isObject } from "../../machinery/json.ts";

/** What differs between the three workload kinds; the rest of this folder reads it as data. */
export type WorkloadKind = "Function" | "Source" | "Sink";

/** The spec of any of them: what one kind lacks is absent there. */
export type AnySpec = FunctionSpec & SourceSpec & SinkSpec;

/** An object whose spec its schema has accepted, or had accepted when it was stored: read it by `machinery/fields.ts`. */
type WithSpec = KubeObject & { readonly spec: AnySpec };
const hasSpec = (object: KubeObject): object is WithSpec => isObject(object.spec);
const noSpec: AnySpec = {};

export const specOf = (object: KubeObject): AnySpec => (hasSpec(object) ? object.spec : noSpec);

type Default<Name extends keyof AnySpec = keyof AnySpec> = {
  readonly [N in Name]: {
    readonly field: N;
    readonly value: NonNullable<AnySpec[N]>;
    readonly kinds: readonly WorkloadKind[];
  };
}[Name];
const all: readonly WorkloadKind[] = ["Function", "Source", "Sink"];

/** Applied when the field is absent or empty, in this order. */
const plainDefaults: readonly Default[] = [
  { field: "autoAck", value: true, kinds: ["Function", "Sink"] },
  { field: "processingGuarantee", value: "atleast_once", kinds: all },
  { field: "clusterName", value: "kubernetes", kinds: all },
  { field: "tenant", value: "public", kinds: all },
  { field: "namespace", value: "default", kinds: all },
  { field: "maxPendingAsyncRequests", value: 1000, kinds: ["Function"] },
  { field: "forwardSourceMessageProperty", value: true, kinds: ["Function", "Source"] },
];

/** Pulsar's name for "bytes"; what an input or output without a type is. */
const bytesType = "[B";
const sourceProducer: ProducerConfig = {
  maxPendingMessages: 1000,
  maxPendingMessagesAcrossPartitions: 1000,
  useThreadLocalProducers: true,
};
/** What a workload asks for when it says nothing at all; limits follow the requests. */
const defaultCpu = "1";
const defaultMemory = "1Gi";

export function defaultWorkload(kind: WorkloadKind): (object: KubeObject) => KubeObject {
  return (object) => ({
    ...object,
    spec: defaultSpec(kind, specOf(object), object.metadata.name ?? ""),
  });
}

/** The component is called as the object, once that has a name: a generated one comes after the other defaults. */
export function nameComponent(object: KubeObject): KubeObject {
  const spec = specOf(object);
  const { name = "" } = object.metadata;
  return name === "" || textOf(spec, "name") !== "" ? object : { ...object, spec: { ...spec, name } };
}

/** A mesh's members are completed when the mesh creates them; only their component name matters before (FM 5). */
export function defaultSpec(kind: WorkloadKind, given: AnySpec, objectName: string): AnySpec {
  const spec: AnySpec = { ...given };
  spec.minReplicas ??= 1;
  spec.replicas ??= spec.minReplicas;
  if (textOf(spec, "name") === "" && objectName !== "") spec.name = objectName;
  for (const { field, value, kinds } of plainDefaults) {
    if (kinds.includes(kind) && (!isSet(spec, field) || spec[field] === "")) Object.assign(spec, { [field]: value });
  }
  if (kind !== "Source") spec.input = withType(objectOf(spec, "input") ?? {});
  if (kind !== "Sink") spec.output = withType(objectOf(spec, "output") ?? {});
  if (kind === "Source") {
    const output = objectOf(spec, "output");
    if (!isSet(output, "producerConf")) spec.output = { ...output, producerConf: { ...sourceProducer } };
  }
  if (textOf(spec, "logTopic") !== "" && textOf(spec, "logTopicAgent") === "") {
    spec.logTopicAgent = kind === "Function" ? "runtime" : "sidecar";
  }
  spec.resources = defaultResources(objectOf(spec, "resources"));
  const window = objectOf(spec, "windowConfig");
  if (window !== undefined) spec.windowConfig = defaultWindow(window);
  return spec;
}

function withType<Endpoint extends InputConf | OutputConf>(endpoint: Endpoint): Endpoint {
  const { typeClassName = "" } = endpoint;
  return typeClassName === "" ? { ...endpoint, typeClassName: bytesType } : endpoint;
}

function defaultResources(resources: ResourceRequirements | undefined): ResourceRequirements {
  const requests: { [resource: string]: Quantity } = { ...objectOf(resources, "requests") };
  const limits: { [resource: string]: Quantity } = { ...objectOf(resources, "limits") };
  const silent = Object.keys(requests).length === 0 && Object.keys(limits).length === 0;
  // A core made up for those who speak of memory alone would keep their pods from being scheduled (issue 586).
  const cpu = limits.cpu ?? (silent ? defaultCpu : undefined);
  if (cpu !== undefined) requests.cpu ??= cpu;
  requests.memory ??= limits.memory ?? defaultMemory;
  limits.memory ??= requests.memory;
  if (requests.storage !== undefined) limits.storage ??= requests.storage;
  return { ...resources, requests, limits };
}

/** Sliding intervals default to the window's length, so that windows tumble (FM 2 rules 14 and 15, W-3). */
function defaultWindow(window: WindowConfig): WindowConfig {
  const result: WindowConfig = { ...window };
  const { windowLengthDurationMs, windowLengthCount } = window;
  if (windowLengthDurationMs !== undefined) result.slidingIntervalDurationMs ??= windowLengthDurationMs;
  if (windowLengthCount !== undefined) result.slidingIntervalCount ??= windowLengthCount;
  return result;
}

/** The component lists of a mesh, with the kind their members become. */
export const meshLists: readonly { readonly field: keyof FunctionMeshSpec; readonly kind: WorkloadKind }[] = [
  { field: "functions", kind: "Function" },
  { field: "sources", kind: "Source" },
  { field: "sinks", kind: "Sink" },
];

/** Every component of a mesh with its place, for example `["functions", 0]`. */
export function meshComponents(mesh: KubeObject): readonly {
  readonly field: keyof FunctionMeshSpec;
  readonly index: number;
  readonly kind: WorkloadKind;
  readonly spec: AnySpec;
}[] {
  const spec = objectOf(mesh, "spec");
  return meshLists.flatMap(({ field, kind }) =>
    listOf(spec, field).flatMap((component, index) =>
      isObject(component) ? [{ field, index, kind, spec: component }] : [],
    ),
  );
}
