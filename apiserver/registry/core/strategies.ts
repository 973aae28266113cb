/**
 * What the core kinds of the standalone host do beyond their schema: the defaults and rules that controllers and
 * kubectl rely on. A laptop's host, not a replacement for kube-apiserver: fields nobody here reads are stored as given.
 */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../machinery/fields.ts";
import { isObject } from "../../machinery/json.ts";
import { labelProblems, pathSegmentProblems } from "../../machinery/names.ts";
import type { Strategy } from "../rest/strategy.ts";
import {
  defaultGracePeriodSeconds,
  withClaimDefaults,
  withDefaults,
  withPatience,
  withRunningDefaults,
  withTemplateDefaults,
} from "./pod-defaults.ts";
import { qosClassOf } from "./pod-qos.ts";
import * as service from "./service.ts";
import { validateAutoscaler } from "./validation/autoscaler.ts";
import { textsIn } from "./validation/checks.ts";
import * as config from "./validation/config.ts";
import { validatePodTemplate } from "./validation/pod-spec.ts";
import * as rbac from "./validation/rbac.ts";
import { validateService, validateServiceUpdate } from "./validation/service.ts";
import * as small from "./validation/small-kinds.ts";
import * as workloads from "./validation/workloads.ts";

const builtIn: Strategy = { allowUnconditionalUpdate: true, statusTakesLabels: true };

/** Their spec is no more than what they are. */
const uncounted: Strategy = { ...builtIn, tracksGeneration: false };

function withSpec(object: KubeObject, defaults: JsonObject): KubeObject {
  return { ...object, spec: { ...defaults, ...objectOf(object, "spec") } };
}

export const plainStrategy: Strategy = builtIn;

/** Policies select namespaces by labels, so each has its name among them. */
function withNameLabel(object: KubeObject): KubeObject {
  const { metadata } = object;
  const { name = "" } = metadata;
  if (name === "") return object;
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, "kubernetes.io/metadata.name": name } } };
}

