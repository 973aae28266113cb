/**
 * What a cluster would refuse in the pods, claims and autoscaler of a workload, told of the field that its user wrote:
 * the rules of Kubernetes' own kinds, applied to the objects that would be made, with their paths led back.
 */
import { apiVersion, group } from "../../apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../errors/field-error.ts";
import { isSet, listOf, numberOf, objectOf, textOf, textsOf } from "../../machinery/fields.ts";
import { imageProblem } from "../../machinery/image-reference.ts";
import { isObject } from "../../machinery/json.ts";
import { labelProblems, subdomainProblems } from "../../machinery/names.ts";
import { validateLabels } from "../../machinery/object-meta.ts";
import { validateAutoscaler } from "../core/validation/autoscaler.ts";
import { annotationKeyErrors, entriesAt, named, textsIn } from "../core/validation/checks.ts";
import { validatePodSpec } from "../core/validation/pod-spec.ts";
import { validateClaim } from "../core/validation/small-kinds.ts";
import type { WorkloadKind } from "./defaults.ts";

/** Names that our own containers have (FM 4.4, 4.7, 4.8). */
const mainContainer = (kind: WorkloadKind): string => `pulsar-${kind.toLowerCase()}`;
const ourContainers = ["filebeat", "downloader"];

/** Where the fields of the pod that would be made come from. The longest prefix counts. */
type Origins = readonly (readonly [made: string, written: string])[];

/** Leads the path of an error back to what its user wrote; absent for what is none of theirs. */
function ledBack(error: FieldError, origins: Origins): readonly FieldError[] {
  for (const [made, written] of origins) {
    if (
      error.field === made ||
      ([".", "["].includes(error.field.charAt(made.length)) && error.field.startsWith(made))
    ) {
      return [{ ...error, field: written + error.field.slice(made.length) }];
    }
  }
  return [];
}

/** @param at  path of the spec of a workload, or of a BackendConfig, which has no containers of its own */
export function podErrors(spec: JsonObject, at: string, kind?: WorkloadKind): readonly FieldError[] {
  const pod = objectOf(spec, "pod") ?? {};
  const podAt = joinPath(at, "pod");
  const sidecars = listOf(pod, "sidecars");
  const claims = claimsOf(spec, at);
  const main = `pod.containers[${sidecars.length}]`;
  const probe = objectOf(pod, "startupProbe");
  const made: JsonObject = {
    ...pod,
    volumes: [
      ...listOf(pod, "volumes"),
      ...claims.map(({ name }) => ({ name, persistentVolumeClaim: { claimName: name } })),
    ],
    containers: [
      ...sidecars,
      {
        name: "main",
        image: "main",
        env: [...listOf(pod, "env")],
        ...(kind === undefined ? {} : { volumeMounts: [...listOf(spec, "volumeMounts")] }),
        ...(probe && { startupProbe: probe }),
        resources: otherResources(objectOf(spec, "resources")),
      },
    ],
  };
  const origins: Origins = [
    [`${main}.env`, joinPath(podAt, "env")],
    [`${main}.volumeMounts`, joinPath(at, "volumeMounts")],
    [`${main}.startupProbe`, joinPath(podAt, "startupProbe")],
    [`${main}.resources`, joinPath(at, "resources")],
    ["pod.containers", joinPath(podAt, "sidecars")],
    ["pod", podAt],
  ];
  return [
    ...validatePodSpec(made, "pod").flatMap((error) => ledBack(error, origins)),
    ...validateLabels(textsIn(pod, "labels"), joinPath(podAt, "labels")),
    ...annotationKeyErrors(pod, podAt),
    ...["sidecars", "initContainers"].flatMap((list) => containerErrors(pod, list, podAt, kind)),
    ...entriesAt(listOf(pod, "imagePullSecrets"), joinPath(podAt, "imagePullSecrets")).flatMap(([secret, secretAt]) =>
      textOf(secret, "name") === ""
        ? [required(joinPath(secretAt, "name"), "name of a Secret with registry credentials")]
        : named(textOf(secret, "name"), joinPath(secretAt, "name"), subdomainProblems),
    ),
    ...livenessErrors(pod, podAt),
  ];
}

/** `cpu`, `memory` and `storage` have rules of their own, which know the defaults. */
function otherResources(resources: JsonObject | undefined): JsonObject {
  const others = (field: string): JsonObject => {
    const { cpu: _cpu, memory: _memory, storage: _storage, ...rest } = objectOf(resources, field) ?? {};
    return rest;
  };
  return { requests: others("requests"), limits: others("limits"), claims: [...listOf(resources, "claims")] };
}

function containerErrors(
  pod: JsonObject,
  list: string,
  podAt: string,
  kind: WorkloadKind | undefined,
): readonly FieldError[] {
  const taken = kind === undefined ? ourContainers : [mainContainer(kind), ...ourContainers];
  return entriesAt(listOf(pod, list), joinPath(podAt, list)).flatMap(([container, at]) => {
    const [name, image] = [textOf(container, "name"), textOf(container, "image")];
    const problem = image === "" ? undefined : imageProblem(image);
    const policy = pullPolicyError(container, at);
    return [
      ...(taken.includes(name)
        ? [
            invalid(
              joinPath(at, "name"),
              name,
              `is the name of a container of ours; choose another than ${taken.join(", ")}`,
            ),
          ]
        : []),
      ...(problem === undefined ? [] : [invalid(joinPath(at, "image"), image, problem)]),
      ...(policy === undefined ? [] : [policy]),
    ];
  });
}

const pullPolicies = ["Always", "IfNotPresent", "Never"];

