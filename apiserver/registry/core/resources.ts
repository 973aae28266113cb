/** The core kinds that the standalone host serves, through the same machinery as ours: one more list (design). */
import type { KubeObject } from "../../apis/meta/v1.ts";
import { isTrue, numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import { labelSelectorText } from "../../machinery/selectors.ts";
import { finalizeSubresource, scaleSubresource, statusSubresource } from "../generic/subresources.ts";
import type { Column } from "../rest/interface.ts";
import type { Conversion, ResourceDefinition, ScalePaths, ServedVersion } from "../rest/strategy.ts";
import * as columns from "./columns.ts";
import { autoscalerV1Conversion } from "./conversion/autoscaler-v1.ts";
import { eventConversion } from "./conversion/event.ts";
import { serviceAccountToken, type TokenDependencies } from "./service-account-token.ts";
import { simulatedPodSubresources } from "./simulated-pod.ts";
import * as strategies from "./strategies.ts";
import { selectorOf } from "./validation/checks.ts";

type Row = Pick<ResourceDefinition, "kind" | "resource" | "columns"> &
  Partial<
    Pick<
      ResourceDefinition,
      | "shortNames"
      | "categories"
      | "namespaced"
      | "strategy"
      | "selectableFields"
      | "subresources"
      | "otherVersions"
      | "deletesSingly"
      | "returnsDeleted"
    >
  >;
type GroupRows = {
  readonly group: string;
  readonly version: string;
  readonly schemaPrefix: string;
  readonly rows: readonly Row[];
};

type FieldValue = (object: KubeObject) => string;
/** The value at `spec.nodeName`, say; `""` when absent. */
const at =
  (parent: string, field: string): FieldValue =>
  (object) =>
    textOf(objectOf(object, parent), field);
const top =
  (field: string): FieldValue =>
  (object) =>
    textOf(object, field);

const involvedFields = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];
const eventsVersion: ServedVersion & Conversion = {
  group: "events.k8s.io",
  version: "v1",
  schemaName: "io.k8s.api.events.v1.Event",
  columns: columnsOfStored(columns.eventColumns, eventConversion),
  selectableFields: {
    ...Object.fromEntries(involvedFields.map((field) => [`regarding.${field}`, at("involvedObject", field)])),
    reason: top("reason"),
    reportingController: top("reportingComponent"),
    type: top("type"),
  },
  ...eventConversion,
};
const autoscalerV1: ServedVersion & Conversion = {
  version: "v1",
  schemaName: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
  columns: columnsOfStored(columns.horizontalPodAutoscalerColumns, autoscalerV1Conversion),
  selectableFields: {},
  ...autoscalerV1Conversion,
};

/** Columns read objects as they are stored. */
function columnsOfStored(stored: readonly Column[], { toStored }: Conversion): readonly Column[] {
  return stored.map((column) => ({ ...column, cell: (object) => column.cell(toStored(object)) }));
}

const statefulSetScale: ScalePaths = {
  specReplicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
  selectorOf: (object) => labelSelectorText(selectorOf(objectOf(object, "spec"), "selector")),
};

