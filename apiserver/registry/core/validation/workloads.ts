/** What StatefulSets, Pods and Jobs may ask for. */
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  path,
  required,
  tooLong,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { deepEqual, isObject } from "../../../machinery/json.ts";
import { labelProblems } from "../../../machinery/names.ts";
import {
  entriesAt,
  type Fields,
  named,
  notNegative,
  selectorErrors,
  selectorOf,
  textsIn,
  unchanged,
} from "./checks.ts";
import { jobPolicyErrors } from "./job-policies.ts";
import {
  fixedPodSpec,
  podUpdateRefusal,
  restartPolicyAlways,
  validatePodSpec,
  validatePodTemplate,
} from "./pod-spec.ts";

const templateAt = path("spec", "template");

/** The pods of a template must be those that the selector finds. */
function selectionErrors(spec: Fields, kind: string): readonly FieldError[] {
  const selectorAt = path("spec", "selector");
  if (!isSet(spec, "selector")) return [required(selectorAt, "")];
  const errors = selectorErrors(spec, "selector", "spec");
  if (errors.length > 0) return errors;
  const selector = selectorOf(spec, "selector");
  if (selector.empty) return [invalid(selectorAt, objectOf(spec, "selector"), `empty selector is invalid for ${kind}`)];
  const labels = textsIn(objectOf(objectOf(spec, "template"), "metadata"), "labels");
  return selector.matches(labels)
    ? []
    : [invalid(joinPath(templateAt, "metadata", "labels"), labels, "`selector` does not match template `labels`")];
}

export function validateStatefulSet(set: KubeObject): readonly FieldError[] {
  const spec = objectOf(set, "spec");
  const strategy = objectOf(spec, "updateStrategy");
  const rollingUpdate = objectOf(strategy, "rollingUpdate");
  const strategyAt = path("spec", "updateStrategy");
  const template = objectOf(spec, "template");
  const type = textOf(strategy, "type");
  const serviceName = textOf(spec, "serviceName");
  return [
    ...(["RollingUpdate", "OnDelete"].includes(type)
      ? []
      : [invalid(strategyAt, strategy ?? null, "must be 'RollingUpdate' or 'OnDelete'")]),
    ...(type === "OnDelete" && rollingUpdate !== undefined
      ? [
          invalid(
            joinPath(strategyAt, "rollingUpdate"),
            rollingUpdate,
            "only allowed for updateStrategy 'RollingUpdate'",
          ),
        ]
      : []),
    ...notNegative(rollingUpdate, ["partition"], joinPath(strategyAt, "rollingUpdate")),
    ...retentionErrors(objectOf(spec, "persistentVolumeClaimRetentionPolicy")),
    ...notNegative(spec, ["replicas", "minReadySeconds"], "spec"),
    ...notNegative(objectOf(spec, "ordinals"), ["start"], path("spec", "ordinals")),
    ...(serviceName === "" ? [] : named(serviceName, path("spec", "serviceName"), labelProblems)),
    ...selectionErrors(spec, "statefulset"),
    ...restartPolicyAlways(template, templateAt),
    ...(isSet(objectOf(template, "spec"), "activeDeadlineSeconds")
      ? [
          forbiddenField(
            joinPath(templateAt, "spec", "activeDeadlineSeconds"),
            "activeDeadlineSeconds in StatefulSet is not Supported",
          ),
        ]
      : []),
    ...validatePodTemplate(withClaimVolumes(template, spec), templateAt),
  ];
}

/** Containers mount the claims of a StatefulSet by the names of their templates. */
function withClaimVolumes(template: Fields, spec: Fields): Fields {
  const claims = entriesAt(listOf(spec, "volumeClaimTemplates"), "").map(([claim]) => ({
    name: textOf(objectOf(claim, "metadata"), "name"),
  }));
  if (claims.length === 0) return template;
  const podSpec = objectOf(template, "spec");
  const names = new Set(claims.map(({ name }) => name));
  const volumes = entriesAt(listOf(podSpec, "volumes"), "")
    .map(([volume]) => volume)
    .filter((volume) => !names.has(textOf(volume, "name")));
  return { ...template, spec: { ...podSpec, volumes: [...volumes, ...claims] } };
}

