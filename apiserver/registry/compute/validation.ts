/**
 * The cross-field rules of workloads (FM section 3), the same for create, update, patch, scale and inside a mesh
 * (design, W-1, W-37, W-40). What one field may be on its own is in the schema.
 *
 * A rule gets a complete spec, already pruned and defaulted, and the path its user knows it by.
 */
import type { JsonObject, JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../errors/field-error.ts";
import { isSet, listOf, numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import { deepEqual, isObject } from "../../machinery/json.ts";
import { isGenerated, subdomainProblems } from "../../machinery/names.ts";
import { compareQuantities, parseQuantity } from "../../machinery/quantity.ts";
import { runAtOnce, type Steps } from "../../machinery/turns.ts";
import { type AnySpec, defaultSpec, meshComponents, specOf, type WorkloadKind } from "./defaults.ts";
import { checkDelivery, checkInput, checkOutput, checkTopicFields } from "./messaging-rules.ts";
import {
  autoscalerErrors,
  builtinAutoscalerErrors,
  claimErrors,
  podErrors,
  pullPolicyError,
  selectingLabelErrors,
} from "./pod-rules.ts";
import { imageErrors, pulsarNameErrors, referenceErrors, unprintableErrors } from "./text-rules.ts";
import { locationProblem } from "./topics.ts";
import { checkWindow } from "./window-rules.ts";

type Subject = {
  readonly kind: WorkloadKind;
  readonly spec: AnySpec;
  readonly at: string;
  /** Nothing of this name existed before. */
  readonly isNew: boolean;
};
type Rule = { readonly kinds: readonly WorkloadKind[]; readonly check: (subject: Subject) => readonly FieldError[] };

const all: readonly WorkloadKind[] = ["Function", "Source", "Sink"];
const consumers: readonly WorkloadKind[] = ["Function", "Sink"];
const producers: readonly WorkloadKind[] = ["Function", "Source"];

/** Longest name such that `<name>-function-<pod template hash>` still fits a label of 63 characters (FM 4.1). */
const maxWorkloadNameLength = 43;
export const nameTooLong = `must be no more than ${maxWorkloadNameLength} characters, so that the names of its pods fit into labels`;

const rules: readonly Rule[] = [
  { kinds: all, check: checkRuntime },
  { kinds: ["Source", "Sink"], check: checkConnector },
  { kinds: all, check: checkReplicas },
  { kinds: all, check: checkVerticalAutoscaler },
  { kinds: all, check: checkResources },
  { kinds: consumers, check: checkDelivery },
  { kinds: consumers, check: checkInput },
  { kinds: producers, check: checkOutput },
  { kinds: all, check: checkTopicFields },
  { kinds: all, check: checkState },
  { kinds: ["Function"], check: checkWindow },
  { kinds: all, check: checkPulsar },
  { kinds: all, check: ({ spec, at }) => builtinAutoscalerErrors(spec, at) },
  { kinds: all, check: ({ spec, at, kind }) => podErrors(spec, at, kind) },
  { kinds: all, check: ({ spec, at, kind }) => selectingLabelErrors(spec, at, kind) },
  { kinds: all, check: ({ spec, at }) => autoscalerErrors(spec, at) },
  { kinds: ["Function"], check: ({ spec, at }) => claimErrors(spec, at) },
  { kinds: all, check: checkPolicies },
  { kinds: all, check: ({ spec, at }) => imageErrors(spec, at) },
  { kinds: all, check: ({ spec, at }) => referenceErrors(spec, at) },
  { kinds: all, check: ({ spec, at }) => pulsarNameErrors(spec, at) },
  { kinds: all, check: ({ spec, at }) => unprintableErrors(spec, at) },
];

export function validateWorkload(kind: WorkloadKind): (object: KubeObject, old?: KubeObject) => readonly FieldError[] {
  return ratcheted((object, old) => {
    const spec = specOf(object);
    const errors = validateSpec({ kind, spec, at: "spec", isNew: old === undefined });
    // A name that the spec has from the metadata is told of there.
    const own = spec.name === object.metadata.name ? errors.filter(({ field }) => field !== "spec.name") : errors;
    return [...checkName(object), ...own];
  });
}

/**
 * A rule that came after an object was stored keeps nobody from changing something else of it: what was wrong before,
 * word for word, is let be. So nothing can be wrong with a spec that stays.
 */
function ratcheted(validate: Validate): Validate {
  return (object, old) => {
    if (isSameSpec(object, old)) return [];
    const errors = validate(object, old);
    return errors.length === 0 || old === undefined ? errors : newErrors(errors, validate(old, old));
  };
}

const isSameSpec = (object: KubeObject, old: KubeObject | undefined): boolean =>
  old !== undefined && deepEqual(specOf(object), specOf(old));

function newErrors(errors: readonly FieldError[], old: readonly FieldError[]): readonly FieldError[] {
  const before = new Set(old.map(textOfError));
  return errors.filter((error) => !before.has(textOfError(error)));
}

type Validate = (object: KubeObject, old?: KubeObject) => readonly FieldError[];
const textOfError = ({ field, body }: FieldError): string => `${field}: ${body}`;

/** Names of Services start with a letter and have no dots (RFC 1035). */
const serviceName = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/;
const serviceNameRule =
  "must consist of lower case letters, digits and '-', start with a letter and end with a letter or digit: a Service is named after it";

function checkName(object: KubeObject): readonly FieldError[] {
  const { name = "" } = object.metadata;
  return [
    ...(longName(object) === "given" ? [invalid("metadata.name", name, nameTooLong)] : []),
    // What is no name at all is told by the rules of metadata.
    ...(subdomainProblems(name).length === 0 && !serviceName.test(name)
      ? [invalid("metadata.name", name, serviceNameRule)]
      : []),
  ];
}

export const validateBackendConfig: Validate = ratcheted((config) => {
  const spec = objectOf(config, "spec") ?? {};
  const env = Object.keys(objectOf(spec, "env") ?? {}).map((name) => ({ name }));
  const variables = podErrors({ pod: { env } }, "").map((error) => ({
    ...error,
    field: error.field.replace(/^pod\.env\[(\d+)\].*$/, (_, index) => `spec.env[${env[Number(index)]?.name}]`),
  }));
  return [...variables, ...podErrors(spec, "spec"), ...unprintableErrors(spec, "spec")];
});

/** Too long for the labels of its pods, and whose doing that is: a generated name is not the user's to shorten. */
export function longName({ metadata: { name = "", generateName = "" } }: KubeObject): "no" | "given" | "generated" {
  if (name.length <= maxWorkloadNameLength) return "no";
  return isGenerated(name, generateName) ? "generated" : "given";
}

function validateSpec(subject: Subject): readonly FieldError[] {
  return rules.flatMap((rule) => (rule.kinds.includes(subject.kind) ? rule.check(subject) : []));
}

/** A mesh is valid when every member it makes would be, and each has a name of its own (W-33, W-40, W-61). */
export function* validateMeshInSteps(mesh: KubeObject, old?: KubeObject): Steps<readonly FieldError[]> {
  if (isSameSpec(mesh, old)) return [];
  const errors = yield* meshErrors(mesh, old);
  return errors.length === 0 || old === undefined ? errors : newErrors(errors, yield* meshErrors(old, old));
}

/** As `validateMeshInSteps`. */
export const validateMesh: Validate = (mesh, old) => runAtOnce(validateMeshInSteps(mesh, old));

function* meshErrors(mesh: KubeObject, old?: KubeObject): Steps<readonly FieldError[]> {
  const meshName = mesh.metadata.name ?? "";
  const before = new Set(old === undefined ? [] : meshComponents(old).map(componentKey));
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  if (subdomainProblems(meshName).length === 0 && !serviceName.test(meshName))
    errors.push(invalid("metadata.name", meshName, serviceNameRule));
  for (const { field, index, kind, spec } of meshComponents(mesh)) {
    if (index % stepComponents === stepComponents - 1) yield;
    const at = joinPath("spec", field, index);
    const nameAt = joinPath(at, "name");
    const name = textOf(spec, "name");
    if (name === "") errors.push(required(nameAt, "names the component inside the mesh"));
    else if (seen.has(componentKey({ field, spec }))) errors.push(duplicate(nameAt, name));
    seen.add(componentKey({ field, spec }));
    if (name !== "" && !memberPart.test(name)) errors.push(invalid(nameAt, name, memberPartRule));
    const memberName = `${meshName}-${name}`;
    if (meshName !== "" && memberName.length > maxWorkloadNameLength) {
      errors.push(
        invalid(
          nameAt,
          name,
          `makes a ${kind} named ${memberName}, which has more than ${maxWorkloadNameLength} characters`,
        ),
      );
    }
    const isNew = !before.has(componentKey({ field, spec }));
    errors.push(...validateSpec({ kind, spec: defaultSpec(kind, spec, name), at, isNew }));
  }
  return errors;
}

/** Components that are judged in one step, some 50 µs each. */
const stepComponents = 20;

/** Stands behind the name of the mesh and a dash. */
const memberPart = /^[-a-z0-9]*[a-z0-9]$/;
const memberPartRule =
  "must consist of lower case letters, digits and '-' and end with a letter or digit: the component's object is named after it";

const componentKey = ({ field, spec }: { readonly field: string; readonly spec: JsonObject }): string =>
  `${field}/${textOf(spec, "name")}`;

const runtimes = [
  { field: "java", file: "jar", location: "jarLocation", needsClass: true },
  { field: "python", file: "py", location: "pyLocation", needsClass: true },
  { field: "golang", file: "go", location: "goLocation", needsClass: false },
  { field: "genericRuntime", file: "functionFile", location: "functionFileLocation", needsClass: false },
] as const;

function checkRuntime({ kind, spec, at }: Subject): readonly FieldError[] {
  // Sources and Sinks always run on Java; other runtimes in their spec have no effect (FM 1.4).
  const candidates = kind === "Function" ? runtimes : runtimes.slice(0, 1);
  const given = candidates.filter(({ field }) => isSet(spec, field));
  if (given.length === 0) {
    return kind === "Function"
      ? [required(at, `one runtime is needed: ${candidates.map(({ field }) => field).join(", ")}`)]
      : [required(joinPath(at, "java"), "connectors run on Java")];
  }
  if (given.length > 1) {
    const names = given.map(({ field }) => field);
    return names
      .slice(1)
      .map((field) => forbiddenField(joinPath(at, field), `only one runtime may be set, and ${names[0]} is`));
  }
  return given.flatMap(({ field, file, location, needsClass }) => {
    const runtime: JsonObject | undefined = objectOf(spec, field);
    const errors: FieldError[] = [];
    if (needsClass && textOf(spec, "className").trim() === "") {
      errors.push(required(joinPath(at, "className"), `the ${field} runtime needs the class to run`));
    }
    if (textOf(runtime, file).trim() === "")
      errors.push(required(joinPath(at, field, file), "path of the file to run"));
    if (field === "genericRuntime" && textOf(runtime, "language") === "" && textOf(spec, "image") === "") {
      errors.push(required(joinPath(at, field, "language"), "names the image to run in, unless image does"));
    }
    const where = textOf(runtime, location);
    const problem = where === "" || field === "genericRuntime" ? undefined : locationProblem(where);
    if (problem !== undefined) errors.push(invalid(joinPath(at, field, location), where, problem));
    return errors;
  });
}

function checkConnector({ kind, spec, at }: Subject): readonly FieldError[] {
  const batch = kind === "Source" ? objectOf(spec, "batchSourceConfig") : undefined;
  const withoutTrigger = batch !== undefined && textOf(batch, "discoveryTriggererClassName") === "";
  return [
    ...(withoutTrigger
      ? [
          required(
            joinPath(at, "batchSourceConfig", "discoveryTriggererClassName"),
            "class that says when to look for work",
          ),
        ]
      : []),
    ...connectorConfigErrors({ kind, spec, at }),
  ];
}

function connectorConfigErrors({ kind, spec, at }: Omit<Subject, "isNew">): readonly FieldError[] {
  const field = kind === "Source" ? "sourceConfig" : "sinkConfig";
  return isSet(spec, field)
    ? []
    : [required(joinPath(at, field), "configuration of the connector; {} if it needs none")];
}

/**
 * Where an autoscaler moves `replicas` no later write is refused for it: it may stand anywhere by the time its bounds
 * change, and the autoscaler brings it back. 0 is "switched off", whatever the bounds (design, min/max).
 */
function checkReplicas({ spec, at, isNew }: Subject): readonly FieldError[] {
  const replicas = numberOf(spec, "replicas") ?? 1;
  const minReplicas = numberOf(spec, "minReplicas") ?? 1;
  const maxReplicas = numberOf(spec, "maxReplicas");
  const errors: FieldError[] = [];
  const wrong = (field: string, value: number, detail: string) =>
    errors.push(invalid(joinPath(at, field), value, detail));
  if (replicas < 0) wrong("replicas", replicas, "must be greater than or equal to 0");
  if (minReplicas <= 0) wrong("minReplicas", minReplicas, "must be greater than 0");
  if (isNew && maxReplicas !== undefined && replicas > maxReplicas) {
    wrong("maxReplicas", maxReplicas, `must be greater than or equal to replicas (${replicas})`);
  }
  if (isNew && replicas > 0 && minReplicas > replicas) {
    wrong("minReplicas", minReplicas, `must be less than or equal to replicas (${replicas})`);
  }
  if (maxReplicas !== undefined && minReplicas > maxReplicas) {
    wrong("minReplicas", minReplicas, `must be less than or equal to maxReplicas (${maxReplicas})`);
  }
  return errors;
}

function checkVerticalAutoscaler({ spec, at }: Subject): readonly FieldError[] {
  const vpa = objectOf(objectOf(spec, "pod"), "vpa");
  if (vpa === undefined) return [];
  const vpaAt = joinPath(at, "pod", "vpa");
  const errors = isSet(spec, "maxReplicas")
    ? [
        forbiddenField(
          vpaAt,
          "a vertical autoscaler cannot be combined with maxReplicas, which turns on a horizontal one",
        ),
      ]
    : [];
  const nameless = listOf(objectOf(vpa, "resourcePolicy"), "containerPolicies").flatMap((policy, index) =>
    isObject(policy) && textOf(policy, "containerName") === ""
      ? [
          required(
            joinPath(vpaAt, "resourcePolicy", "containerPolicies", index, "containerName"),
            "name of a container, or *",
          ),
        ]
      : [],
  );
  return [...errors, ...nameless];
}

function checkPolicies({ spec, at }: Subject): readonly FieldError[] {
  const pull = pullPolicyError(spec, at);
  const retention = objectOf(spec, "persistentVolumeClaimRetentionPolicy");
  const retentionAt = joinPath(at, "persistentVolumeClaimRetentionPolicy");
  return [
    ...(pull === undefined ? [] : [pull]),
    ...(["whenDeleted", "whenScaled"] as const).flatMap((field) => {
      const value = textOf(retention, field);
      return value === "" || value === "Retain" || value === "Delete"
        ? []
        : [notSupported(joinPath(retentionAt, field), value, ["Retain", "Delete"])];
    }),
  ];
}

function checkResources({ spec, at }: Subject): readonly FieldError[] {
  const resources = objectOf(spec, "resources");
  const requests = objectOf(resources, "requests");
  const limits = objectOf(resources, "limits");
  const errors: FieldError[] = [];
  const zero = parseQuantity("0");
  const sign = (value: JsonValue | undefined): number => {
    const quantity = value === undefined ? undefined : parseQuantity(value);
    return quantity === undefined || zero === undefined ? 0 : compareQuantities(quantity, zero);
  };
  for (const [part, amounts] of [
    ["requests", requests],
    ["limits", limits],
  ] as const) {
    for (const name of ["cpu", "memory", "storage"]) {
      const amount = amounts?.[name];
      if (amount === undefined) continue;
      const amountAt = joinPath(at, "resources", part, name);
      if (name === "memory" && sign(amount) <= 0) errors.push(invalid(amountAt, amount, "must be greater than 0"));
      else if (sign(amount) < 0) errors.push(invalid(amountAt, amount, "must be greater than or equal to 0"));
    }
  }
  for (const name of ["cpu", "memory"]) {
    const [request, limit] = [requests?.[name], limits?.[name]];
    if (request === undefined || limit === undefined || (name === "cpu" && sign(limit) === 0)) continue;
    const [wanted, most] = [parseQuantity(request), parseQuantity(limit)];
    if (wanted !== undefined && most !== undefined && compareQuantities(wanted, most) > 0) {
      errors.push(
        invalid(
          joinPath(at, "resources", "requests", name),
          request,
          `must be less than or equal to the ${name} limit (${limit})`,
        ),
      );
    }
  }
  return errors;
}

function checkState({ kind, spec, at }: Subject): readonly FieldError[] {
  const pulsar = objectOf(objectOf(spec, "statefulConfig"), "pulsar");
  if (pulsar === undefined) return [];
  const errors: FieldError[] = [];
  if (kind === "Function" && isSet(spec, "golang")) {
    errors.push(forbiddenField(joinPath(at, "statefulConfig"), "Go functions cannot keep state"));
  }
  if (textOf(pulsar, "serviceUrl") === "") {
    errors.push(required(joinPath(at, "statefulConfig", "pulsar", "serviceUrl"), "address of the state store"));
  }
  return errors;
}

function checkPulsar({ spec, at }: Subject): readonly FieldError[] {
  const errors: FieldError[] = [];
  const detail = "name of the ConfigMap with webServiceURL and brokerServiceURL";
  const pulsar = objectOf(spec, "pulsar");
  if (pulsar === undefined) errors.push(required(joinPath(at, "pulsar"), "connection to the Pulsar cluster"));
  else if (textOf(pulsar, "pulsarConfig") === "") errors.push(required(joinPath(at, "pulsar", "pulsarConfig"), detail));
  const packages = objectOf(spec, "pulsarPackageService");
  if (packages !== undefined && textOf(packages, "pulsarConfig") === "") {
    errors.push(required(joinPath(at, "pulsarPackageService", "pulsarConfig"), detail));
  }
  return errors;
}
