/** How a workload kind's reconciler is wired, and what makes it run. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import type { Clock } from "../runtime/clock.ts";
import type { ControllerOptions, EventRecorder, InformerFactory, Trigger } from "../runtime/interface.ts";
import { narrow } from "../runtime/lister.ts";
import { keyOf, type ObjectKey } from "../runtime/object-key.ts";
import { mapped, ownedBy, ownKind } from "../runtime/triggers.ts";
import type { Settings } from "../settings.ts";
import { WorkloadWriter } from "./apply.ts";
import { Finalizer } from "./cleanup.ts";
import { Gatherer, workloadInformers } from "./gather.ts";
import type { WorkloadKind, WorkloadResource } from "./kind.ts";
import { componentLabel, nameLabel } from "./labels.ts";
import { WorkloadReconciler } from "./reconciler.ts";

export type WorkloadControllerDeps = {
  /** Our own API, where Functions are. */
  readonly compute: ResourceClient;
  /** The cluster's, where StatefulSets go. The same client when standalone. */
  readonly workloads: ResourceClient;
  readonly computeInformers: InformerFactory;
  readonly workloadInformers: InformerFactory;
  /** Whether the cluster serves `autoscaling.k8s.io/v1`. */
  readonly verticalPodAutoscaling: boolean;
  readonly recorder: EventRecorder;
  readonly settings: Settings;
  readonly clock: Clock;
};

export function workloadController<R extends WorkloadResource>(
  kind: WorkloadKind<R>,
  deps: WorkloadControllerDeps,
): ControllerOptions {
  const { compute, settings, recorder, clock } = deps;
  const informers = workloadInformers({
    compute: deps.computeInformers,
    host: deps.workloadInformers,
    verticalPodAutoscaling: deps.verticalPodAutoscaling,
  });
  const own = deps.computeInformers.informer(kind.type);
  const writer = new WorkloadWriter(deps.workloads);
  const reconciler = new WorkloadReconciler({
    kind,
    resources: narrow(own.lister, kind.is),
    gatherer: new Gatherer(informers, settings),
    writer,
    finalizer: new Finalizer({ compute, writer, recorder, settings, clock }),
    compute,
    recorder,
    settings,
    clock,
  });
  const children = [...Object.values(informers.children), informers.verticalPodAutoscalers];
  const triggers: Trigger[] = [
    ownKind(own, changedByOthers),
    ...children.filter((informer) => informer !== undefined).map((informer) => ownedBy(kind.type, informer)),
    mapped(informers.jobs, (job) => cleanedUpBy(job, kind)),
    mapped(informers.backendConfigs, (config) => own.lister.list(reach(config, settings)).map(keyOf)),
  ];
  return { name: kind.component, reconciler, triggers };
}

/** Everything but the status, which only we write. */
export function changedByOthers(object: KubeObject, old: KubeObject): boolean {
  const { generation, deletionTimestamp, annotations, labels, finalizers } = object.metadata;
  const before = old.metadata;
  return (
    generation !== before.generation ||
    deletionTimestamp !== before.deletionTimestamp ||
    !deepEqual(annotations, before.annotations) ||
    !deepEqual(labels, before.labels) ||
    !deepEqual(finalizers, before.finalizers)
  );
}

/** Clean-up Jobs carry no owner reference, but their workload's labels. */
function cleanedUpBy({ metadata }: KubeObject, kind: Pick<WorkloadKind, "component">): ObjectKey[] {
  const { [componentLabel]: component, [nameLabel]: name } = metadata.labels ?? {};
  if (component !== kind.component || name === undefined) return [];
  return [{ namespace: metadata.namespace ?? "", name }];
}

/** Namespace of the workloads a BackendConfig concerns, `undefined` for all; one that never matches for none. */
function reach({ metadata }: KubeObject, settings: Settings): string | undefined {
  const { namespace = "", name = "" } = metadata;
  const { globalBackendConfig: global, namespacedBackendConfig } = settings;
  if (global !== undefined && global.namespace === namespace && global.name === name) return undefined;
  return name === namespacedBackendConfig ? namespace : noNamespace;
}
const noNamespace = "";
