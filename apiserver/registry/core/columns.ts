/** The columns people know from `kubectl get`, for the core kinds of the standalone host. */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { listOf, numberOf, objectOf, textOf, textsOf } from "../../machinery/fields.ts";
import { humanDuration } from "../../machinery/human-duration.ts";
import { isObject } from "../../machinery/json.ts";
import { ageColumn, ago, column, nameColumn, wideColumn } from "../rest/columns.ts";
import type { Column } from "../rest/interface.ts";

const none = "<none>";
const spec = (object: KubeObject): JsonObject | undefined => objectOf(object, "spec");
const status = (object: KubeObject): JsonObject | undefined => objectOf(object, "status");
const objects = (parent: JsonObject | undefined, field: string): readonly JsonObject[] =>
  listOf(parent, field).filter(isObject);
const joined = (texts: readonly string[]): string => (texts.length === 0 ? none : texts.join(","));
const size = (object: KubeObject, field: string): number => Object.keys(objectOf(object, field) ?? {}).length;

function pairs(labels: JsonObject | undefined): string {
  return joined(Object.entries(labels ?? {}).map(([key, value]) => `${key}=${String(value)}`));
}

export const namespaceColumns: readonly Column[] = [
  nameColumn,
  column("Status", "Active, or Terminating while its content is deleted.", (o) => textOf(status(o), "phase")),
  ageColumn,
];

export const configMapColumns: readonly Column[] = [
  nameColumn,
  column("Data", "Number of entries.", (o) => size(o, "data") + size(o, "binaryData")),
  ageColumn,
];

export const secretColumns: readonly Column[] = [
  nameColumn,
  column("Type", "What the entries mean.", (o) => textOf(o, "type")),
  column("Data", "Number of entries.", (o) => size(o, "data")),
  ageColumn,
];

const portText = (port: JsonObject): string => {
  const nodePort = numberOf(port, "nodePort");
  const number = numberOf(port, "port") ?? 0;
  return `${nodePort === undefined ? number : `${number}:${nodePort}`}/${textOf(port, "protocol") || "TCP"}`;
};

export const serviceColumns: readonly Column[] = [
  nameColumn,
  column("Type", "How the service is exposed.", (o) => textOf(spec(o), "type")),
  column("Cluster-IP", "Address inside the cluster.", (o) => textOf(spec(o), "clusterIP") || none),
  column("External-IP", "Addresses outside the cluster.", (o) =>
    textOf(spec(o), "type") === "ExternalName"
      ? textOf(spec(o), "externalName")
      : joined(textsOf(spec(o), "externalIPs")),
  ),
  column("Port(s)", "Ports and their protocol.", (o) => joined(objects(spec(o), "ports").map(portText))),
  ageColumn,
  wideColumn("Selector", "Labels of the pods behind the service.", (o) => pairs(objectOf(spec(o), "selector"))),
];

export const serviceAccountColumns: readonly Column[] = [
  nameColumn,
  column("Secrets", "Number of secrets its pods may use.", (o) => listOf(o, "secrets").length),
  ageColumn,
];

/** The reason a pod is in its state, as short as kubectl has it. */
function podStatus(pod: KubeObject): string {
  if (pod.metadata.deletionTimestamp !== undefined) return "Terminating";
  const waiting = objects(status(pod), "containerStatuses")
    .map((container) => textOf(objectOf(objectOf(container, "state"), "waiting"), "reason"))
    .find((reason) => reason !== "");
  const phase = textOf(status(pod), "phase") || "Pending";
  return waiting ?? (textOf(status(pod), "reason") || (phase === "Succeeded" ? "Completed" : phase));
}

export const podColumns: readonly Column[] = [
  nameColumn,
  column("Ready", "Ready containers out of all.", (o) => {
    const ready = objects(status(o), "containerStatuses").filter((container) => container.ready === true);
    return `${ready.length}/${listOf(spec(o), "containers").length}`;
  }),
  column("Status", "Phase of the pod, or why it is not further.", podStatus),
  {
    ...column("Restarts", "Restarts of its containers.", (o) =>
      objects(status(o), "containerStatuses").reduce((sum, c) => sum + (numberOf(c, "restartCount") ?? 0), 0),
    ),
  },
  ageColumn,
  wideColumn("IP", "Address of the pod.", (o) => textOf(status(o), "podIP") || none),
  wideColumn("Node", "Node it runs on.", (o) => textOf(spec(o), "nodeName") || none),
];

