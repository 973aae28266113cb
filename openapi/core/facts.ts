import { keyedBy, type ListFacts, patchedBy } from "../nodes.ts";
import type { Schema } from "../schema.ts";

/**
 * What the models of `@kubernetes/client-node` don't say about the core types: which of them we need, what they are
 * called upstream, how their lists and maps merge, and which strings are more than strings. Fields are written
 * `Model.field`, with the package's name of the model. Facts are those a kube-apiserver publishes in its own OpenAPI.
 */

/** Kinds whose schemas, with everything these mention, are generated; `V1X` is the package's name of kind X. */
export const kinds: readonly {
  readonly group: string;
  readonly version: string;
  readonly models: readonly string[];
}[] = [
  {
    group: "",
    version: "v1",
    models: [
      ...withList("V1Namespace", "V1ConfigMap", "V1Secret", "V1Service", "V1ServiceAccount", "V1Pod"),
      ...withList("V1PersistentVolumeClaim", "CoreV1Event"),
      "V1Status",
      "V1DeleteOptions",
      "V1WatchEvent",
      "V1APIGroup",
      "V1APIResourceList",
    ],
  },
  { group: "apps", version: "v1", models: withList("V1StatefulSet", "V1ControllerRevision") },
  { group: "autoscaling", version: "v1", models: ["V1Scale"] },
  { group: "autoscaling", version: "v2", models: withList("V2HorizontalPodAutoscaler") },
  { group: "batch", version: "v1", models: withList("V1Job") },
  { group: "coordination.k8s.io", version: "v1", models: withList("V1Lease") },
  { group: "events.k8s.io", version: "v1", models: withList("EventsV1Event") },
  {
    group: "rbac.authorization.k8s.io",
    version: "v1",
    models: withList("V1Role", "V1ClusterRole", "V1RoleBinding", "V1ClusterRoleBinding"),
  },
  {
    group: "authorization.k8s.io",
    version: "v1",
    models: [
      "V1SubjectAccessReview",
      "V1LocalSubjectAccessReview",
      "V1SelfSubjectAccessReview",
      "V1SelfSubjectRulesReview",
    ],
  },
  {
    group: "authentication.k8s.io",
    version: "v1",
    models: ["V1TokenReview", "V1SelfSubjectReview", "AuthenticationV1TokenRequest"],
  },
];

function withList(...models: string[]): string[] {
  return models.flatMap((model) => [model, `${model}List`]);
}

/** The first pattern that fits a model's name gives the package its component is named after; `core` is the rest. */
export const packages: readonly (readonly [pattern: RegExp, packageName: string])[] = [
  [
    /^V1(API(Group|Resource|ResourceList|Versions)|Condition|DeleteOptions|FieldSelectorRequirement|GroupVersionForDiscovery|LabelSelector(Requirement)?|ListMeta|ManagedFieldsEntry|ObjectMeta|OwnerReference|Preconditions|ServerAddressByClientCIDR|ShardInfo|Status(Cause|Details)?|WatchEvent)$/,
    "io.k8s.apimachinery.pkg.apis.meta.v1",
  ],
  [/^V1(StatefulSet|ControllerRevision|RollingUpdateStatefulSet)/, "io.k8s.api.apps.v1"],
  [/^V1(Job|PodFailurePolicy|SuccessPolicy|UncountedTerminatedPods)/, "io.k8s.api.batch.v1"],
  [/^V1Scale(Spec|Status)?$/, "io.k8s.api.autoscaling.v1"],
  [/^V2/, "io.k8s.api.autoscaling.v2"],
  [/^V1Lease/, "io.k8s.api.coordination.v1"],
  [/^EventsV1/, "io.k8s.api.events.v1"],
  [/^(RbacV1|V1(Cluster)?Role|V1(AggregationRule|PolicyRule)$)/, "io.k8s.api.rbac.v1"],
  [
    /^V1((Local|Self)?Subject(Access|Rules)Review|(Non)?Resource(Attributes|Rule)$|(Field|Label)SelectorAttributes$)/,
    "io.k8s.api.authorization.v1",
  ],
  [
    /^(AuthenticationV1|V1(Token(Review|Request)|SelfSubjectReview|BoundObjectReference|UserInfo))/,
    "io.k8s.api.authentication.v1",
  ],
  [/./, "io.k8s.api.core.v1"],
];

