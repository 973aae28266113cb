/** What the spec of a pod must be, in a Pod or in the template of a workload: as much of it as keeps a pod from starting. */
import type { JsonObject, JsonValue } from "../../../apis/meta/v1.ts";
import { duplicate, type FieldError, invalid, joinPath, notSupported, required } from "../../../errors/field-error.ts";
import { isSet, isTrue, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { isObject } from "../../../machinery/json.ts";
import { labelProblems, subdomainProblems } from "../../../machinery/names.ts";
import { validateLabels } from "../../../machinery/object-meta.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import { entriesAt, type Fields, named, notNegative, portNameProblems, portRange, textsIn } from "./checks.ts";
import { resizeErrors, resourceClaimErrors, restartErrors } from "./container-policies.ts";
import { environmentErrors, variableVolumeErrors } from "./environment.ts";
import { noProbes, probesErrors } from "./probes.ts";
import { containerResourceErrors } from "./resource-names.ts";
import { affinityErrors, tolerationErrors } from "./scheduling.ts";
import { containerSecurityErrors, hostProcessErrors, podSecurityErrors } from "./security-context.ts";
import { deviceErrors } from "./volume-sources.ts";
import { mountErrors, volumeErrors } from "./volumes.ts";

const zero = Quantity.of(0n);
const greatestInt32 = 2 ** 31 - 1;
/** Kubernetes' own, in s. */
const defaultGraceSeconds = 30;

/** Labels and annotations of a template, and the spec below it. */
export const validatePodTemplate = (template: Fields, at: string): readonly FieldError[] => [
  ...validateLabels(textsIn(objectOf(template, "metadata"), "labels"), joinPath(at, "labels")),
  ...validatePodSpec(objectOf(template, "spec"), joinPath(at, "spec")),
];

export function validatePodSpec(spec: Fields, at: string): readonly FieldError[] {
  const volumes = entriesAt(listOf(spec, "volumes"), joinPath(at, "volumes"));
  const context: PodContext = {
    volumes: new Map(volumes.map(([volume]) => [textOf(volume, "name"), volume])),
    claims: new Set(
      listOf(spec, "resourceClaims")
        .filter(isObject)
        .map((claim) => textOf(claim, "name")),
    ),
    sharesUsers: !isSet(spec, "hostUsers") || isTrue(spec, "hostUsers"),
    graceSeconds: numericOf(spec, "terminationGracePeriodSeconds") ?? defaultGraceSeconds,
  };
  const containers = entriesAt(listOf(spec, "containers"), joinPath(at, "containers"));
  const initContainers = entriesAt(listOf(spec, "initContainers"), joinPath(at, "initContainers"));
  const deadline = numericOf(spec, "activeDeadlineSeconds");
  const name = (field: string, problemsOf: (name: string) => readonly string[]) =>
    textOf(spec, field) === "" ? [] : named(textOf(spec, field), joinPath(at, field), problemsOf);
  return [
    ...volumes.flatMap(([volume, volumeAt]) => volumeErrors(volume, volumeAt)),
    ...repeatedNames(volumes),
    ...(containers.length === 0 ? [required(joinPath(at, "containers"), "")] : []),
    ...[...initContainers, ...containers].flatMap(([container, containerAt]) =>
      containerErrors(container, containerAt, context),
    ),
    ...initContainers.flatMap(([container, containerAt]) =>
      textOf(container, "restartPolicy") === "Always"
        ? []
        : [
            ...noProbes(container, containerAt),
            ...(listOf(container, "resizePolicy").length > 0
              ? [invalid(joinPath(containerAt, "resizePolicy"), [], "must not be set for init containers")]
              : []),
          ],
    ),
    ...repeatedNames([...containers, ...initContainers]),
    ...(textOf(spec, "dnsPolicy") === "None" && !isSet(spec, "dnsConfig")
      ? [required(joinPath(at, "dnsConfig"), "must provide `dnsConfig` when `dnsPolicy` is None")]
      : []),
    ...notNegative(spec, ["terminationGracePeriodSeconds"], at),
    ...(deadline === undefined || (deadline >= 1 && deadline <= greatestInt32)
      ? []
      : [
          invalid(joinPath(at, "activeDeadlineSeconds"), deadline, `must be between 1 and ${greatestInt32}, inclusive`),
        ]),
    ...validateLabels(textsIn(spec, "nodeSelector"), joinPath(at, "nodeSelector")),
    ...name("serviceAccountName", subdomainProblems),
    ...name("nodeName", subdomainProblems),
    ...name("priorityClassName", subdomainProblems),
    ...name("hostname", labelProblems),
    ...name("subdomain", labelProblems),
    ...entriesAt(listOf(spec, "tolerations"), joinPath(at, "tolerations")).flatMap(([toleration, tolerationAt]) =>
      tolerationErrors(toleration, tolerationAt),
    ),
    ...affinityErrors(objectOf(spec, "affinity"), joinPath(at, "affinity")),
    ...podSecurityErrors(objectOf(spec, "securityContext"), joinPath(at, "securityContext")),
    ...(isTrue(spec, "hostNetwork")
      ? []
      : [[spec, at] as const, ...initContainers, ...containers].flatMap(([owner, ownerAt]) =>
          hostProcessErrors(objectOf(owner, "securityContext"), joinPath(ownerAt, "securityContext")),
        )),
  ];
}

function repeatedNames(entries: readonly (readonly [JsonObject, string])[]): readonly FieldError[] {
  const seen = new Set<string>();
  return entries.flatMap(([entry, at]) => {
    const name = textOf(entry, "name");
    const repeated = name !== "" && seen.has(name);
    seen.add(name);
    return repeated ? [duplicate(joinPath(at, "name"), name)] : [];
  });
}

/** What containers refer to. */
type PodContext = {
  readonly volumes: ReadonlyMap<string, JsonObject>;
  readonly claims: ReadonlySet<string>;
  readonly sharesUsers: boolean;
  readonly graceSeconds: number;
};

function containerErrors(container: JsonObject, at: string, context: PodContext): readonly FieldError[] {
  const { volumes, claims, sharesUsers, graceSeconds } = context;
  const name = textOf(container, "name");
  const image = textOf(container, "image");
  return [
    ...(name === "" ? [required(joinPath(at, "name"), "")] : named(name, joinPath(at, "name"), labelProblems)),
    ...(image.trim() === "" ? [required(joinPath(at, "image"), "")] : []),
    ...portErrors(container, at),
    ...environmentErrors(container, at),
    ...variableVolumeErrors(container, at, volumes),
    ...mountErrors(container, at, volumes),
    ...deviceErrors(container, at, volumes),
    ...resourceErrors(objectOf(container, "resources"), joinPath(at, "resources")),
    ...resourceClaimErrors(objectOf(container, "resources"), joinPath(at, "resources", "claims"), claims),
    ...resizeErrors(container, joinPath(at, "resizePolicy")),
    ...restartErrors(container, at),
    ...probesErrors(container, at, graceSeconds),
    ...containerSecurityErrors(objectOf(container, "securityContext"), joinPath(at, "securityContext"), sharesUsers),
  ];
}

function portErrors(container: JsonObject, at: string): readonly FieldError[] {
  const names = new Set<string>();
  return entriesAt(listOf(container, "ports"), joinPath(at, "ports")).flatMap(([port, portAt]) => {
    const name = textOf(port, "name");
    const number = numericOf(port, "containerPort") ?? 0;
    const hostPort = numericOf(port, "hostPort") ?? 0;
    const errors = [
      ...(name === "" ? [] : named(name, joinPath(portAt, "name"), portNameProblems)),
      ...(name !== "" && names.has(name) ? [duplicate(joinPath(portAt, "name"), name)] : []),
      ...(number === 0
        ? [required(joinPath(portAt, "containerPort"), "")]
        : portRange(number, joinPath(portAt, "containerPort"))),
      ...(hostPort === 0 ? [] : portRange(hostPort, joinPath(portAt, "hostPort"))),
    ];
    names.add(name);
    return errors;
  });
}

function resourceErrors(resources: Fields, at: string): readonly FieldError[] {
  const limits = objectOf(resources, "limits");
  const amounts = (field: "limits" | "requests") =>
    Object.entries(objectOf(resources, field) ?? {}).flatMap(([name, amount]) =>
      amountErrors(name, amount, joinPath(at, field, { key: name })),
    );
  const excesses = Object.entries(objectOf(resources, "requests") ?? {}).flatMap(([name, request]) => {
    const [wanted, most] = [quantityOf(request), quantityOf(limits?.[name])];
    if (wanted === undefined) return [];
    if (most === undefined) {
      return isWhole(name)
        ? [required(joinPath(at, "limits"), "Limit must be set for non overcommitable resources")]
        : [];
    }
    const order = compareQuantities(wanted, most);
    if (order === 0 || (order < 0 && !isWhole(name))) return [];
    const relation = isWhole(name) ? "equal to" : "less than or equal to";
    return [invalid(joinPath(at, "requests"), String(wanted), `must be ${relation} ${name} limit of ${most}`)];
  });
  return [...amounts("limits"), ...amounts("requests"), ...excesses];
}

/** Devices and huge pages: a node gives as many as are asked for, never more. */
const isWhole = (name: string): boolean =>
  name.startsWith("hugepages-") || (name.includes("/") && !name.includes("kubernetes.io/"));

const quantityOf = (value: JsonValue | undefined): Quantity | undefined =>
  value === undefined ? undefined : parseQuantity(value);

function amountErrors(name: string, amount: JsonValue | undefined, at: string): readonly FieldError[] {
  const quantity = quantityOf(amount);
  const errors: FieldError[] = [...containerResourceErrors(name, at)];
  if (quantity !== undefined && isWhole(name) && compareQuantities(quantity, Quantity.of(quantity.value())) !== 0) {
    errors.push(invalid(at, String(quantity), "must be an integer"));
  }
  if (quantity !== undefined && compareQuantities(quantity, zero) < 0) {
    errors.push(invalid(at, String(quantity), "must be greater than or equal to 0"));
  }
  return errors;
}

const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
];

/** @returns the spec without what may change; a node may be given once, as the `binding` subresource would. */
export function fixedPodSpec(spec: Fields, old: Fields): JsonObject {
  const { activeDeadlineSeconds: _deadline, tolerations: _tolerations, schedulingGates: _gates, ...rest } = spec ?? {};
  const withoutImages = (field: string) =>
    listOf(spec, field).map((container) => ({ ...asObject(container), image: "" }));
  const { nodeName: _nodeName, ...unplaced } = rest;
  return {
    ...(textOf(old, "nodeName") === "" ? unplaced : rest),
    containers: withoutImages("containers"),
    initContainers: withoutImages("initContainers"),
  };
}

const asObject = (value: JsonValue): JsonObject => objectOf({ value }, "value") ?? {};

export const podUpdateRefusal = `pod updates may not change fields other than ${updatable.join(",")}`;

export const restartPolicyAlways = (template: Fields, at: string): readonly FieldError[] => {
  const policy = textOf(objectOf(template, "spec"), "restartPolicy");
  return policy === "" || policy === "Always"
    ? []
    : [notSupported(joinPath(at, "spec", "restartPolicy"), policy, ["Always"])];
};