export const podTemplateColumns: readonly Column[] = [
  nameColumn,
  column("Containers", "Names of the containers.", (o) =>
    joined(
      objects(objectOf(objectOf(o, "template"), "spec"), "containers").map((container) => textOf(container, "name")),
    ),
  ),
  column("Images", "What they run.", (o) =>
    joined(
      objects(objectOf(objectOf(o, "template"), "spec"), "containers").map((container) => textOf(container, "image")),
    ),
  ),
  column("Pod Labels", "Labels of pods made after it.", (o) =>
    pairs(objectOf(objectOf(objectOf(o, "template"), "metadata"), "labels")),
  ),
];

export const persistentVolumeColumns: readonly Column[] = [
  nameColumn,
  column("Capacity", "Its size.", (o) => textOf(objectOf(spec(o), "capacity"), "storage")),
  column("Access Modes", "How it may be mounted.", (o) => textsOf(spec(o), "accessModes").join(",")),
  column("Reclaim Policy", "What becomes of it when its claim goes.", (o) =>
    textOf(spec(o), "persistentVolumeReclaimPolicy"),
  ),
  column("Status", "Available, Bound, Released or Failed.", (o) => textOf(status(o), "phase")),
  column("Claim", "Claim it is bound to.", (o) => {
    const claim = objectOf(spec(o), "claimRef");
    return claim === undefined ? "" : `${textOf(claim, "namespace")}/${textOf(claim, "name")}`;
  }),
  column("StorageClass", "Class it is of.", (o) => textOf(spec(o), "storageClassName")),
  ageColumn,
];

export const persistentVolumeClaimColumns: readonly Column[] = [
  nameColumn,
  column("Status", "Pending, Bound or Lost.", (o) => textOf(status(o), "phase")),
  column("Volume", "Volume that is bound.", (o) => textOf(spec(o), "volumeName")),
  column("Capacity", "Size of that volume.", (o) => textOf(objectOf(status(o), "capacity"), "storage")),
  column("Access Modes", "How it may be mounted.", (o) => textsOf(spec(o), "accessModes").join(",")),
  column("StorageClass", "Class it is asked from.", (o) => textOf(spec(o), "storageClassName")),
  ageColumn,
];

export const eventColumns: readonly Column[] = [
  column("Last Seen", "Time since it happened last.", (o) =>
    ago(textOf(o, "lastTimestamp") || textOf(o, "eventTime") || o.metadata.creationTimestamp),
  ),
  column("Type", "Normal or Warning.", (o) => textOf(o, "type")),
  column("Reason", "Why, in one word.", (o) => textOf(o, "reason")),
  column("Object", "What it is about.", (o) => {
    const about = objectOf(o, "involvedObject");
    return `${textOf(about, "kind").toLowerCase()}/${textOf(about, "name")}`;
  }),
  column("Message", "What happened.", (o) => textOf(o, "message").trim()),
  wideColumn(
    "Source",
    "Who reported it.",
    (o) => textOf(objectOf(o, "source"), "component") || textOf(o, "reportingComponent"),
  ),
  wideColumn("Count", "How often it happened.", (o) => numberOf(o, "count") ?? 1),
  { ...nameColumn, priority: 1 },
];

const containersOf = (o: KubeObject): readonly JsonObject[] =>
  objects(objectOf(objectOf(spec(o), "template"), "spec"), "containers");
const containers = wideColumn("Containers", "Names of the containers.", (o) =>
  joined(containersOf(o).map((c) => textOf(c, "name"))),
);
const images = wideColumn("Images", "Images of the containers.", (o) =>
  joined(containersOf(o).map((c) => textOf(c, "image"))),
);

export const statefulSetColumns: readonly Column[] = [
  nameColumn,
  column(
    "Ready",
    "Ready replicas out of those wanted.",
    (o) => `${numberOf(status(o), "readyReplicas") ?? 0}/${numberOf(spec(o), "replicas") ?? 1}`,
  ),
  ageColumn,
  containers,
  images,
];

