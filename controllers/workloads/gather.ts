/** Everything one reconcile reads. From caches: it costs no request. */
import type { BackendConfigResource } from "../../apiserver/apis/compute/v1alpha1/backend-config.ts";
import { backendConfigType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Informer, InformerFactory } from "../runtime/interface.ts";
import { type Lister, narrow } from "../runtime/lister.ts";
import type { Settings } from "../settings.ts";
import type { BackendConfigs } from "./backend-config.ts";
import type { ChildKind } from "./desired.ts";
import { hostTypes } from "./host-types.ts";
import { cleanupName, objectName, serviceName, type Workload } from "./workload.ts";

export type Observed = {
  readonly children: { readonly [Kind in ChildKind]: KubeObject | undefined };
  readonly cleanupJob: KubeObject | undefined;
  readonly configs: BackendConfigs;
};

/** The caches a workload's reconcile reads, and is triggered by. */
export type WorkloadInformers = {
  readonly backendConfigs: Informer;
  readonly children: { readonly [Kind in Exclude<ChildKind, "VerticalPodAutoscaler">]: Informer };
  /** Absent where the cluster doesn't serve them. */
  readonly verticalPodAutoscalers: Informer | undefined;
  readonly jobs: Informer;
};

export function workloadInformers(deps: {
  readonly compute: InformerFactory;
  readonly host: InformerFactory;
  readonly verticalPodAutoscaling: boolean;
}): WorkloadInformers {
  const { compute, host, verticalPodAutoscaling } = deps;
  return {
    backendConfigs: compute.informer(backendConfigType),
    children: {
      StatefulSet: host.informer(hostTypes.StatefulSet),
      Service: host.informer(hostTypes.Service),
      HorizontalPodAutoscaler: host.informer(hostTypes.HorizontalPodAutoscaler),
    },
    verticalPodAutoscalers: verticalPodAutoscaling ? host.informer(hostTypes.VerticalPodAutoscaler) : undefined,
    jobs: host.informer(hostTypes.Job),
  };
}

const isBackendConfig = (object: KubeObject): object is BackendConfigResource => object.kind === "BackendConfig";

export class Gatherer {
  readonly #informers: WorkloadInformers;
  readonly #configs: Lister<BackendConfigResource>;
  readonly #settings: Settings;

  constructor(informers: WorkloadInformers, settings: Settings) {
    this.#informers = informers;
    this.#configs = narrow(informers.backendConfigs.lister, isBackendConfig);
    this.#settings = settings;
  }

  gather(workload: Workload): Observed {
    const { namespace } = workload;
    const { children, verticalPodAutoscalers, jobs } = this.#informers;
    const name = objectName(workload);
    return {
      children: {
        StatefulSet: children.StatefulSet.lister.get({ namespace, name }),
        Service: children.Service.lister.get({ namespace, name: serviceName(workload) }),
        HorizontalPodAutoscaler: children.HorizontalPodAutoscaler.lister.get({ namespace, name }),
        VerticalPodAutoscaler: verticalPodAutoscalers?.lister.get({ namespace, name }),
      },
      cleanupJob: jobs.lister.get({ namespace, name: cleanupName(workload) }),
      configs: this.#configsOf(namespace),
    };
  }

  #configsOf(namespace: string): BackendConfigs {
    const { globalBackendConfig, namespacedBackendConfig } = this.#settings;
    const global = globalBackendConfig && this.#configs.get(globalBackendConfig);
    const namespaced = this.#configs.get({ namespace, name: namespacedBackendConfig });
    return { ...(global && { global }), ...(namespaced && { namespaced }) };
  }
}
