/** What the spec of a pod must be, in a Pod or in the template of a workload: as much of it as keeps a pod from starting. */
import type { JsonObject, JsonValue } from "../../../apis/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems, qualifiedNameProblems, subdomainProblems } from "../../../machinery/names.ts";
import { validateLabels } from "../../../machinery/object-meta.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import { entriesAt, type Fields, named, notNegative, portRange, textsIn } from "./checks.ts";
import { portNameProblems } from "./port-name.ts";

const zero = Quantity.of(0n);
const greatestInt32 = 2 ** 31 - 1;

/** Labels and annotations of a template, and the spec below it. */
export const validatePodTemplate = (template: Fields, at: string): readonly FieldError[] => [
  ...validateLabels(textsIn(objectOf(template, "metadata"), "labels"), joinPath(at, "labels")),
  ...validatePodSpec(objectOf(template, "spec"), joinPath(at, "spec")),
];

export function validatePodSpec(spec: Fields, at: string): readonly FieldError[] {
  const volumes = entriesAt(listOf(spec, "volumes"), joinPath(at, "volumes"));
  const volumeNames = new Set(volumes.map(([volume]) => textOf(volume, "name")));
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
      containerErrors(container, containerAt, volumeNames),
    ),
    ...containers.flatMap(([container, containerAt]) =>
      isSet(container, "restartPolicy")
        ? [forbiddenField(joinPath(containerAt, "restartPolicy"), "may not be set for non-init containers")]
        : [],
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

/** Members of a volume other than its source. */
const noSource: ReadonlySet<string> = new Set(["name"]);

function volumeErrors(volume: JsonObject, at: string): readonly FieldError[] {
  const name = textOf(volume, "name");
  const [, ...others] = Object.keys(volume).filter((field) => !noSource.has(field) && isSet(volume, field));
  return [
    ...(name === "" ? [required(joinPath(at, "name"), "")] : named(name, joinPath(at, "name"), labelProblems)),
    ...others.map((field) => forbiddenField(joinPath(at, field), "may not specify more than 1 volume type")),
  ];
}

function containerErrors(container: JsonObject, at: string, volumes: ReadonlySet<string>): readonly FieldError[] {
  const name = textOf(container, "name");
  const image = textOf(container, "image");
  return [
    ...(name === "" ? [required(joinPath(at, "name"), "")] : named(name, joinPath(at, "name"), labelProblems)),
    ...(image.trim() === "" ? [required(joinPath(at, "image"), "")] : []),
    ...portErrors(container, at),
    ...entriesAt(listOf(container, "env"), joinPath(at, "env")).flatMap(([variable, variableAt]) =>
      variableErrors(variable, variableAt),
    ),
    ...mountErrors(container, at, volumes),
    ...resourceErrors(objectOf(container, "resources"), joinPath(at, "resources")),
    ...["livenessProbe", "readinessProbe", "startupProbe"].flatMap((field) =>
      probeErrors(objectOf(container, field), joinPath(at, field), field),
    ),
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

const variableName = /^[\x20-\x3c\x3e-\x7e]+$/;
const variableNameRule =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";

function variableErrors(variable: JsonObject, at: string): readonly FieldError[] {
  const name = textOf(variable, "name");
  const source = objectOf(variable, "valueFrom");
  const errors: FieldError[] = [];
  if (name === "") errors.push(required(joinPath(at, "name"), ""));
  else if (!variableName.test(name)) errors.push(invalid(joinPath(at, "name"), name, variableNameRule));
  if (source === undefined) return errors;
  const sources = Object.keys(source).filter((field) => isSet(source, field));
  const sourceAt = joinPath(at, "valueFrom");
  if (sources.length === 0) {
    errors.push(
      invalid(
        sourceAt,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  } else if (textOf(variable, "value") !== "") {
    errors.push(invalid(sourceAt, "", "may not be specified when `value` is not empty"));
  }
  if (sources.length > 1) {
    errors.push(invalid(sourceAt, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function mountErrors(container: JsonObject, at: string, volumes: ReadonlySet<string>): readonly FieldError[] {
  const paths = new Set<string>();
  return entriesAt(listOf(container, "volumeMounts"), joinPath(at, "volumeMounts")).flatMap(([mount, mountAt]) => {
    const [name, mountPath] = [textOf(mount, "name"), textOf(mount, "mountPath")];
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(joinPath(mountAt, "name"), ""));
    else if (!volumes.has(name)) errors.push(notFound(joinPath(mountAt, "name"), name));
    if (mountPath === "") errors.push(required(joinPath(mountAt, "mountPath"), ""));
    else if (paths.has(mountPath)) errors.push(invalid(joinPath(mountAt, "mountPath"), mountPath, "must be unique"));
    if (isSet(mount, "subPath") && isSet(mount, "subPathExpr")) {
      errors.push(
        invalid(
          joinPath(mountAt, "subPathExpr"),
          textOf(mount, "subPathExpr"),
          "subPathExpr and subPath are mutually exclusive",
        ),
      );
    }
    paths.add(mountPath);
    return errors;
  });
}

const notFound = (field: string, value: string): FieldError => ({
  type: "FieldValueNotFound",
  field,
  body: `Not found: ${JSON.stringify(value)}`,
});

const standardResources: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);

function resourceErrors(resources: Fields, at: string): readonly FieldError[] {
  const limits = objectOf(resources, "limits");
  const amounts = (field: "limits" | "requests") =>
    Object.entries(objectOf(resources, field) ?? {}).flatMap(([name, amount]) =>
      amountErrors(name, amount, joinPath(at, field, { key: name })),
    );
  const excesses = Object.entries(objectOf(resources, "requests") ?? {}).flatMap(([name, request]) => {
    const [wanted, most] = [quantityOf(request), quantityOf(limits?.[name])];
    if (wanted === undefined || most === undefined || compareQuantities(wanted, most) <= 0) return [];
    const detail = `must be less than or equal to ${name} limit of ${most}`;
    return [invalid(joinPath(at, "requests"), String(wanted), detail)];
  });
  return [...amounts("limits"), ...amounts("requests"), ...excesses];
}

const quantityOf = (value: JsonValue | undefined): Quantity | undefined =>
  value === undefined ? undefined : parseQuantity(value);

function amountErrors(name: string, amount: JsonValue | undefined, at: string): readonly FieldError[] {
  const quantity = quantityOf(amount);
  const errors: FieldError[] = [...named(name, at, qualifiedNameProblems)];
  if (errors.length === 0 && !name.includes("/") && !standardResources.has(name) && !name.startsWith("hugepages-")) {
    errors.push(invalid(at, name, "must be a standard resource type or fully qualified"));
    errors.push(invalid(at, name, "must be a standard resource for containers"));
  }
  if (quantity !== undefined && compareQuantities(quantity, zero) < 0) {
    errors.push(invalid(at, String(quantity), "must be greater than or equal to 0"));
  }
  return errors;
}

const handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
const probeCounts = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

function probeErrors(probe: Fields, at: string, kind: string): readonly FieldError[] {
  if (probe === undefined) return [];
  const given = handlers.filter((handler) => isSet(probe, handler));
  const threshold = numericOf(probe, "successThreshold") ?? 1;
  return [
    ...(given.length === 0 ? [required(at, "must specify a handler type")] : []),
    ...given.slice(1).map((field) => forbiddenField(joinPath(at, field), "may not specify more than 1 handler type")),
    ...notNegative(probe, probeCounts, at),
    ...(kind !== "readinessProbe" && threshold !== 1 && threshold !== 0
      ? [invalid(joinPath(at, "successThreshold"), threshold, "must be 1")]
      : []),
  ];
}

function tolerationErrors(toleration: JsonObject, at: string): readonly FieldError[] {
  const [key, operator, effect] = [
    textOf(toleration, "key"),
    textOf(toleration, "operator"),
    textOf(toleration, "effect"),
  ];
  const errors: FieldError[] = key === "" ? [] : [...named(key, joinPath(at, "key"), qualifiedNameProblems)];
  if (key === "" && operator !== "Exists") {
    errors.push(
      invalid(
        joinPath(at, "operator"),
        operator,
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ),
    );
  }
  if (operator === "Exists" && textOf(toleration, "value") !== "") {
    errors.push(invalid(joinPath(at, "operator"), toleration, "value must be empty when `operator` is 'Exists'"));
  }
  if (isSet(toleration, "tolerationSeconds") && effect !== "NoExecute") {
    errors.push(invalid(joinPath(at, "effect"), effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"));
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