function retentionErrors(policy: Fields): readonly FieldError[] {
  const at = path("spec", "persistentVolumeClaimRetentionPolicy");
  return ["whenDeleted", "whenScaled"].flatMap((field) => {
    const value = textOf(policy, field);
    return value === "" || value === "Retain" || value === "Delete"
      ? []
      : [notSupported(joinPath(at, field), value, ["Retain", "Delete"])];
  });
}

export const validateStatefulSetUpdate = (set: KubeObject, old: KubeObject): readonly FieldError[] =>
  unchanged(
    objectOf(set, "spec"),
    objectOf(old, "spec"),
    ["selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy"],
    "spec",
  );

/** Pods of which a StatefulSet's status tells how many there are. */
const countedPods = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];

export function validateStatefulSetStatus(set: KubeObject, old: KubeObject): readonly FieldError[] {
  const [status, before] = [objectOf(set, "status"), objectOf(old, "status")];
  const count = (field: string): number => numericOf(status, field) ?? 0;
  const more = (field: string, than: string): readonly FieldError[] =>
    count(field) > count(than)
      ? [invalid(path("status", field), count(field), `cannot be greater than status.${than}`)]
      : [];
  const collisions = numericOf(before, "collisionCount");
  return [
    ...notNegative(status, ["replicas", ...countedPods, "observedGeneration", "collisionCount"], "status"),
    ...countedPods.flatMap((field) => more(field, "replicas")),
    ...more("availableReplicas", "readyReplicas"),
    ...(collisions !== undefined && count("collisionCount") < collisions
      ? [invalid(path("status", "collisionCount"), count("collisionCount"), "cannot be decremented")]
      : []),
  ];
}

export const validatePod = (pod: KubeObject): readonly FieldError[] => validatePodSpec(objectOf(pod, "spec"), "spec");

export function validatePodUpdate(pod: KubeObject, old: KubeObject): readonly FieldError[] {
  const [spec, oldSpec] = [objectOf(pod, "spec"), objectOf(old, "spec")];
  return deepEqual(fixedPodSpec(spec, oldSpec), fixedPodSpec(oldSpec, oldSpec))
    ? []
    : [forbiddenField("spec", podUpdateRefusal)];
}

const jobCounts = [
  "parallelism",
  "completions",
  "activeDeadlineSeconds",
  "backoffLimit",
  "ttlSecondsAfterFinished",
  "backoffLimitPerIndex",
  "maxFailedIndexes",
];
/** Pods of an Indexed Job at once; each index is kept in the Job's status. */
const maxIndexedParallelism = 100_000;
/** Characters of the name of a Job's controller. */
const maxManagedByLength = 63;

export function validateJob(job: KubeObject): readonly FieldError[] {
  const spec = objectOf(job, "spec");
  const template = objectOf(spec, "template");
  return [
    ...notNegative(spec, jobCounts, "spec"),
    ...indexErrors(spec),
    ...jobPolicyErrors(spec),
    ...(textOf(spec, "managedBy").length > maxManagedByLength
      ? [tooLong(path("spec", "managedBy"), maxManagedByLength, "bytes")]
      : []),
    ...ownSelectorErrors(spec),
    ...selectionErrors(spec, "job"),
    ...jobRestartErrors(template),
    ...validatePodTemplate(template, templateAt),
  ];
}

const ownLabels: ReadonlySet<string> = new Set(["batch.kubernetes.io/controller-uid", "controller-uid"]);

/** A Job that doesn't say `manualSelector` finds its pods by its uid and by nothing else. */
function ownSelectorErrors(spec: Fields): readonly FieldError[] {
  if (spec?.manualSelector === true) return [];
  const selector = objectOf(spec, "selector");
  const isOwn =
    Object.keys(objectOf(selector, "matchLabels") ?? {}).every((key) => ownLabels.has(key)) &&
    listOf(selector, "matchExpressions").length === 0;
  return isOwn ? [] : [invalid(path("spec", "selector"), selector, "`selector` not auto-generated")];
}

