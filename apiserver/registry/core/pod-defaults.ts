/**
 * What a pod's spec is where its author doesn't say, in a Pod and in the template of a workload alike. Everything that
 * compares what it wrote with what is there knows these values from other clusters.
 */
import type { JsonObject } from "../../apis/meta/v1.ts";
import { isSet, listOf, objectOf, textOf } from "../../machinery/fields.ts";
import { isObject } from "../../machinery/json.ts";

type Fields = JsonObject | undefined;

/** Seconds a pod gets to stop when nobody says otherwise. */
export const defaultGracePeriodSeconds = 30;

/** Permissions of files in volumes, 0644. */
const defaultMode = 420;

/**
 * What is given, above the defaults. Clients in Go send a text that they leave to the server as its type's zero, so an
 * empty one counts as nothing here. Not for texts that are pointers there: an empty one of those is wrong.
 */
export function withDefaults(given: Fields, defaults: JsonObject): JsonObject {
  const left = Object.entries(defaults).filter(([field, value]) => typeof value === "string" && given?.[field] === "");
  return { ...defaults, ...given, ...Object.fromEntries(left) };
}

function withPodDefaults(spec: Fields): JsonObject {
  return {
    ...withDefaults(spec, {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: defaultGracePeriodSeconds,
      dnsPolicy: "ClusterFirst",
      schedulerName: "default-scheduler",
      securityContext: {},
    }),
    ...each(spec, "volumes", withVolumeDefaults),
    ...each(spec, "initContainers", withContainerDefaults),
    ...each(spec, "containers", withContainerDefaults),
  };
}

/** Of a pod, besides what a template has. What isn't requested is as much as the limit. */
export function withRunningDefaults(spec: Fields): JsonObject {
  const withRequests = (container: JsonObject): JsonObject => {
    const resources = objectOf(container, "resources");
    const limits = objectOf(resources, "limits");
    if (limits === undefined) return container;
    return { ...container, resources: { ...resources, requests: { ...limits, ...objectOf(resources, "requests") } } };
  };
  const complete = withPodDefaults(spec);
  return {
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
    priority: 0,
    ...withDefaults(complete, { serviceAccountName: "default" }),
    ...each(complete, "initContainers", withRequests),
    ...each(complete, "containers", withRequests),
  };
}

/** Seconds a pod stays with a node that is not seen any more. */
const patienceSeconds = 300;

/** A new pod bears that its node is lost for a while, unless it says what it bears. */
export function withPatience(spec: Fields): JsonObject {
  const given = listOf(spec, "tolerations");
  const known = new Set(given.filter(isObject).map((toleration) => textOf(toleration, "key")));
  const added = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    .filter((key) => !known.has(key) && !known.has(""))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: patienceSeconds }));
  return { ...spec, tolerations: [...given, ...added] };
}

/** Of the spec of a StatefulSet or Job. */
export function withTemplateDefaults(spec: JsonObject): JsonObject {
  const template = objectOf(spec, "template");
  const podSpec = objectOf(template, "spec");
  if (podSpec === undefined) return spec;
  return { ...spec, template: { ...template, spec: withPodDefaults(podSpec) } };
}

/** The list with every entry completed; nothing where there is no list. */
function each(parent: Fields, field: string, complete: (entry: JsonObject) => JsonObject): JsonObject {
  if (!Array.isArray(parent?.[field])) return {};
  return { [field]: listOf(parent, field).map((entry) => (isObject(entry) ? complete(entry) : entry)) };
}

/** The member with `defaults` below what it has; nothing where there is no such member. */
function below(parent: Fields, field: string, defaults: JsonObject): JsonObject {
  const member = objectOf(parent, field);
  return member === undefined ? {} : { [field]: withDefaults(member, defaults) };
}

const probes = ["livenessProbe", "readinessProbe", "startupProbe"];
const probeDefaults = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

