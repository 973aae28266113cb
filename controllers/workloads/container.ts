/** The main container (FM 4.4). */
import type {
  Container,
  EnvVar,
  Liveness,
  Probe,
  PulsarMessaging,
  Quantity,
  ResourceRequirements,
  WorkloadSpec,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { parseQuantity } from "../../apiserver/machinery/quantity.ts";
import type { Settings } from "../settings.ts";
import { grpcPort, metricsPort } from "./command/flags.ts";
import { goLogLevel } from "./command/go.ts";
import { mainCommand } from "./command/main-command.ts";
import { mainImage, pullPolicy } from "./images.ts";
import { layOutVolumes, mainUses } from "./volumes.ts";
import { sortedEntries, type Workload } from "./workload.ts";

export const mainContainerName = ({ component }: Workload): string => `pulsar-${component}`;

export const podNameVariable: EnvVar = { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };

/** Takes away what no container of ours needs. */
export const hardened = (): JsonObject => ({ capabilities: { drop: ["ALL"] }, allowPrivilegeEscalation: false });

export function mainContainer(workload: Workload, settings: Settings): Container {
  const { spec } = workload;
  const { mounts } = layOutVolumes(workload, mainUses(workload, settings));
  return {
    name: mainContainerName(workload),
    image: mainImage(workload, settings),
    imagePullPolicy: pullPolicy(workload, settings),
    command: mainCommand(workload, settings),
    ports: [
      { name: "tcp-grpc", containerPort: grpcPort, protocol: "TCP" },
      { name: "http-metrics", containerPort: metricsPort, protocol: "TCP" },
    ],
    env: environment(workload),
    envFrom: environmentSources(workload),
    resources: containerResources(spec),
    // Of two mounts at one path the user's counts.
    volumeMounts: [...mounts, ...(spec.volumeMounts ?? [])],
    livenessProbe: spec.pod?.liveness && livenessProbe(spec.pod.liveness),
    readinessProbe: settings.readinessProbe && instanceRuns,
    startupProbe: spec.pod?.startupProbe,
    securityContext: hardened(),
    // The kubelet's own bounds: 80 lines, 2 KiB. So nobody has to be allowed to read logs.
    ...(settings.lastLogLines && { terminationMessagePolicy: "FallbackToLogsOnError" }),
  };
}

/**
 * Python and Go instances serve metrics once they have subscribed, Java's once the thread has started that will: there
 * is nothing that tells of the subscription itself. Without the probe a pod is ready when its process is.
 */
const instanceRuns: Probe = {
  httpGet: { path: "/", port: metricsPort, scheme: "HTTP" },
  periodSeconds: 5,
  timeoutSeconds: 5,
};

export function environment({ spec, runtime }: Workload): EnvVar[] {
  const secrets = sortedEntries(spec.secretsMap).map(([name, { path = "", key = "" }]) => ({
    name,
    valueFrom: { secretKeyRef: { name: path, key } },
  }));
  const goLevel =
    runtime?.language === "go" && runtime.log.logConfig === undefined
      ? [{ name: "LOGGING_LEVEL", value: goLogLevel(runtime.log.level) }]
      : [];
  // The command needs POD_NAME as it is; of the others the user's count.
  const own = (spec.pod?.env ?? []).filter(({ name }) => name !== podNameVariable.name);
  return [podNameVariable, ...goLevel, ...secrets, ...own];
}

/** `storage` is told to the instance as its disk; Kubernetes has no such resource of containers. */
export function containerResources({ resources }: WorkloadSpec): ResourceRequirements | undefined {
  if (resources === undefined) return undefined;
  const { requests, limits, ...others } = resources;
  return {
    ...others,
    ...(requests && { requests: withoutStorage(requests) }),
    ...(limits && { limits: withoutStorage(withoutNoLimit(limits, requests)) }),
  };
}

/** A limit of 0 cpu below what is requested means none (FM 3, V-resources); a cluster would refuse it. */
function withoutNoLimit(limits: Amounts, requests: Amounts = {}): Amounts {
  const { cpu, ...others } = limits;
  if (cpu === undefined || requests.cpu === undefined) return limits;
  return isZeroAmount(cpu) && !isZeroAmount(requests.cpu) ? others : limits;
}

const isZeroAmount = (amount: Quantity): boolean => parseQuantity(amount)?.value() === 0n;

type Amounts = { readonly [resource: string]: Quantity };

function withoutStorage({ storage: _, ...amounts }: Amounts): { [resource: string]: Quantity } {
  return amounts;
}

/** Variables from the ConfigMap and the Secrets of one Pulsar cluster. */
export function accessSources(messaging: PulsarMessaging | undefined, prefix?: string): JsonObject[] {
  const named = (name: string | undefined, source: "configMapRef" | "secretRef"): JsonObject[] =>
    name ? [{ ...(prefix ? { prefix } : {}), [source]: { name } }] : [];
  return [
    ...named(messaging?.pulsarConfig, "configMapRef"),
    ...named(messaging?.authSecret, "secretRef"),
    ...named(messaging?.tlsSecret, "secretRef"),
  ];
}

export const environmentSources = ({ spec }: Workload): JsonObject[] => [
  ...accessSources(spec.pulsar),
  ...accessSources(spec.pulsarPackageService, "PACKAGE_"),
];

/** Absent unless a period is given: that is what asks for the probe. */
export function livenessProbe(liveness: Liveness): Probe | undefined {
  const { periodSeconds = 0, initialDelaySeconds = 0, successThreshold, failureThreshold } = liveness;
  if (periodSeconds <= 0) return undefined;
  return {
    httpGet: { path: "/", port: metricsPort, scheme: "HTTP" },
    initialDelaySeconds: Math.max(0, initialDelaySeconds),
    timeoutSeconds: periodSeconds,
    periodSeconds,
    successThreshold: successThreshold || undefined,
    failureThreshold: failureThreshold || undefined,
  };
}