function jobRestartErrors(template: Fields): readonly FieldError[] {
  const at = joinPath(templateAt, "spec", "restartPolicy");
  const policy = textOf(objectOf(template, "spec"), "restartPolicy");
  const allowed = ["OnFailure", "Never"];
  if (policy === "" || policy === "Always")
    return [required(at, `valid values: ${allowed.map((one) => `"${one}"`).join(", ")}`)];
  return allowed.includes(policy) ? [] : [notSupported(at, policy, allowed)];
}

function indexErrors(spec: Fields): readonly FieldError[] {
  const indexed = textOf(spec, "completionMode") === "Indexed";
  if (!indexed) {
    return ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"]
      .filter((field) => isSet(spec, field))
      .map((field) => invalid(path("spec", field), spec?.[field] ?? null, "requires indexed completion mode"));
  }
  const parallelism = numericOf(spec, "parallelism") ?? 0;
  const completions = numericOf(spec, "completions");
  const failures = numericOf(spec, "maxFailedIndexes") ?? 0;
  const errors: FieldError[] = [];
  if (completions === undefined) {
    errors.push(required(path("spec", "completions"), "when completion mode is Indexed"));
  } else if (failures > completions) {
    errors.push(invalid(path("spec", "maxFailedIndexes"), failures, "must be less than or equal to completions"));
  }
  if (isSet(spec, "maxFailedIndexes") && !isSet(spec, "backoffLimitPerIndex")) {
    errors.push(required(path("spec", "backoffLimitPerIndex"), "when maxFailedIndexes is specified"));
  }
  if (parallelism > maxIndexedParallelism) {
    const detail = `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`;
    errors.push(invalid(path("spec", "parallelism"), parallelism, detail));
  }
  return errors;
}

const fixedJobFields = [
  "selector",
  "completionMode",
  "podFailurePolicy",
  "backoffLimitPerIndex",
  "managedBy",
  "successPolicy",
];

export function validateJobUpdate(job: KubeObject, old: KubeObject): readonly FieldError[] {
  const [spec, oldSpec] = [objectOf(job, "spec"), objectOf(old, "spec")];
  // The pods of an Indexed Job may become more or fewer, together with its completions.
  const elastic =
    textOf(spec, "completionMode") === "Indexed" && deepEqual(spec?.completions ?? null, spec?.parallelism ?? null);
  const waits = isAtRest(old);
  return unchanged(
    waits ? withoutPlacement(spec) : spec,
    waits ? withoutPlacement(oldSpec) : oldSpec,
    [...fixedJobFields, ...(elastic ? [] : ["completions"]), "template"],
    "spec",
  );
}

/** Suspended, with no pods left: where its pods are to run, and on how much, may still be said otherwise. */
function isAtRest(job: KubeObject): boolean {
  const status = objectOf(job, "status");
  const notStarted = !isSet(status, "startTime");
  const toldSo = listOf(status, "conditions")
    .filter(isObject)
    .some((condition) => condition.type === "Suspended" && condition.status === "True");
  const active = numericOf(status, "active") ?? 0;
  return objectOf(job, "spec")?.suspend === true && (notStarted || toldSo) && active === 0;
}

function withoutPlacement(spec: Fields): JsonObject {
  const template = objectOf(spec, "template");
  const { labels: _labels, annotations: _annotations, ...metadata } = objectOf(template, "metadata") ?? {};
  const {
    nodeSelector: _nodeSelector,
    tolerations: _tolerations,
    affinity: _affinity,
    schedulingGates: _gates,
    ...podSpec
  } = objectOf(template, "spec") ?? {};
  const fixed = {
    ...podSpec,
    ...withoutResources(podSpec, "initContainers"),
    ...withoutResources(podSpec, "containers"),
  };
  return { ...spec, template: { ...template, metadata, spec: fixed } };
}

function withoutResources(podSpec: JsonObject, field: "containers" | "initContainers"): JsonObject {
  if (!isSet(podSpec, field)) return {};
  const fixed = listOf(podSpec, field)
    .filter(isObject)
    .map(({ resources: _resources, ...container }) => container);
  return { [field]: fixed };
}