/** Of a container, or of a workload's spec. */
export function pullPolicyError(owner: JsonObject, at: string): FieldError | undefined {
  const policy = textOf(owner, "imagePullPolicy");
  if (policy === "" || pullPolicies.includes(policy)) return undefined;
  return {
    type: "FieldValueNotSupported",
    field: joinPath(at, "imagePullPolicy"),
    body: `Unsupported value: ${JSON.stringify(policy)}: supported values: ${pullPolicies.map((each) => JSON.stringify(each)).join(", ")}`,
  };
}

function livenessErrors(pod: JsonObject, podAt: string): readonly FieldError[] {
  const liveness = objectOf(pod, "liveness");
  const at = joinPath(podAt, "liveness");
  const success = numberOf(liveness, "successThreshold") ?? 0;
  const negative = ["periodSeconds", "initialDelaySeconds", "failureThreshold"].flatMap((field) => {
    const value = numberOf(liveness, field) ?? 0;
    return value < 0 ? [invalid(joinPath(at, field), value, "must be greater than or equal to 0")] : [];
  });
  return success === 0 || success === 1
    ? negative
    : [
        ...negative,
        invalid(joinPath(at, "successThreshold"), success, "must be 1: a liveness probe needs one success"),
      ];
}

/** Labels by which StatefulSet, Service and autoscaler find the pods (FM 4.1). */
const selectingLabels: readonly string[] = [
  "app.kubernetes.io/instance",
  "app.kubernetes.io/name",
  `${group}/component`,
  `${group}/name`,
  `${group}/namespace`,
  ...["component", "name", "namespace"],
];
const functionLabels: readonly string[] = ["app", `${group}/app`];

/** The selector of a StatefulSet can't be met by pods whose labels say something else. */
export function selectingLabelErrors(spec: JsonObject, at: string, kind: WorkloadKind): readonly FieldError[] {
  const taken = kind === "Function" ? [...selectingLabels, ...functionLabels] : selectingLabels;
  return Object.entries(textsIn(objectOf(spec, "pod"), "labels")).flatMap(([key, value]) =>
    taken.includes(key)
      ? [
          invalid(
            joinPath(at, "pod", "labels", { key }),
            value,
            "selects the pods and is set by the server; use another key",
          ),
        ]
      : [],
  );
}

function claimsOf(spec: JsonObject, at: string): { name: string; claim: JsonObject; at: string }[] {
  return entriesAt(listOf(spec, "volumeClaimTemplates"), joinPath(at, "volumeClaimTemplates")).map(
    ([claim, claimAt]) => ({ name: textOf(objectOf(claim, "metadata"), "name"), claim, at: claimAt }),
  );
}

export function claimErrors(spec: JsonObject, at: string): readonly FieldError[] {
  const seen = new Set<string>();
  return claimsOf(spec, at).flatMap(({ name, claim, at: claimAt }) => {
    const nameAt = joinPath(claimAt, "metadata", "name");
    const repeated = seen.has(name);
    seen.add(name);
    const object: KubeObject = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name },
      spec: objectOf(claim, "spec") ?? {},
    };
    return [
      ...(name === "" ? [required(nameAt, "volumeMounts name it")] : named(name, nameAt, labelProblems)),
      ...(repeated
        ? [{ type: "FieldValueDuplicate", field: nameAt, body: `Duplicate value: ${JSON.stringify(name)}` } as const]
        : []),
      // The claim of a pod has the labels and annotations of its template.
      ...validateLabels(textsIn(objectOf(claim, "metadata"), "labels"), joinPath(claimAt, "metadata", "labels")),
      ...annotationKeyErrors(objectOf(claim, "metadata"), joinPath(claimAt, "metadata")),
      ...validateClaim(object).flatMap((error) => ledBack(error, [["spec", joinPath(claimAt, "spec")]])),
    ];
  });
}

/** Rules that only an autoscaler reads, where there is one. */
export function autoscalerErrors(spec: JsonObject, at: string): readonly FieldError[] {
  const pod = objectOf(spec, "pod");
  if (!isSet(spec, "maxReplicas")) return [];
  const metrics = listOf(pod, "autoScalingMetrics").filter(isObject);
  const behavior = objectOf(pod, "autoScalingBehavior");
  const autoscaler: KubeObject = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "w" },
    spec: {
      scaleTargetRef: { apiVersion, kind: "Function", name: "w" },
      minReplicas: 1,
      maxReplicas: 1,
      ...(metrics.length > 0 && { metrics }),
      ...(behavior && { behavior }),
    },
  };
  const origins: Origins = [
    ["spec.metrics", joinPath(at, "pod", "autoScalingMetrics")],
    ["spec.behavior", joinPath(at, "pod", "autoScalingBehavior")],
  ];
  return validateAutoscaler(autoscaler).flatMap((error) => ledBack(error, origins));
}

/** Rules of the built-in autoscaler (FM 4.11); at most one of each family takes effect. */
const autoscalerRules = ["CPU", "Memory"].flatMap((resource) =>
  [80, 50, 20].map((percent) => `AverageUtilization${resource}Percent${percent}`),
);

export function builtinAutoscalerErrors(spec: JsonObject, at: string): readonly FieldError[] {
  const rulesAt = joinPath(at, "pod", "builtinAutoscaler");
  const families = new Map<string, string>();
  return textsOf(objectOf(spec, "pod"), "builtinAutoscaler").flatMap((rule, index) => {
    if (!autoscalerRules.includes(rule)) return [notSupported(joinPath(rulesAt, index), rule, autoscalerRules)];
    const family = rule.replace(/(?<!\d)\d+$/, "");
    const first = families.get(family);
    families.set(family, first ?? rule);
    return first === undefined ? [] : [forbiddenField(joinPath(rulesAt, index), `cannot be combined with ${first}`)];
  });
}