function withContainerDefaults(container: JsonObject): JsonObject {
  const checks = probes.flatMap((field) => {
    const probe = objectOf(container, field);
    return probe === undefined ? [] : [[field, withProbeDefaults(probe)] as const];
  });
  const lifecycle = objectOf(container, "lifecycle");
  const hooks = ["postStart", "preStop"].flatMap((field) => {
    const hook = objectOf(lifecycle, field);
    return hook === undefined ? [] : [[field, withHandlerDefaults(hook)] as const];
  });
  return {
    ...withDefaults(container, {
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      imagePullPolicy: pullPolicyOf(textOf(container, "image")),
      resources: {},
    }),
    ...each(container, "env", withReferenceVersion),
    ...Object.fromEntries(checks),
    ...(lifecycle === undefined ? {} : { lifecycle: { ...lifecycle, ...Object.fromEntries(hooks) } }),
  };
}

/** These counts begin with 1, so that 0 says no more than nothing. */
function withProbeDefaults(probe: JsonObject): JsonObject {
  const left = Object.entries(probeDefaults).filter(([field]) => probe[field] === 0);
  return { ...probeDefaults, ...withHandlerDefaults(probe), ...Object.fromEntries(left) };
}

const withHandlerDefaults = (handler: JsonObject): JsonObject => ({
  ...handler,
  ...below(handler, "httpGet", { path: "/", scheme: "HTTP" }),
  ...below(handler, "grpc", { service: "" }),
});

/** An image that can change under its name is looked up each time. */
function pullPolicyOf(image: string): "Always" | "IfNotPresent" {
  if (image.includes("@")) return "IfNotPresent";
  const name = image.slice(image.lastIndexOf("/") + 1);
  const tag = name.includes(":") ? name.slice(name.indexOf(":") + 1) : "";
  return tag === "" || tag === "latest" ? "Always" : "IfNotPresent";
}

function withReferenceVersion(variable: JsonObject): JsonObject {
  const source = objectOf(variable, "valueFrom");
  const reference = below(source, "fieldRef", { apiVersion: "v1" });
  return Object.keys(reference).length === 0 ? variable : { ...variable, valueFrom: { ...source, ...reference } };
}

const withFieldVersion = (item: JsonObject): JsonObject => ({
  ...item,
  ...below(item, "fieldRef", { apiVersion: "v1" }),
});

const volumeDefaults: readonly (readonly [source: string, defaults: JsonObject])[] = [
  ["secret", { defaultMode }],
  ["configMap", { defaultMode }],
  ["downwardAPI", { defaultMode }],
  ["projected", { defaultMode }],
  ["hostPath", { type: "" }],
];

function withVolumeDefaults(volume: JsonObject): JsonObject {
  if (Object.keys(volume).every((field) => field === "name" || !isSet(volume, field))) {
    return { ...volume, emptyDir: {} };
  }
  const sources = volumeDefaults.map(([source, defaults]) => below(volume, source, defaults));
  return { ...volume, ...Object.assign({}, ...sources), ...withNestedDefaults(volume) };
}

function withNestedDefaults(volume: JsonObject): JsonObject {
  const [downward, projected] = [objectOf(volume, "downwardAPI"), objectOf(volume, "projected")];
  return {
    ...(downward === undefined
      ? {}
      : { downwardAPI: { defaultMode, ...downward, ...each(downward, "items", withFieldVersion) } }),
    ...(projected === undefined
      ? {}
      : { projected: { defaultMode, ...projected, ...each(projected, "sources", withSourceDefaults) } }),
  };
}

function withSourceDefaults(source: JsonObject): JsonObject {
  const downward = objectOf(source, "downwardAPI");
  return {
    ...source,
    ...below(source, "serviceAccountToken", { expirationSeconds: 3600 }),
    ...(downward === undefined ? {} : { downwardAPI: { ...downward, ...each(downward, "items", withFieldVersion) } }),
  };
}

/** Claims of a StatefulSet are whole objects, and wait for a volume from the beginning. */
export function withClaimDefaults(spec: JsonObject): JsonObject {
  return {
    ...spec,
    ...each(spec, "volumeClaimTemplates", (claim) => ({
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      ...claim,
      spec: { volumeMode: "Filesystem", ...objectOf(claim, "spec") },
      status: withDefaults(objectOf(claim, "status"), { phase: "Pending" }),
    })),
  };
}