export const namespaceStrategy: Strategy = {
  ...uncounted,
  validateName: labelProblems,
  default: withNameLabel,
  // A generated name is known only now.
  prepareForCreate: (object) => ({
    ...withNameLabel(object),
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
  // Only `/finalize` changes what holds a namespace's deletion.
  prepareForUpdate: (object, old) => ({ ...object, spec: { ...objectOf(old, "spec") } }),
  prepareForDelete: (object) => ({ ...object, status: { ...objectOf(object, "status"), phase: "Terminating" } }),
  holdsDeletion: (object) => listOf(objectOf(object, "spec"), "finalizers").length > 0,
};

/** Base64 of text, as `stringData` becomes `data`. */
function mergeStringData(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object;
  const given = isObject(stringData) ? stringData : {};
  const encoded = Object.entries(given).map(
    ([key, text]) => [key, Buffer.from(String(text)).toString("base64")] as const,
  );
  const data = { ...objectOf(object, "data"), ...Object.fromEntries(encoded) };
  return { ...rest, ...(Object.keys(data).length === 0 ? {} : { data }), type: textOf(object, "type") || "Opaque" };
}

export const configMapStrategy: Strategy = {
  ...builtIn,
  validate: config.validateConfigMap,
  validateUpdate: config.validateImmutableData,
};
export const secretStrategy: Strategy = {
  ...builtIn,
  default: mergeStringData,
  validate: config.validateSecret,
  validateUpdate: config.validateSecretUpdate,
};

export const serviceStrategy: Strategy = {
  ...uncounted,
  createsOnUpdate: true,
  validateName: labelProblems,
  default: service.withServiceDefaults,
  prepareForCreate: (object) => ({ ...service.withAddress(object), status: { loadBalancer: {} } }),
  prepareForUpdate: service.keepingAddress,
  validate: validateService,
  validateUpdate: validateServiceUpdate,
};

/** Members that Kubernetes' Events always have, whether anybody set them or not: its type cannot leave them out. */
const eventMembers: JsonObject = {
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: "",
  reportingInstance: "",
};
const withEventMembers = (object: KubeObject): KubeObject => ({ ...eventMembers, ...object });

export const eventStrategy: Strategy = {
  ...builtIn,
  createsOnUpdate: true,
  prepareForCreate: withEventMembers,
  prepareForUpdate: withEventMembers,
  validate: small.validateEvent,
  validateUpdate: (event, old) => small.validateEventUpdate(event, withEventMembers(old)),
};
export const leaseStrategy: Strategy = { ...uncounted, createsOnUpdate: true, validate: small.validateLease };
export const controllerRevisionStrategy: Strategy = {
  ...builtIn,
  validate: small.validateRevision,
  validateUpdate: small.validateRevisionUpdate,
};

/** A pod gets a second at least: a negative time says "at once" (kube-apiserver keeps it as 1). */
function withPositiveGrace(pod: KubeObject): KubeObject {
  const spec = objectOf(pod, "spec");
  return (numericOf(spec, "terminationGracePeriodSeconds") ?? 0) < 0
    ? { ...pod, spec: { ...spec, terminationGracePeriodSeconds: 1 } }
    : pod;
}

export const podStrategy: Strategy = {
  ...builtIn,
  default: (object) =>
    withPositiveGrace({
      ...object,
      spec: withRunningDefaults(objectOf(object, "spec")),
    }),
  prepareForCreate: (object) => ({
    ...object,
    spec: withPatience(objectOf(object, "spec")),
    status: { phase: "Pending", qosClass: qosClassOf(objectOf(object, "spec")) },
  }),
  prepareForUpdate: (object) => ({ ...object, spec: withPatience(objectOf(object, "spec")) }),
  // A pod that gets its node is the same pod.
  desiredState: (object) => {
    const { nodeName: _nodeName, ...spec } = objectOf(object, "spec") ?? {};
    return { ...object, spec };
  },
  validate: workloads.validatePod,
  validateUpdate: workloads.validatePodUpdate,
  gracePeriodSeconds: (object, requested) => {
    // A pod that never ran, or has ended, has nothing to stop.
    const phase = textOf(objectOf(object, "status"), "phase");
    if (textOf(objectOf(object, "spec"), "nodeName") === "" || phase === "Succeeded" || phase === "Failed") return 0;
    return (
      requested ?? numericOf(objectOf(object, "spec"), "terminationGracePeriodSeconds") ?? defaultGracePeriodSeconds
    );
  },
};

function withUpdateDefaults(strategy: JsonObject | undefined): JsonObject {
  const complete = withDefaults(strategy, { type: "RollingUpdate" });
  if (complete.type !== "RollingUpdate") return complete;
  return { ...complete, rollingUpdate: { partition: 0, ...objectOf(strategy, "rollingUpdate") } };
}

export const statefulSetStrategy: Strategy = {
  ...builtIn,
  default: (object) => {
    const spec = objectOf(object, "spec") ?? {};
    return {
      ...object,
      spec: {
        ...withDefaults(withClaimDefaults(withTemplateDefaults(spec)), {
          replicas: 1,
          podManagementPolicy: "OrderedReady",
          revisionHistoryLimit: 10,
        }),
        updateStrategy: withUpdateDefaults(objectOf(spec, "updateStrategy")),
        persistentVolumeClaimRetentionPolicy: withDefaults(objectOf(spec, "persistentVolumeClaimRetentionPolicy"), {
          whenDeleted: "Retain",
          whenScaled: "Retain",
        }),
      },
    };
  },
  prepareForCreate: (object) => ({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
  validate: workloads.validateStatefulSet,
  validateUpdate: workloads.validateStatefulSetUpdate,
  validateStatus: workloads.validateStatefulSetStatus,
};

/** How fast an autoscaler goes that says something of its speed, and not this. */
const scaleUp: JsonObject = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [
    { type: "Pods", value: 4, periodSeconds: 15 },
    { type: "Percent", value: 100, periodSeconds: 15 },
  ],
};
const scaleDown: JsonObject = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };

function withPace(object: KubeObject): KubeObject {
  const spec = objectOf(object, "spec");
  const behavior = objectOf(spec, "behavior");
  if (behavior === undefined) return object;
  const paced = {
    ...behavior,
    scaleUp: withDefaults(objectOf(behavior, "scaleUp"), scaleUp),
    scaleDown: withDefaults(objectOf(behavior, "scaleDown"), scaleDown),
  };
  return { ...object, spec: { ...spec, behavior: paced } };
}

export const horizontalPodAutoscalerStrategy: Strategy = {
  ...builtIn,
  default: (object) =>
    withSpec(withPace(object), {
      minReplicas: 1,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ],
    }),
  validate: validateAutoscaler,
};

export const jobStrategy: Strategy = {
  ...builtIn,
  default: (object) => {
    const spec = objectOf(object, "spec") ?? {};
    return {
      ...object,
      spec: {
        parallelism: 1,
        // Without either number one pod runs to its end; with `parallelism` alone the first success ends the Job.
        ...(isSet(spec, "parallelism") ? {} : { completions: 1 }),
        backoffLimit: isSet(spec, "backoffLimitPerIndex") ? 2 ** 31 - 1 : 6,
        completionMode: "NonIndexed",
        suspend: false,
        podReplacementPolicy: isSet(spec, "podFailurePolicy") ? "Failed" : "TerminatingOrFailed",
        manualSelector: false,
        ...withFailureDefaults(withTemplateDefaults(spec)),
      },
    };
  },
  prepareForCreate: selectOwnPods,
  validate: workloads.validateJob,
  validateUpdate: workloads.validateJobUpdate,
};

/** A condition that a failure is judged by is looked for as true. */
function withFailureDefaults(spec: JsonObject): JsonObject {
  const policy = objectOf(spec, "podFailurePolicy");
  if (policy === undefined) return spec;
  const rules = listOf(policy, "rules").map((rule) => {
    const conditions = isObject(rule) ? listOf(rule, "onPodConditions") : [];
    if (!isObject(rule) || conditions.length === 0) return rule;
    return {
      ...rule,
      onPodConditions: conditions.map((one) => (isObject(one) ? withDefaults(one, { status: "True" }) : one)),
    };
  });
  return { ...spec, podFailurePolicy: { ...policy, rules } };
}

/** A Job finds its pods by its own uid, unless its author took that over. */
function selectOwnPods(object: KubeObject): KubeObject {
  const spec = objectOf(object, "spec");
  if (spec?.manualSelector === true) return object;
  const labels = {
    "batch.kubernetes.io/controller-uid": object.metadata.uid ?? "",
    "batch.kubernetes.io/job-name": object.metadata.name ?? "",
    "controller-uid": object.metadata.uid ?? "",
    "job-name": object.metadata.name ?? "",
  };
  const selector = objectOf(spec, "selector");
  const template = objectOf(spec, "template");
  const metadata = objectOf(template, "metadata");
  const templateLabels = { ...textsIn(metadata, "labels"), ...labels };
  const own = object.metadata.labels ?? {};
  return {
    ...object,
    // A Job that has no labels is found by those of its pods.
    metadata: { ...object.metadata, labels: Object.keys(own).length === 0 ? templateLabels : own },
    spec: {
      ...spec,
      selector: {
        ...selector,
        matchLabels: {
          ...objectOf(selector, "matchLabels"),
          "batch.kubernetes.io/controller-uid": object.metadata.uid ?? "",
        },
      },
      template: { ...template, metadata: { ...metadata, labels: templateLabels } },
    },
    status: {},
  };
}

export const podTemplateStrategy: Strategy = {
  ...builtIn,
  default: (object) => ({ ...object, ...withTemplateDefaults({ template: objectOf(object, "template") ?? {} }) }),
  validate: (object) => validatePodTemplate(objectOf(object, "template"), "template"),
};

/** Nothing here binds a volume or makes one; they are kept for who looks them up. */
export const persistentVolumeStrategy: Strategy = {
  ...uncounted,
  default: (object) => withSpec(object, { persistentVolumeReclaimPolicy: "Retain", volumeMode: "Filesystem" }),
  prepareForCreate: (object) => ({ ...object, status: { phase: "Available" } }),
  validate: small.validateVolume,
};

export const persistentVolumeClaimStrategy: Strategy = {
  ...uncounted,
  default: (object) => withSpec(object, { volumeMode: "Filesystem" }),
  prepareForCreate: (object) => ({ ...object, status: { phase: "Pending" } }),
  validate: small.validateClaim,
  validateUpdate: small.validateClaimUpdate,
};

/** Role names may hold colons, as `system:discovery` does. */
const rbacNames: Strategy = { ...builtIn, createsOnUpdate: true, validateName: pathSegmentProblems };
export const roleStrategy: Strategy = { ...rbacNames, validate: rbac.validateRole };
export const clusterRoleStrategy: Strategy = { ...rbacNames, validate: rbac.validateClusterRole };

const bindings: Strategy = { ...rbacNames, default: withRbacGroup, validateUpdate: rbac.validateRoleBindingUpdate };
export const roleBindingStrategy: Strategy = { ...bindings, validate: rbac.validateRoleBinding };
export const clusterRoleBindingStrategy: Strategy = { ...bindings, validate: rbac.validateClusterRoleBinding };

/** Users and groups are of RBAC's own group; service accounts, being objects of the core group, of none. */
function withRbacGroup(object: KubeObject): KubeObject {
  const apiGroup = rbac.rbacGroup;
  const subjects = listOf(object, "subjects").map((subject) =>
    isObject(subject) && subject.kind !== "ServiceAccount" ? { apiGroup, ...subject } : subject,
  );
  return {
    ...object,
    roleRef: { apiGroup, ...objectOf(object, "roleRef") },
    ...(isSet(object, "subjects") ? { subjects } : {}),
  };
}
