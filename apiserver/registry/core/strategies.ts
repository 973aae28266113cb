/**
 * What the core kinds of the standalone host do beyond their schema: the defaults and rules that controllers and
 * kubectl rely on. A laptop's host, not a replacement for kube-apiserver: fields nobody here reads are stored as given.
 */
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, path, required } from "../../errors/field-error.ts";
import { isSet, listOf, numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import { deepEqual, isObject } from "../../machinery/json.ts";
import { labelProblems, pathSegmentProblems } from "../../machinery/names.ts";
import type { Strategy } from "../rest/strategy.ts";

const builtIn: Strategy = { allowUnconditionalUpdate: true, statusTakesLabels: true };

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
  ...builtIn,
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

function immutableData(object: KubeObject, old: KubeObject): readonly FieldError[] {
  if (old.immutable !== true) return [];
  return ["data", "binaryData", "immutable"].flatMap((field) =>
    deepEqual(object[field] ?? null, old[field] ?? null)
      ? []
      : [forbiddenField(path(field), "field is immutable when `immutable` is set")],
  );
}

export const configMapStrategy: Strategy = { ...builtIn, validateUpdate: immutableData };
export const secretStrategy: Strategy = {
  ...builtIn,
  default: mergeStringData,
  validateUpdate: (object, old) => [
    ...immutableData(object, old),
    ...(object.type === old.type ? [] : [forbiddenField(path("type"), "field is immutable")]),
  ],
};

/** Addresses handed to services: from the usual service range, spread by a hash of the object's identity. */
function clusterAddress(object: KubeObject): string {
  let hash = 0;
  for (const char of `${object.metadata.namespace}/${object.metadata.name}`)
    hash = (hash * 31 + char.charCodeAt(0)) % 65_000;
  return `10.96.${(hash >> 8) & 255}.${hash & 255 || 1}`;
}

export const serviceStrategy: Strategy = {
  ...builtIn,
  validateName: labelProblems,
  default: (object) => {
    const ports = listOf(objectOf(object, "spec"), "ports").map((port) =>
      isObject(port) ? { protocol: "TCP", targetPort: numberOf(port, "port") ?? 0, ...port } : port,
    );
    const service = withSpec(object, { type: "ClusterIP", sessionAffinity: "None", internalTrafficPolicy: "Cluster" });
    return { ...service, spec: { ...objectOf(service, "spec"), ...(ports.length === 0 ? {} : { ports }) } };
  },
  prepareForCreate: (object) => {
    const spec = objectOf(object, "spec");
    if (textOf(spec, "type") === "ExternalName" || textOf(spec, "clusterIP") !== "") return withAddresses(object);
    return withAddresses({ ...object, spec: { ...spec, clusterIP: clusterAddress(object) } });
  },
  // The address is the server's once it is given; a manifest that does not name it keeps it.
  prepareForUpdate: (object, old) => {
    const [spec, oldSpec] = [objectOf(object, "spec"), objectOf(old, "spec")];
    const given = textOf(spec, "clusterIP") || textOf(oldSpec, "clusterIP");
    return withAddresses({ ...object, spec: { ...spec, ...(given === "" ? {} : { clusterIP: given }) } });
  },
};

function withAddresses(object: KubeObject): KubeObject {
  const spec = objectOf(object, "spec");
  const address = textOf(spec, "clusterIP");
  if (address === "") return object;
  return { ...object, spec: { ...spec, clusterIPs: [address], ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" } };
}

/** Seconds a pod gets to stop when nobody says otherwise. */
const defaultGracePeriodSeconds = 30;

export const podStrategy: Strategy = {
  ...builtIn,
  default: (object) =>
    withSpec(object, {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: defaultGracePeriodSeconds,
      dnsPolicy: "ClusterFirst",
      schedulerName: "default-scheduler",
      serviceAccountName: "default",
    }),
  prepareForCreate: (object) => ({ ...object, status: { phase: "Pending", qosClass: "Burstable" } }),
  gracePeriodSeconds: (object, requested) => {
    // A pod that never ran, or has ended, has nothing to stop.
    const phase = textOf(objectOf(object, "status"), "phase");
    if (textOf(objectOf(object, "spec"), "nodeName") === "" || phase === "Succeeded" || phase === "Failed") return 0;
    return (
      requested ?? numberOf(objectOf(object, "spec"), "terminationGracePeriodSeconds") ?? defaultGracePeriodSeconds
    );
  },
};

/** Fields of a StatefulSet's spec that may change after creation. */
const mutableStatefulSetFields = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
];

function withoutFields(object: JsonObject | undefined, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([field]) => !fields.includes(field)));
}

export const statefulSetStrategy: Strategy = {
  ...builtIn,
  default: (object) =>
    withSpec(object, {
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 10,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    }),
  prepareForCreate: (object) => ({ ...object, status: { replicas: 0, availableReplicas: 0 } }),
  validateUpdate: (object, old) =>
    deepEqual(
      withoutFields(objectOf(object, "spec"), mutableStatefulSetFields),
      withoutFields(objectOf(old, "spec"), mutableStatefulSetFields),
    )
      ? []
      : [
          forbiddenField(
            path("spec"),
            `updates to statefulset spec for fields other than ${mutableStatefulSetFields.map((f) => `'${f}'`).join(", ")} are forbidden`,
          ),
        ],
};

export const horizontalPodAutoscalerStrategy: Strategy = {
  ...builtIn,
  default: (object) =>
    withSpec(object, {
      minReplicas: 1,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ],
    }),
};

export const jobStrategy: Strategy = {
  ...builtIn,
  default: (object) =>
    withSpec(object, {
      parallelism: 1,
      completions: 1,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      suspend: false,
      podReplacementPolicy: "TerminatingOrFailed",
    }),
  prepareForCreate: selectOwnPods,
};

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
  const template = objectOf(spec, "template");
  const metadata = objectOf(template, "metadata");
  return {
    ...object,
    spec: {
      ...spec,
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": object.metadata.uid ?? "" } },
      template: { ...template, metadata: { ...metadata, labels: { ...objectOf(metadata, "labels"), ...labels } } },
    },
    status: {},
  };
}

export const persistentVolumeClaimStrategy: Strategy = {
  ...builtIn,
  prepareForCreate: (object) => ({ ...object, status: { phase: "Pending" } }),
};

/** Role names may hold colons, as `system:discovery` does. */
export const roleStrategy: Strategy = { ...builtIn, validateName: pathSegmentProblems };

const rbacGroup = "rbac.authorization.k8s.io";

export const roleBindingStrategy: Strategy = {
  ...roleStrategy,
  default: (object) => ({
    ...object,
    roleRef: { apiGroup: rbacGroup, ...objectOf(object, "roleRef") },
    ...(isSet(object, "subjects")
      ? {
          subjects: listOf(object, "subjects").map((subject) =>
            isObject(subject) && subject.kind !== "ServiceAccount" ? { apiGroup: rbacGroup, ...subject } : subject,
          ),
        }
      : {}),
  }),
  validate: (object) =>
    textOf(objectOf(object, "roleRef"), "name") === ""
      ? [required(path("roleRef", "name"), "name of the role that is granted")]
      : [],
  validateUpdate: (object, old) =>
    deepEqual(object.roleRef ?? null, old.roleRef ?? null)
      ? []
      : [forbiddenField(path("roleRef"), "cannot change roleRef")],
};
