/** How a workload kind's reconciler is wired, and what makes it run. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import type { ControllerOptions, EventRecorder, Informer, InformerFactory, Trigger } from "../runtime/interface.ts";
import { narrow } from "../runtime/lister.ts";
import { keyOf, type ObjectKey } from "../runtime/object-key.ts";
import { OwnWrites } from "../runtime/own-writes.ts";
import { mapped, ownedBy, ownKind } from "../runtime/triggers.ts";
import type { Settings } from "../settings.ts";
import { WorkloadWriter } from "./apply.ts";
import { Finalizer } from "./cleanup.ts";
import type { Fleet } from "./fleet.ts";
import { Gatherer, isRestricted, isTerminating, workloadInformers } from "./gather.ts";
import { componentLabel, nameLabel, namespaceLabel } from "./labels.ts";
import { partOf } from "./parts.ts";
import { podProblem } from "./pods.ts";
import { PublishedStatus } from "./published-status.ts";
import { WorkloadReconciler } from "./reconciler.ts";
import { ReferenceChecker } from "./references.ts";
import { RemoteCleanup } from "./remote-cleanup.ts";
import { serviceSuffix, type WorkloadKind, type WorkloadResource } from "./workload.ts";

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
  readonly fleet: Fleet;
  /** See `Renderer`. */
  readonly rendererVersion: string;
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
  const { fleet } = deps;
  const written = new OwnWrites();
  const writer = new WorkloadWriter(deps.workloads, written, clock);
  const published = new PublishedStatus();
  const reconciler = new WorkloadReconciler({
    kind,
    published,
    resources: narrow(own.lister, kind.is),
    gatherer: new Gatherer(informers, settings, written),
    writer,
    finalizer: new Finalizer({
      compute,
      writer,
      remote: new RemoteCleanup({ client: deps.workloads, jobs: informers.jobs.lister, settings }),
      recorder,
      settings,
      clock,
    }),
    fleet,
    compute,
    recorder,
    renderer: { settings, rendererVersion: deps.rendererVersion },
    references: new ReferenceChecker(deps.workloads, clock),
    clock,
  });
  const { StatefulSet, Service, HorizontalPodAutoscaler } = informers.children;
  const children = [
    ...[StatefulSet, HorizontalPodAutoscaler, informers.verticalPodAutoscalers].map((informer) => ({
      informer,
      name: "",
    })),
    { informer: Service, name: serviceSuffix },
  ];
  const triggers: Trigger[] = [
    ownKind(own, changedByOthers(published)),
    ...children.flatMap(({ informer, name }) =>
      informer === undefined ? [] : [ownedBy(kind.type, informer), atName(informer, `-${kind.component}${name}`)],
    ),
    mapped(HorizontalPodAutoscaler, (autoscaler) => scaledBy(autoscaler, kind)),
    fleet.turnOver(kind.component),
    mapped(informers.jobs, (job) => labelledFor(job, kind)),
    { informer: informers.pods, keysOf: (pod) => labelledFor(pod, kind), concerns: podSaysSomethingNew },
    {
      informer: informers.namespaces,
      keysOf: ({ metadata }) => own.lister.list(metadata.name ?? "").map(keyOf),
      concerns: (namespace, old) =>
        isRestricted(namespace) !== isRestricted(old) || isTerminating(namespace) !== isTerminating(old),
    },
    mapped(informers.backendConfigs, (config) => own.lister.list(reach(config, settings)).map(keyOf)),
  ];
  return { name: kind.component, reconciler, triggers };
}

/** Everything but what we wrote into the status ourselves, as far as `published` still knows. */
export const changedByOthers =
  (published: PublishedStatus) =>
  (object: KubeObject, old: KubeObject): boolean =>
    changedBesidesStatus(object, old) || (!deepEqual(object.status, old.status) && !published.isOurs(object));

function changedBesidesStatus(object: KubeObject, old: KubeObject): boolean {
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

/** Whoever has one of our names: an obstacle that goes, or changes hands, is our business too. */
const atName = (informer: Informer, suffix: string): Trigger => ({
  informer,
  keysOf({ metadata: { name = "", namespace = "" } }) {
    return name.endsWith(suffix) ? [{ namespace, name: name.slice(0, -suffix.length) }] : [];
  },
  concerns: (object, old) => !deepEqual(object.metadata.ownerReferences, old.metadata.ownerReferences),
});

/** Somebody's autoscaler that moves our StatefulSet. */
function scaledBy(autoscaler: KubeObject, { component }: Pick<WorkloadKind, "component">): ObjectKey[] {
  const target = objectOf(partOf(autoscaler, "spec"), "scaleTargetRef");
  const [name, suffix] = [textOf(target, "name"), `-${component}`];
  if (textOf(target, "kind") !== "StatefulSet" || !name.endsWith(suffix)) return [];
  return [{ namespace: autoscaler.metadata.namespace ?? "", name: name.slice(0, -suffix.length) }];
}

const podSaysSomethingNew = (pod: KubeObject, old: KubeObject): boolean =>
  !deepEqual(podProblem(pod) ?? null, podProblem(old) ?? null);

/**
 * Clean-up Jobs carry no owner reference, and pods their StatefulSet's, but both their workload's labels; a Job may run in
 * another namespace than its workload.
 */
function labelledFor({ metadata }: KubeObject, kind: Pick<WorkloadKind, "component">): ObjectKey[] {
  const { [componentLabel]: component, [nameLabel]: name, [namespaceLabel]: namespace } = metadata.labels ?? {};
  if (component !== kind.component || name === undefined) return [];
  return [{ namespace: namespace ?? metadata.namespace ?? "", name }];
}

/** Namespace of the workloads a BackendConfig concerns, `undefined` for all; one that never matches for none. */
function reach({ metadata }: KubeObject, settings: Settings): string | undefined {
  const { namespace = "", name = "" } = metadata;
  const { globalBackendConfig: global, namespacedBackendConfig } = settings;
  if (global !== undefined && global.namespace === namespace && global.name === name) return undefined;
  return name === namespacedBackendConfig ? namespace : noNamespace;
}
const noNamespace = "";