export const controllerRevisionColumns: readonly Column[] = [
  nameColumn,
  column("Controller", "Owner of the revision.", (o) => {
    const owner = o.metadata.ownerReferences?.find((reference) => reference.controller === true);
    return owner === undefined ? none : `${owner.kind.toLowerCase()}.${owner.apiVersion.split("/")[0]}/${owner.name}`;
  }),
  column("Revision", "Number of the revision.", (o) => numberOf(o, "revision") ?? 0),
  ageColumn,
];

function metricText(metric: JsonObject): string {
  const resource = objectOf(metric, "resource");
  const target = objectOf(resource, "target");
  const percent = numberOf(target, "averageUtilization");
  const name = resource === undefined ? textOf(metric, "type").toLowerCase() : textOf(resource, "name");
  return `${name}: <unknown>/${percent === undefined ? textOf(target, "averageValue") || "<auto>" : `${percent}%`}`;
}

export const horizontalPodAutoscalerColumns: readonly Column[] = [
  nameColumn,
  column("Reference", "What it scales.", (o) => {
    const target = objectOf(spec(o), "scaleTargetRef");
    return `${textOf(target, "kind")}/${textOf(target, "name")}`;
  }),
  column("Targets", "Metrics, measured and wanted.", (o) => joined(objects(spec(o), "metrics").map(metricText))),
  column("MinPods", "Fewest replicas.", (o) => numberOf(spec(o), "minReplicas") ?? 1),
  column("MaxPods", "Most replicas.", (o) => numberOf(spec(o), "maxReplicas") ?? 0),
  column("Replicas", "Replicas now.", (o) => numberOf(status(o), "currentReplicas") ?? 0),
  ageColumn,
];

export const verticalPodAutoscalerColumns: readonly Column[] = [
  nameColumn,
  column(
    "Mode",
    "How recommendations are applied.",
    (o) => textOf(objectOf(spec(o), "updatePolicy"), "updateMode") || "Auto",
  ),
  ageColumn,
];

const hasCondition = (o: KubeObject, type: string): boolean =>
  objects(status(o), "conditions").some((condition) => condition.type === type && condition.status === "True");

export const jobColumns: readonly Column[] = [
  nameColumn,
  column("Status", "Running, Complete or Failed.", (o) => {
    if (hasCondition(o, "Complete")) return "Complete";
    if (hasCondition(o, "Failed")) return "Failed";
    return o.metadata.deletionTimestamp === undefined ? "Running" : "Terminating";
  }),
  column(
    "Completions",
    "Pods that succeeded out of those wanted.",
    (o) => `${numberOf(status(o), "succeeded") ?? 0}/${numberOf(spec(o), "completions") ?? 1}`,
  ),
  column("Duration", "Time from start to completion.", (o) => {
    const start = textOf(status(o), "startTime");
    const end = textOf(status(o), "completionTime");
    if (start === "") return "";
    const startMs = Date.parse(start);
    return end === "" ? (now) => humanDuration(now.getTime() - startMs) : humanDuration(Date.parse(end) - startMs);
  }),
  ageColumn,
  containers,
  images,
  wideColumn("Selector", "Labels of its pods.", (o) => pairs(objectOf(objectOf(spec(o), "selector"), "matchLabels"))),
];

export const leaseColumns: readonly Column[] = [
  nameColumn,
  column("Holder", "Who holds the lease.", (o) => textOf(spec(o), "holderIdentity")),
  ageColumn,
];

const createdAt = column("Created At", "Time of creation.", (o) => o.metadata.creationTimestamp ?? "");
export const roleColumns: readonly Column[] = [nameColumn, createdAt];

const subjects = (kind: string): Column["cell"] => {
  return (o) =>
    listOf(o, "subjects")
      .filter(isObject)
      .filter((subject) => subject.kind === kind)
      .map((subject) =>
        kind === "ServiceAccount"
          ? `${textOf(subject, "namespace")}/${textOf(subject, "name")}`
          : textOf(subject, "name"),
      )
      .join(", ");
};
export const roleBindingColumns: readonly Column[] = [
  nameColumn,
  column("Role", "What is granted.", (o) => {
    const role = objectOf(o, "roleRef");
    return `${textOf(role, "kind")}/${textOf(role, "name")}`;
  }),
  ageColumn,
  wideColumn("Users", "Users it is granted to.", subjects("User")),
  wideColumn("Groups", "Groups it is granted to.", subjects("Group")),
  wideColumn("ServiceAccounts", "Service accounts it is granted to.", subjects("ServiceAccount")),
];
