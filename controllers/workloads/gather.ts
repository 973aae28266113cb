/** Everything one reconcile reads. From caches, and from what was written last: it costs no request. */

import { backendConfigType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { BackendConfigResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Informer, InformerFactory } from "../runtime/interface.ts";
import { type Lister, narrow } from "../runtime/lister.ts";
import type { OwnWrites } from "../runtime/own-writes.ts";
import { controlledBy, isControlledBy, ownerOf } from "../runtime/owners.ts";
import type { Settings } from "../settings.ts";
import type { BackendConfigs } from "./backend-config.ts";
import type { ChildKind } from "./desired.ts";
import { hostTypes } from "./host-types.ts";
import { nameLabel } from "./labels.ts";
import { partOf } from "./parts.ts";
import { cleanupName, objectName, serviceName, type Workload } from "./workload.ts";

export type Observed = {
  readonly children: { readonly [Kind in ChildKind]: KubeObject | undefined };
  readonly cleanupJob: KubeObject | undefined;
  readonly configs: BackendConfigs;
  /** Of the StatefulSet. */
  readonly pods: readonly KubeObject[];
  /** Somebody else's, that moves the StatefulSet. */
  readonly foreignAutoscaler: KubeObject | undefined;
  /** The namespace takes only pods that meet the *restricted* Pod Security Standard. */
  readonly restricted: boolean;
  /** Their namespace, when it is being deleted. */
  readonly terminating: KubeObject | undefined;
  /** The cluster serves `autoscaling.k8s.io/v1`, as far as was seen at start. */
  readonly verticalPodAutoscaling: boolean;
  /** The BackendConfig that the installation names doesn't exist. */
  readonly globalConfigMissing: boolean;
};

/** The caches a workload's reconcile reads, and is triggered by. */
export type WorkloadInformers = {
  readonly backendConfigs: Informer;
  readonly children: { readonly [Kind in Exclude<ChildKind, "VerticalPodAutoscaler">]: Informer };
  /** Absent where the cluster doesn't serve them. */
  readonly verticalPodAutoscalers: Informer | undefined;
  readonly jobs: Informer;
  readonly pods: Informer;
  readonly namespaces: Informer;
};

/** Autoscalers by what they scale, as `namespace/kind/name`. */
const scaleTargetIndex = "scale-target";

function scaleTargets(autoscaler: KubeObject): string[] {
  const { scaleTargetRef } = partOf(autoscaler, "spec");
  const { kind, name } = isObject(scaleTargetRef) ? scaleTargetRef : {};
  return [`${autoscaler.metadata.namespace}/${kind}/${name}`];
}

/** Whether a namespace takes only pods that meet the *restricted* Pod Security Standard. */
export const isRestricted = (namespace: KubeObject | undefined): boolean =>
  namespace?.metadata.labels?.["pod-security.kubernetes.io/enforce"] === "restricted";

export const isTerminating = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

export function workloadInformers(deps: {
  readonly compute: InformerFactory;
  readonly host: InformerFactory;
  readonly verticalPodAutoscaling: boolean;
}): WorkloadInformers {
  const { compute, host, verticalPodAutoscaling } = deps;
  const autoscalers = host.informer(hostTypes.HorizontalPodAutoscaler);
  autoscalers.addIndex(scaleTargetIndex, scaleTargets);
  return {
    backendConfigs: compute.informer(backendConfigType),
    children: {
      StatefulSet: host.informer(hostTypes.StatefulSet),
      Service: host.informer(hostTypes.Service),
      HorizontalPodAutoscaler: autoscalers,
    },
    verticalPodAutoscalers: verticalPodAutoscaling ? host.informer(hostTypes.VerticalPodAutoscaler) : undefined,
    jobs: host.informer(hostTypes.Job),
    // A cluster has many pods; of those that aren't ours we need not even know.
    pods: host.informer(hostTypes.Pod, undefined, nameLabel),
    namespaces: host.informer(hostTypes.Namespace),
  };
}

const isBackendConfig = (object: KubeObject): object is BackendConfigResource => object.kind === "BackendConfig";

export class Gatherer {
  readonly #informers: WorkloadInformers;
  readonly #configs: Lister<BackendConfigResource>;
  readonly #settings: Settings;
  readonly #written: OwnWrites;

  constructor(informers: WorkloadInformers, settings: Settings, written: OwnWrites) {
    this.#informers = informers;
    this.#written = written;
    this.#configs = narrow(informers.backendConfigs.lister, isBackendConfig);
    this.#settings = settings;
  }

  gather(workload: Workload): Observed {
    const { namespace } = workload;
    const { children, verticalPodAutoscalers, jobs, pods, namespaces } = this.#informers;
    const name = objectName(workload);
    const home = namespaces.lister.get({ namespace: "", name: namespace });
    const child = (informer: Informer, childName = name) =>
      this.#written.newest(informer, { namespace, name: childName });
    const statefulSet = child(children.StatefulSet);
    const autoscalers = children.HorizontalPodAutoscaler.lister.byIndex(
      scaleTargetIndex,
      `${namespace}/StatefulSet/${name}`,
    );
    return {
      pods: statefulSet === undefined ? [] : controlledBy(pods.lister, ownerOf(hostTypes.StatefulSet, statefulSet)),
      foreignAutoscaler: autoscalers.find((autoscaler) => !isControlledBy(autoscaler, workload)),
      restricted: isRestricted(home),
      terminating: home !== undefined && isTerminating(home) ? home : undefined,
      verticalPodAutoscaling: verticalPodAutoscalers !== undefined,
      globalConfigMissing: this.#globalConfigMissing(),
      children: {
        StatefulSet: statefulSet,
        Service: child(children.Service, serviceName(workload)),
        HorizontalPodAutoscaler: child(children.HorizontalPodAutoscaler),
        VerticalPodAutoscaler: verticalPodAutoscalers && child(verticalPodAutoscalers),
      },
      cleanupJob: jobs.lister.get({ namespace, name: cleanupName(workload) }),
      configs: this.#configsOf(namespace),
    };
  }

  #globalConfigMissing(): boolean {
    const { globalBackendConfig: key } = this.#settings;
    return key !== undefined && this.#configs.get(key) === undefined;
  }

  #configsOf(namespace: string): BackendConfigs {
    const { globalBackendConfig, namespacedBackendConfig } = this.#settings;
    const global = globalBackendConfig && this.#configs.get(globalBackendConfig);
    const namespaced = this.#configs.get({ namespace, name: namespacedBackendConfig });
    return { ...(global && { global }), ...(namespaced && { namespaced }) };
  }
}