export const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const quantityName = "io.k8s.apimachinery.pkg.api.resource.Quantity";
export const intOrStringName = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";
export const rawExtensionName = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/** Types that are scalars or free-form on the wire and have no model. */
export const wellKnownTypes: { readonly [name: string]: Schema } = {
  [`${metaPackage}.Time`]: {
    type: "string",
    format: "date-time",
    description: "A point in time in RFC 3339 form, UTC, with whole seconds, for example 2026-01-31T08:00:00Z.",
  },
  [`${metaPackage}.MicroTime`]: {
    type: "string",
    format: "date-time",
    description: "A point in time in RFC 3339 form, UTC, with microseconds.",
  },
  [quantityName]: {
    format: "quantity",
    "x-kubernetes-int-or-string": true,
    description:
      "An amount: a decimal number with an optional suffix. n, u, m, k, M, G, T, P and E are powers of 1000, Ki, Mi, Gi, Ti, Pi and Ei powers of 1024, and e3 or E3 is an exponent. 100m of cpu is a tenth of a core, 1Gi of memory 1073741824 bytes.",
  },
  [intOrStringName]: {
    format: "int-or-string",
    "x-kubernetes-int-or-string": true,
    description: "Either a 32-bit integer or a string, such as a port number or its name, a count or a percentage.",
  },
  [rawExtensionName]: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    description: "Any object, kept as it is.",
  },
  [`${metaPackage}.FieldsV1`]: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    description:
      "A set of fields as a tree: f:NAME is a member, k:{KEYS} an entry of a list by its keys, v:VALUE an entry of a set, i:INDEX an entry by position, and . the node itself.",
  },
  [`${metaPackage}.Patch`]: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    description: "A change to an object, in the form that the request's Content-Type names.",
  },
};

/** Fields the models call `any`. */
export const anyTypes: { readonly [field: string]: string } = {
  "V1ControllerRevision.data": rawExtensionName,
  "V1ManagedFieldsEntry.fieldsV1": `${metaPackage}.FieldsV1`,
  "V1WatchEvent.object": rawExtensionName,
};

/** Fields the models call `string`, or maps of it. */
export const quantities: ReadonlySet<string> = new Set([
  "V1ContainerStatus.allocatedResources",
  "V1EmptyDirVolumeSource.sizeLimit",
  "V1PersistentVolumeClaimStatus.allocatedResources",
  "V1PersistentVolumeClaimStatus.capacity",
  "V1PodSpec.overhead",
  "V1PodStatus.allocatedResources",
  "V1ResourceFieldSelector.divisor",
  "V1ResourceRequirements.limits",
  "V1ResourceRequirements.requests",
  "V1VolumeResourceRequirements.limits",
  "V1VolumeResourceRequirements.requests",
  "V2HPAScalingRules.tolerance",
  "V2MetricTarget.averageValue",
  "V2MetricTarget.value",
  "V2MetricValueStatus.averageValue",
  "V2MetricValueStatus.value",
]);