const groupRows = (dependencies: CoreDependencies): readonly GroupRows[] => [
  {
    group: "",
    version: "v1",
    schemaPrefix: "io.k8s.api.core.v1",
    rows: [
      {
        kind: "Namespace",
        resource: "namespaces",
        returnsDeleted: true,
        deletesSingly: true,
        shortNames: ["ns"],
        namespaced: false,
        subresources: [finalizeSubresource, statusSubresource],
        columns: columns.namespaceColumns,
        strategy: strategies.namespaceStrategy,
        selectableFields: { "status.phase": at("status", "phase") },
      },
      {
        kind: "ConfigMap",
        resource: "configmaps",
        shortNames: ["cm"],
        columns: columns.configMapColumns,
        strategy: strategies.configMapStrategy,
      },
      {
        kind: "Secret",
        resource: "secrets",
        columns: columns.secretColumns,
        strategy: strategies.secretStrategy,
        selectableFields: { type: top("type") },
      },
      {
        kind: "Service",
        resource: "services",
        returnsDeleted: true,
        shortNames: ["svc"],
        categories: ["all"],
        subresources: [statusSubresource],
        columns: columns.serviceColumns,
        strategy: strategies.serviceStrategy,
        selectableFields: { "spec.clusterIP": at("spec", "clusterIP"), "spec.type": at("spec", "type") },
      },
      {
        kind: "ServiceAccount",
        resource: "serviceaccounts",
        returnsDeleted: true,
        shortNames: ["sa"],
        subresources: [serviceAccountToken(dependencies)],
        columns: columns.serviceAccountColumns,
      },
      {
        kind: "Pod",
        resource: "pods",
        returnsDeleted: true,
        shortNames: ["po"],
        categories: ["all"],
        subresources: [statusSubresource, ...simulatedPodSubresources],
        columns: columns.podColumns,
        strategy: strategies.podStrategy,
        selectableFields: {
          "spec.nodeName": at("spec", "nodeName"),
          "spec.restartPolicy": at("spec", "restartPolicy"),
          "spec.schedulerName": at("spec", "schedulerName"),
          "spec.serviceAccountName": at("spec", "serviceAccountName"),
          "spec.hostNetwork": (object) => String(isTrue(objectOf(object, "spec"), "hostNetwork")),
          "status.phase": at("status", "phase"),
          "status.podIP": at("status", "podIP"),
          "status.nominatedNodeName": at("status", "nominatedNodeName"),
        },
      },
      {
        kind: "PodTemplate",
        resource: "podtemplates",
        returnsDeleted: true,
        columns: columns.podTemplateColumns,
        strategy: strategies.podTemplateStrategy,
      },
      {
        kind: "PersistentVolume",
        resource: "persistentvolumes",
        namespaced: false,
        returnsDeleted: true,
        shortNames: ["pv"],
        subresources: [statusSubresource],
        columns: columns.persistentVolumeColumns,
        strategy: strategies.persistentVolumeStrategy,
      },
      {
        kind: "PersistentVolumeClaim",
        resource: "persistentvolumeclaims",
        returnsDeleted: true,
        shortNames: ["pvc"],
        subresources: [statusSubresource],
        columns: columns.persistentVolumeClaimColumns,
        strategy: strategies.persistentVolumeClaimStrategy,
      },
      {
        kind: "Event",
        resource: "events",
        shortNames: ["ev"],
        columns: columns.eventColumns,
        strategy: strategies.eventStrategy,
        selectableFields: {
          ...Object.fromEntries(
            involvedFields.map((field) => [`involvedObject.${field}`, at("involvedObject", field)]),
          ),
          reason: top("reason"),
          reportingComponent: top("reportingComponent"),
          source: (object) => textOf(objectOf(object, "source"), "component") || textOf(object, "reportingComponent"),
          type: top("type"),
        },
        otherVersions: [eventsVersion],
      },
    ],
  },
  {
    group: "apps",
    version: "v1",
    schemaPrefix: "io.k8s.api.apps.v1",
    rows: [
      {
        kind: "StatefulSet",
        resource: "statefulsets",
        shortNames: ["sts"],
        categories: ["all"],
        subresources: [scaleSubresource(statefulSetScale), statusSubresource],
        columns: columns.statefulSetColumns,
        strategy: strategies.statefulSetStrategy,
      },
      {
        kind: "ControllerRevision",
        resource: "controllerrevisions",
        columns: columns.controllerRevisionColumns,
        strategy: strategies.controllerRevisionStrategy,
      },
    ],
  },
  {
    group: "autoscaling",
    version: "v2",
    schemaPrefix: "io.k8s.api.autoscaling.v2",
    rows: [
      {
        kind: "HorizontalPodAutoscaler",
        resource: "horizontalpodautoscalers",
        shortNames: ["hpa"],
        categories: ["all"],
        subresources: [statusSubresource],
        columns: columns.horizontalPodAutoscalerColumns,
        strategy: strategies.horizontalPodAutoscalerStrategy,
        otherVersions: [autoscalerV1],
      },
    ],
  },
  {
    group: "autoscaling.k8s.io",
    version: "v1",
    schemaPrefix: "io.k8s.autoscaling.v1",
    rows: [
      {
        kind: "VerticalPodAutoscaler",
        resource: "verticalpodautoscalers",
        shortNames: ["vpa"],
        subresources: [statusSubresource],
        columns: columns.verticalPodAutoscalerColumns,
      },
    ],
  },
  {
    group: "batch",
    version: "v1",
    schemaPrefix: "io.k8s.api.batch.v1",
    rows: [
      {
        kind: "Job",
        resource: "jobs",
        categories: ["all"],
        subresources: [statusSubresource],
        columns: columns.jobColumns,
        strategy: strategies.jobStrategy,
        selectableFields: {
          "status.successful": (object) => String(numberOf(objectOf(object, "status"), "succeeded") ?? 0),
        },
      },
    ],
  },
  {
    group: "coordination.k8s.io",
    version: "v1",
    schemaPrefix: "io.k8s.api.coordination.v1",
    rows: [{ kind: "Lease", resource: "leases", columns: columns.leaseColumns, strategy: strategies.leaseStrategy }],
  },
  {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    schemaPrefix: "io.k8s.api.rbac.v1",
    rows: [
      { kind: "Role", resource: "roles", columns: columns.roleColumns, strategy: strategies.roleStrategy },
      {
        kind: "ClusterRole",
        resource: "clusterroles",
        namespaced: false,
        columns: columns.roleColumns,
        strategy: strategies.clusterRoleStrategy,
      },
      {
        kind: "RoleBinding",
        resource: "rolebindings",
        columns: columns.roleBindingColumns,
        strategy: strategies.roleBindingStrategy,
      },
      {
        kind: "ClusterRoleBinding",
        resource: "clusterrolebindings",
        namespaced: false,
        columns: columns.roleBindingColumns,
        strategy: strategies.clusterRoleBindingStrategy,
      },
    ],
  },
];

/** What subresources of core kinds need besides their stores. */
export type CoreDependencies = TokenDependencies;

export function coreResources(dependencies: CoreDependencies): readonly ResourceDefinition[] {
  return groupRows(dependencies).flatMap(({ group, version, schemaPrefix, rows }) =>
    rows.map((row) => ({
      group,
      version,
      kind: row.kind,
      resource: row.resource,
      singular: row.kind.toLowerCase(),
      listKind: `${row.kind}List`,
      namespaced: row.namespaced ?? true,
      shortNames: row.shortNames ?? [],
      categories: row.categories ?? [],
      schemaName: `${schemaPrefix}.${row.kind}`,
      strategy: row.strategy ?? strategies.plainStrategy,
      columns: row.columns,
      selectableFields: row.selectableFields ?? {},
      subresources: row.subresources ?? [],
      ...(row.otherVersions === undefined ? {} : { otherVersions: row.otherVersions }),
      deletesSingly: row.deletesSingly ?? false,
      returnsDeleted: row.returnsDeleted ?? false,
      // The one that is a custom resource in every other cluster.
      bareItems: group !== "autoscaling.k8s.io",
      acceptsProtobuf: true,
    })),
  );
}
