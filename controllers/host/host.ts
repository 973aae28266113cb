/**
 * The host simulator: what a cluster does for the objects it is given, as far as a laptop needs it. It is a set of
 * controllers like any other and sees the API through the same client.
 *
 * Invariant: a settled system makes no writes, and nothing here polls.
 */
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import {
  clusterRoleType,
  configMapType,
  controllerRevisionType,
  eventType,
  jobType,
  namespaceType,
  persistentVolumeClaimType,
  podType,
  secretType,
  serviceAccountType,
  statefulSetType,
} from "../../apiserver/client/resource-types.ts";
import { Controller, type ControllerDeps } from "../runtime/controller.ts";
import type { EventRecorder, InformerFactory, Trigger } from "../runtime/interface.ts";
import type { Reconciler } from "../runtime/reconciler.ts";
import { ClusterRoleAggregation } from "./cluster-role-aggregation.ts";
import { EventExpiry } from "./event-expiry.ts";
import { GarbageCollector } from "./garbage-collector.ts";
import { JobController } from "./job.ts";
import { Kubelet } from "./kubelet.ts";
import { NamespaceController } from "./namespace.ts";
import { NamespaceDefaults } from "./namespace-defaults.ts";
import { StatefulSetController } from "./stateful-set.ts";
import { type IssueToken, TokenSecrets } from "./token-secrets.ts";

export type HostDeps = ControllerDeps & {
  readonly client: ResourceClient;
  readonly informers: InformerFactory;
  readonly events: EventRecorder;
  /** Every type that is served with delete, list and watch: what the collector collects and namespaces hold. */
  readonly types: readonly ResourceType[];
  /** Certificates in PEM by which pods would know this server. */
  readonly rootCa: string;
  readonly issueToken: IssueToken;
  /** Pods of one workload that are run, however many it asks for. */
  readonly maxReplicas: number;
};

type HostController = Reconciler & { triggers(): readonly Trigger[] };

export function hostControllers(deps: HostDeps): readonly Controller[] {
  const { client, clock, events, issueToken, rootCa, maxReplicas, types } = deps;
  const informer = (type: ResourceType) => deps.informers.informer(type);
  const contents = types.filter(({ namespaced }) => namespaced).map(informer);
  const [namespaces, pods] = [informer(namespaceType), informer(podType)];
  const rows: readonly (readonly [name: string, workers: number, reconciler: HostController])[] = [
    ["garbage-collector", 20, new GarbageCollector({ client, events, informers: types.map(informer) })],
    ["namespace", 10, new NamespaceController({ client, clock, namespaces, contents })],
    [
      "namespace-defaults",
      4,
      new NamespaceDefaults({
        client,
        rootCa,
        namespaces,
        serviceAccounts: informer(serviceAccountType),
        configMaps: informer(configMapType),
      }),
    ],
    [
      "stateful-set",
      10,
      new StatefulSetController({
        client,
        clock,
        maxReplicas,
        sets: informer(statefulSetType),
        pods,
        revisions: informer(controllerRevisionType),
      }),
    ],
    ["job", 5, new JobController({ client, clock, maxReplicas, jobs: informer(jobType), pods })],
    [
      "kubelet",
      20,
      new Kubelet({
        client,
        clock,
        events,
        pods,
        sources: {
          ConfigMap: informer(configMapType),
          Secret: informer(secretType),
          PersistentVolumeClaim: informer(persistentVolumeClaimType),
        },
      }),
    ],
    [
      "token-secrets",
      2,
      new TokenSecrets({
        client,
        issueToken,
        rootCa,
        secrets: informer(secretType),
        accounts: informer(serviceAccountType),
      }),
    ],
    ["cluster-role-aggregation", 1, new ClusterRoleAggregation({ client, roles: informer(clusterRoleType) })],
    ["event-expiry", 4, new EventExpiry({ client, clock, events: informer(eventType) })],
  ];
  return rows.map(
    ([name, workers, reconciler]) =>
      new Controller({ name, workers, reconciler, triggers: reconciler.triggers() }, deps),
  );
}