/** Every other list but a List's `items` is atomic. */
export const lists: { readonly [field: string]: ListFacts } = {
  "V1Container.env": keyedBy("name"),
  "V1Container.ports": keyedBy("containerPort", "protocol"),
  "V1Container.volumeDevices": keyedBy("devicePath"),
  "V1Container.volumeMounts": keyedBy("mountPath"),
  "V1ContainerRestartRuleOnExitCodes.values": { "x-kubernetes-list-type": "set" },
  "V1ContainerStatus.allocatedResourcesStatus": keyedBy("name"),
  "V1ContainerStatus.volumeMounts": keyedBy("mountPath"),
  "V1EphemeralContainer.env": keyedBy("name"),
  "V1EphemeralContainer.ports": keyedBy("containerPort", "protocol"),
  "V1EphemeralContainer.volumeDevices": keyedBy("devicePath"),
  "V1EphemeralContainer.volumeMounts": keyedBy("mountPath"),
  "V1JobStatus.conditions": { ...patchedBy("type"), "x-kubernetes-list-type": "atomic" },
  "V1NamespaceStatus.conditions": keyedBy("type"),
  "V1ObjectMeta.finalizers": { "x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge" },
  "V1ObjectMeta.ownerReferences": keyedBy("uid"),
  "V1PersistentVolumeClaimStatus.conditions": keyedBy("type"),
  "V1PodFailurePolicyOnExitCodesRequirement.values": { "x-kubernetes-list-type": "set" },
  "V1PodSpec.containers": keyedBy("name"),
  "V1PodSpec.ephemeralContainers": keyedBy("name"),
  "V1PodSpec.hostAliases": keyedBy("ip"),
  "V1PodSpec.imagePullSecrets": keyedBy("name"),
  "V1PodSpec.initContainers": keyedBy("name"),
  "V1PodSpec.resourceClaims": { ...keyedBy("name"), "x-kubernetes-patch-strategy": "merge,retainKeys" },
  "V1PodSpec.schedulingGates": keyedBy("name"),
  "V1PodSpec.topologySpreadConstraints": keyedBy("topologyKey", "whenUnsatisfiable"),
  "V1PodSpec.volumes": { ...keyedBy("name"), "x-kubernetes-patch-strategy": "merge,retainKeys" },
  "V1PodStatus.conditions": keyedBy("type"),
  "V1PodStatus.hostIPs": { ...patchedBy("ip"), "x-kubernetes-list-type": "atomic" },
  "V1PodStatus.podIPs": keyedBy("ip"),
  "V1PodStatus.resourceClaimStatuses": { ...keyedBy("name"), "x-kubernetes-patch-strategy": "merge,retainKeys" },
  "V1ResourceRequirements.claims": { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
  "V1ResourceStatus.resources": { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["resourceID"] },
  "V1ServiceAccount.secrets": keyedBy("name"),
  "V1ServiceSpec.ports": keyedBy("port", "protocol"),
  "V1ServiceStatus.conditions": keyedBy("type"),
  "V1StatefulSetStatus.conditions": keyedBy("type"),
  "V1UncountedTerminatedPods.failed": { "x-kubernetes-list-type": "set" },
  "V1UncountedTerminatedPods.succeeded": { "x-kubernetes-list-type": "set" },
  "V2HorizontalPodAutoscalerStatus.conditions": keyedBy("type"),
};

/**
 * Descriptions of fields, or of all fields of a type, where the models have none: they drop those of references. Other
 * references are read with the description of the type.
 */
export const undocumented: { readonly [fieldOrType: string]: string } = {
  V1ObjectMeta: "Name, namespace, labels, annotations, owners and what else all objects have in common.",
  V1ListMeta: "The revision that the list shows, and how to continue it when it was limited.",
  V1ShardInfo: "Which part of the objects the list shows, when a selector divided them among several readers.",
  V1Preconditions: "What must hold of the stored object; otherwise nothing is done, and the answer is a conflict.",
  V1StatusDetails: "Which object the answer is about, every cause of a failure, and when trying again makes sense.",
  "V1WatchEvent.type": "What happened: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.",
};

/** Models, and maps of strings, that have one owner as a whole. */
export const atomicMaps: ReadonlySet<string> = new Set([
  "RbacV1Subject",
  "V1ConfigMapKeySelector",
  "V1FileKeySelector",
  "V1LabelSelector",
  "V1LocalObjectReference",
  "V1NodeSelector",
  "V1NodeSelectorTerm",
  "V1ObjectFieldSelector",
  "V1ObjectReference",
  "V1OwnerReference",
  "V1PodSpec.nodeSelector",
  "V1ResourceFieldSelector",
  "V1RoleRef",
  "V1SecretKeySelector",
  "V1ServiceSpec.selector",
  "V1TypedLocalObjectReference",
]);

/** List keys that may be left out need a value to compare by. */
export const defaults: { readonly [field: string]: string } = {
  "V1ContainerPort.protocol": "TCP",
  "V1ServicePort.protocol": "TCP",
};

const pullPolicies = ["Always", "IfNotPresent", "Never"];
const protocols = ["SCTP", "TCP", "UDP"];
const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
const messagePolicies = ["FallbackToLogsOnError", "File"];
const securityProfiles = ["Localhost", "RuntimeDefault", "Unconfined"];

/** Closed sets of values; those only a controller writes are left open. */
export const enums: { readonly [field: string]: readonly string[] } = {
  "V1AppArmorProfile.type": securityProfiles,
  "V1AzureDiskVolumeSource.cachingMode": ["None", "ReadOnly", "ReadWrite"],
  "V1AzureDiskVolumeSource.kind": ["Dedicated", "Managed", "Shared"],
  "V1Container.imagePullPolicy": pullPolicies,
  "V1Container.terminationMessagePolicy": messagePolicies,
  "V1ContainerPort.protocol": protocols,
  "V1EphemeralContainer.imagePullPolicy": pullPolicies,
  "V1EphemeralContainer.terminationMessagePolicy": messagePolicies,
  "V1HTTPGetAction.scheme": ["HTTP", "HTTPS"],
  "V1HostPathVolumeSource.type": [
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
  ],
  "V1ImageVolumeSource.pullPolicy": pullPolicies,
  "V1JobSpec.completionMode": ["Indexed", "NonIndexed"],
  "V1JobSpec.podReplacementPolicy": ["Failed", "TerminatingOrFailed"],
  "V1NodeSelectorRequirement.operator": ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"],
  "V1PersistentVolumeClaimSpec.accessModes": accessModes,
  "V1PersistentVolumeClaimSpec.volumeMode": ["Block", "Filesystem"],
  "V1PodFailurePolicyOnExitCodesRequirement.operator": ["In", "NotIn"],
  "V1PodFailurePolicyRule.action": ["Count", "FailIndex", "FailJob", "Ignore"],
  "V1PodSecurityContext.fsGroupChangePolicy": ["Always", "OnRootMismatch"],
  "V1PodSecurityContext.supplementalGroupsPolicy": ["Merge", "Strict"],
  "V1PodSpec.dnsPolicy": ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
  "V1PodSpec.preemptionPolicy": ["Never", "PreemptLowerPriority"],
  "V1PodSpec.restartPolicy": ["Always", "Never", "OnFailure"],
  "V1SeccompProfile.type": securityProfiles,
  "V1SecurityContext.procMount": ["Default", "Unmasked"],
  "V1ServicePort.protocol": protocols,
  "V1ServiceSpec.externalTrafficPolicy": ["Cluster", "Local"],
  "V1ServiceSpec.internalTrafficPolicy": ["Cluster", "Local"],
  "V1ServiceSpec.ipFamilyPolicy": ["PreferDualStack", "RequireDualStack", "SingleStack"],
  "V1ServiceSpec.sessionAffinity": ["ClientIP", "None"],
  "V1ServiceSpec.type": ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
  "V1StatefulSetSpec.podManagementPolicy": ["OrderedReady", "Parallel"],
  "V1StatefulSetUpdateStrategy.type": ["OnDelete", "Recreate", "RollingUpdate"],
  "V1Toleration.effect": ["NoExecute", "NoSchedule", "PreferNoSchedule"],
  "V1Toleration.operator": ["Equal", "Exists", "Gt", "Lt"],
  "V1TopologySpreadConstraint.nodeAffinityPolicy": ["Honor", "Ignore"],
  "V1TopologySpreadConstraint.nodeTaintsPolicy": ["Honor", "Ignore"],
  "V1TopologySpreadConstraint.whenUnsatisfiable": ["DoNotSchedule", "ScheduleAnyway"],
  "V1VolumeMount.mountPropagation": ["Bidirectional", "HostToContainer", "None"],
};
