/** What a cluster refuses, a laptop refuses: one table per kind, of what is wrong and the error it gets. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { coreDefinitions } from "../../../../test/support/core-resources.ts";
import { cpuClock } from "../../../../test/support/cpu-clock.ts";
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import { objectOf } from "../../../machinery/fields.ts";

const rowOf = (kind: string) => coreDefinitions.find((row) => row.kind === kind) ?? assert.fail(kind);

function anObject(kind: string, fields: JsonObject, metadata: KubeObject["metadata"] = {}): KubeObject {
  const { group, version, namespaced } = rowOf(kind);
  return {
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    metadata: { name: "a", uid: "u", ...(namespaced ? { namespace: "demo" } : {}), ...metadata },
    ...fields,
  };
}

/** The object as it is stored: with defaults, and what is prepared when it is created. */
function stored(object: KubeObject): KubeObject {
  const { strategy } = rowOf(object.kind);
  const defaulted = strategy.default?.(object) ?? object;
  return strategy.prepareForCreate?.(defaulted) ?? defaulted;
}

function createErrors(object: KubeObject): readonly string[] {
  const errors = rowOf(object.kind).strategy.validate?.(stored(object), undefined) ?? [];
  return errors.map(({ field, body }) => (field === "" ? body : `${field}: ${body}`));
}

function updateErrors(next: KubeObject, old: KubeObject): readonly string[] {
  const { strategy } = rowOf(old.kind);
  const before = stored(old);
  const defaulted = strategy.default?.(next) ?? next;
  const prepared = strategy.prepareForUpdate?.(defaulted, before) ?? defaulted;
  const errors = [
    ...(strategy.validate?.(prepared, before) ?? []),
    ...(strategy.validateUpdate?.(prepared, before) ?? []),
  ];
  return errors.map(({ field, body }) => `${field}: ${body}`);
}

const encoded = (text: string): string => Buffer.from(text).toString("base64");
const container = { name: "c", image: "i" };
const template = (spec: JsonObject = {}, labels: JsonObject = { app: "a" }) => ({
  metadata: { labels },
  spec: { containers: [container], ...spec },
});
const set = (spec: JsonObject = {}) =>
  anObject("StatefulSet", {
    spec: { serviceName: "s", selector: { matchLabels: { app: "a" } }, template: template(), ...spec },
  });
const job = (spec: JsonObject = {}) =>
  anObject("Job", { spec: { template: template({ restartPolicy: "Never" }), ...spec } });
const pod = (spec: JsonObject) => anObject("Pod", { spec: { containers: [container], ...spec } });
const withContainer = (fields: JsonObject, spec: JsonObject = {}) =>
  pod({ ...spec, containers: [{ ...container, ...fields }] });
const service = (spec: JsonObject) => anObject("Service", { spec: { ports: [{ port: 80 }], ...spec } });
const autoscaler = (spec: JsonObject) =>
  anObject("HorizontalPodAutoscaler", {
    spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "a" }, ...spec },
  });
const claim = (spec: JsonObject) =>
  anObject("PersistentVolumeClaim", {
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  });
const rule = { verbs: ["get"], apiGroups: [""], resources: ["pods"] };
const binding = (fields: JsonObject, kind = "RoleBinding") =>
  anObject(kind, { roleRef: { kind: "ClusterRole", name: "view" }, ...fields });
const event = (involved: JsonObject, namespace = "demo", fields: JsonObject = {}) =>
  anObject("Event", { involvedObject: { kind: "Pod", ...involved }, ...fields }, { namespace });

const keyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const labelRule =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const portRule = "must be between 1 and 65535, inclusive";

const accepted: Record<string, KubeObject> = {
  "a ConfigMap": anObject("ConfigMap", { data: { "a.b_c-D": "x" }, binaryData: { b: "eA==" } }),
  "a ConfigMap without data": anObject("ConfigMap", {}),
  "a TLS Secret": anObject("Secret", { type: "kubernetes.io/tls", data: { "tls.crt": "eA==", "tls.key": "" } }),
  "a Secret with pull credentials": anObject("Secret", {
    type: "kubernetes.io/dockerconfigjson",
    data: { ".dockerconfigjson": encoded("{}") },
  }),
  "a Secret with a name alone": anObject("Secret", { type: "kubernetes.io/basic-auth", stringData: { username: "u" } }),
  "a Service": service({ selector: { app: "a" } }),
  "a headless Service without ports": anObject("Service", { spec: { clusterIP: "None" } }),
  "a Service by name": anObject("Service", { spec: { type: "ExternalName", externalName: "example.org." } }),
  "the same port by two protocols": service({
    ports: [
      { name: "a", port: 53 },
      { name: "b", port: 53, protocol: "UDP" },
    ],
  }),
  "a StatefulSet": set(),
  "a StatefulSet that mounts its claims": set({
    volumeClaimTemplates: [
      {
        metadata: { name: "data" },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
      },
    ],
    template: template({ containers: [{ ...container, volumeMounts: [{ name: "data", mountPath: "/d" }] }] }),
  }),
  "a Job": job(),
  "an Indexed Job": job({ completionMode: "Indexed", completions: 3 }),
  "a pod": pod({}),
  "a variable twice": withContainer({ env: [{ name: "A" }, { name: "A", value: "1" }] }),
  "a variable with a dot": withContainer({ env: [{ name: "a.b/c" }] }),
  "an autoscaler": autoscaler({}),
  "a claim": claim({}),
  "a Role": anObject("Role", { rules: [rule] }),
  "a ClusterRole for paths": anObject("ClusterRole", { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] }),
  "a RoleBinding": binding({
    subjects: [
      { kind: "ServiceAccount", name: "s", namespace: "n" },
      { kind: "User", name: "a b" },
    ],
  }),
  "a Lease": anObject("Lease", { spec: { leaseDurationSeconds: 15, leaseTransitions: 0 } }),
  "an Event of its namespace": event({ namespace: "demo" }),
  "an Event of the cluster": event({}, "default"),
};
for (const [name, object] of Object.entries(accepted)) {
  test(`accepted: ${name}`, () => assert.deepEqual(createErrors(object), []));
}

const indexedJob = { completionMode: "Indexed", completions: 3 };
const refused: Record<string, readonly [object: KubeObject, errors: readonly string[]]> = {
  "a key with a slash": [
    anObject("ConfigMap", { data: { "a/b": "x" } }),
    [`data[a/b]: Invalid value: "a/b": ${keyRule}`],
  ],
  "an empty key": [anObject("Secret", { data: { "": "eA==" } }), [`data[]: Invalid value: "": ${keyRule}`]],
  "a key that is a directory": [
    anObject("Secret", { data: { "..": "eA==" } }),
    ["data[..]: Invalid value: \"..\": must not be '..'"],
  ],
  "a key in both": [
    anObject("ConfigMap", { data: { k: "x" }, binaryData: { k: "eA==" } }),
    ['data[k]: Invalid value: "k": duplicate of key present in binaryData'],
  ],
  "a ConfigMap over 1 MiB": [
    anObject("ConfigMap", { data: { a: "x".repeat(1024 * 1024), b: "y" } }),
    ["Too long: may not be more than 1048576 bytes"],
  ],
  "a Secret over 1 MiB": [
    anObject("Secret", { data: { a: encoded("x".repeat(1024 * 1024 + 1)) } }),
    ["data: Too long: may not be more than 1048576 bytes"],
  ],
  "TLS without a key": [
    anObject("Secret", { type: "kubernetes.io/tls", data: { "tls.crt": "eA==" } }),
    ["data[tls.key]: Required value"],
  ],
  "pull credentials that are no JSON": [
    anObject("Secret", { type: "kubernetes.io/dockercfg", data: { ".dockercfg": "eA==" } }),
    ['data[.dockercfg]: Invalid value: "<secret contents redacted>": must be valid JSON'],
  ],
  "a token of nobody": [
    anObject("Secret", { type: "kubernetes.io/service-account-token" }),
    ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
  ],
  "a port beyond 65535": [
    service({ ports: [{ port: 70_000, targetPort: 1 }] }),
    [`spec.ports[0].port: Invalid value: 70000: ${portRule}`],
  ],
  "two ports without names": [
    service({ ports: [{ port: 1 }, { port: 2 }] }),
    ["spec.ports[0].name: Required value", "spec.ports[1].name: Required value"],
  ],
  "a port twice": [
    service({
      ports: [
        { name: "a", port: 1 },
        { name: "a", port: 1 },
      ],
    }),
    ['spec.ports[1].name: Duplicate value: "a"', 'spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}'],
  ],
  "a Service without ports": [anObject("Service", { spec: {} }), ["spec.ports: Required value"]],
  "a port of nodes inside": [
    service({ ports: [{ port: 1, nodePort: 30_000 }] }),
    ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
  ],
  "a port of nodes outside their range": [
    service({ type: "NodePort", ports: [{ port: 1, nodePort: 80 }] }),
    [
      "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767",
    ],
  ],
  "an address that is none": [
    service({ clusterIP: "here" }),
    ['spec.clusterIPs[0]: Invalid value: "here": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
  ],
  "a name without one": [
    anObject("Service", { spec: { type: "ExternalName" } }),
    ["spec.externalName: Required value"],
  ],
  "a selector that misses the pods": [
    set({ selector: { matchLabels: { x: "y" } } }),
    ['spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'],
  ],
  "an empty selector": [
    set({ selector: {} }),
    ["spec.selector: Invalid value: {}: empty selector is invalid for statefulset"],
  ],
  "an operator that doesn't exist": [
    set({ selector: { matchExpressions: [{ key: "app", operator: "Is", values: [] }] } }),
    ['spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator'],
  ],
  "negative numbers": [
    set({
      replicas: -1,
      minReadySeconds: -2,
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: -3 } },
    }),
    [
      "spec.updateStrategy.rollingUpdate.partition: Invalid value: -3: must be greater than or equal to 0",
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      "spec.minReadySeconds: Invalid value: -2: must be greater than or equal to 0",
    ],
  ],
  "another update strategy": [
    set({ updateStrategy: { type: "Recreate" } }),
    ["spec.updateStrategy: Invalid value: {\"type\":\"Recreate\"}: must be 'RollingUpdate' or 'OnDelete'"],
  ],
  "a StatefulSet whose pods end": [
    set({ template: template({ restartPolicy: "Never" }) }),
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  "retention of another kind": [
    set({ persistentVolumeClaimRetentionPolicy: { whenDeleted: "Keep", whenScaled: "Retain" } }),
    [
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"',
    ],
  ],
  "a template without containers": [
    set({ template: { metadata: { labels: { app: "a" } }, spec: { containers: [] } } }),
    ["spec.template.spec.containers: Required value"],
  ],
  "containers of one name": [
    pod({ containers: [container, container], initContainers: [container] }),
    ['spec.containers[1].name: Duplicate value: "c"', 'spec.initContainers[0].name: Duplicate value: "c"'],
  ],
  "a container's name": [
    withContainer({ name: "A_b" }),
    [`spec.containers[0].name: Invalid value: "A_b": ${labelRule}`],
  ],
  "a container without image": [withContainer({ image: " " }), ["spec.containers[0].image: Required value"]],
  "a mount of nothing": [
    withContainer({ volumeMounts: [{ name: "v", mountPath: "/a" }] }),
    ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
  ],
  "a path twice": [
    withContainer(
      {
        volumeMounts: [
          { name: "v", mountPath: "/a" },
          { name: "v", mountPath: "/a" },
        ],
      },
      { volumes: [{ name: "v", emptyDir: {} }] },
    ),
    ['spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/a": must be unique'],
  ],
  "a volume of two sources": [
    pod({ volumes: [{ name: "v", emptyDir: {}, secret: { secretName: "s" } }] }),
    ["spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type"],
  ],
  "a variable that is no name": [
    withContainer({ env: [{ name: "a=b" }] }),
    [
      "spec.containers[0].env[0].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
    ],
  ],
  "a variable with two values": [
    withContainer({ env: [{ name: "a", value: "b", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] }),
    ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
  ],
  "requests above limits": [
    withContainer({ resources: { requests: { cpu: "2" }, limits: { cpu: "1" } } }),
    ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
  ],
  "a resource nobody knows": [
    set({ template: template({ containers: [{ ...container, resources: { limits: { cpus: "1" } } }] }) }),
    [
      'spec.template.spec.containers[0].resources.limits[cpus]: Invalid value: "cpus": must be a standard resource type or fully qualified',
      'spec.template.spec.containers[0].resources.limits[cpus]: Invalid value: "cpus": must be a standard resource for containers',
    ],
  ],
  "a container port of 0": [
    withContainer({ ports: [{ containerPort: 0 }] }),
    ["spec.containers[0].ports[0].containerPort: Required value"],
  ],
  "a port's name": [
    withContainer({ ports: [{ name: "--", containerPort: 1 }] }),
    [
      'spec.containers[0].ports[0].name: Invalid value: "--": must contain at least one letter (a-z)',
      'spec.containers[0].ports[0].name: Invalid value: "--": must not contain consecutive hyphens',
      'spec.containers[0].ports[0].name: Invalid value: "--": must not begin or end with a hyphen',
    ],
  ],
  "a probe of nothing": [
    withContainer({ livenessProbe: { successThreshold: 2 } }),
    [
      "spec.containers[0].livenessProbe: Required value: must specify a handler type",
      "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    ],
  ],
  "a toleration for some time": [
    pod({ tolerations: [{ key: "a", operator: "Exists", tolerationSeconds: 1, effect: "NoSchedule" }] }),
    [
      "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ],
  ],
  "a Job that never ends": [
    job({ template: template({ restartPolicy: "Always" }) }),
    ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
  ],
  "a Job with a selector of its own": [
    job({ selector: { matchLabels: { app: "a" } } }),
    [
      'spec.selector: Invalid value: {"matchLabels":{"app":"a","batch.kubernetes.io/controller-uid":"u"}}: `selector` not auto-generated',
    ],
  ],
  "a resolver without settings": [
    pod({ dnsPolicy: "None" }),
    ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"],
  ],
  "an Indexed Job without an end": [
    job({ completionMode: "Indexed", parallelism: 2 }),
    ["spec.completions: Required value: when completion mode is Indexed"],
  ],
  "indexes of a Job without": [
    job({ backoffLimitPerIndex: 1 }),
    ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"],
  ],
  "an autoscaler to 0": [
    autoscaler({ maxReplicas: 0 }),
    [
      "spec.maxReplicas: Invalid value: 0: must be greater than or equal to `minReplicas`",
      "spec.maxReplicas: Required value",
    ],
  ],
  "an autoscaler from above": [
    autoscaler({ minReplicas: 4 }),
    ["spec.maxReplicas: Invalid value: 3: must be greater than or equal to `minReplicas`"],
  ],
  "an autoscaler of nothing": [
    autoscaler({ scaleTargetRef: { kind: "StatefulSet" } }),
    [
      "spec.scaleTargetRef.name: Required value",
      'spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group',
    ],
  ],
  "a metric without source": [
    autoscaler({ metrics: [{ type: "Pods" }] }),
    ["spec.metrics[0].pods: Required value: must populate information for the given metric source"],
  ],
  "a policy of no time": [
    autoscaler({ behavior: { scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 0 }] } } }),
    ["spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater than zero"],
  ],
  "a rule without groups": [
    anObject("Role", { rules: [{ verbs: ["get"], resources: ["pods"] }] }),
    ["rules[0].apiGroups: Required value: resource rules must supply at least one api group"],
  ],
  "a rule without verbs": [
    anObject("ClusterRole", { rules: [{ ...rule, verbs: [] }] }),
    ["rules[0].verbs: Required value"],
  ],
  "paths in a namespace": [
    anObject("Role", { rules: [{ verbs: ["get"], nonResourceURLs: ["/x"] }] }),
    ['rules[0].nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs'],
  ],
  "an aggregation of nothing": [
    anObject("ClusterRole", { aggregationRule: {} }),
    [
      "aggregationRule.clusterRoleSelectors: Required value: at least one clusterRoleSelector required if aggregationRule is non-nil",
    ],
  ],
  "a success of more indexes than it lists": [
    job({ ...indexedJob, successPolicy: { rules: [{ succeededIndexes: "0", succeededCount: 2 }] } }),
    [
      "spec.successPolicy.rules[0].succeededCount: Invalid value: 2: must be less than or equal to 1 (the number of indexes in the specified succeededIndexes field)",
    ],
  ],
  "a success of an index that is not there": [
    job({ ...indexedJob, successPolicy: { rules: [{ succeededIndexes: "1-3" }, {}] } }),
    [
      'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "1-3": error parsing succeededIndexes: too large index: "3"',
      "spec.successPolicy.rules[1]: Required value: at least one of succeededCount or succeededIndexes must be specified",
    ],
  ],
  "a failure by success, twice, out of order": [
    job({ podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [2, 0, 2] } }] } }),
    [
      "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator",
      "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 2",
      "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [2,0,2]: must be ordered",
    ],
  ],
  "a failure of an index without limits": [
    job({ podFailurePolicy: { rules: [{ action: "FailIndex", onPodConditions: [{ type: "DisruptionTarget" }] }] } }),
    ['spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set'],
  ],
  "failed indexes without limits": [
    job({ ...indexedJob, maxFailedIndexes: 1 }),
    ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"],
  ],
  "a service account of no namespace": [
    binding(
      { roleRef: { kind: "ClusterRole", name: "r" }, subjects: [{ kind: "ServiceAccount", name: "x" }] },
      "ClusterRoleBinding",
    ),
    ["subjects[0].namespace: Required value"],
  ],
  "a subject of another kind": [
    binding({ subjects: [{ kind: "Foo", name: "x" }] }),
    ['subjects[0].kind: Unsupported value: "Foo": supported values: "ServiceAccount", "User", "Group"'],
  ],
  "a Role for the cluster": [
    binding({ roleRef: { kind: "Role", name: "r" } }, "ClusterRoleBinding"),
    ['roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"'],
  ],
  "a lease of no time": [
    anObject("Lease", { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }),
    [
      "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
      "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
    ],
  ],
  "an Event about another namespace": [
    event({ namespace: "other" }),
    ['involvedObject.namespace: Invalid value: "other": does not match event.namespace'],
  ],
  "an Event at a time, by nobody": [
    event({ namespace: "demo" }, "demo", { eventTime: "2026-01-01T00:00:00.000000Z", reason: "r".repeat(129) }),
    [
      "reportingComponent: Required value",
      'reportingComponent: Invalid value: "": name part must be non-empty',
      `reportingComponent: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      "reportingInstance: Required value",
      "action: Required value",
      'reason: Invalid value: "": can have at most 128 characters',
    ],
  ],
  "an Event about the cluster elsewhere": [
    event({}),
    ['involvedObject.namespace: Invalid value: "": does not match event.namespace'],
  ],
  "a claim of nothing": [
    claim({ accessModes: [], resources: {} }),
    ["spec.accessModes: Required value: at least 1 access mode is required", "spec.resources[storage]: Required value"],
  ],
  "a volume of no size": [
    anObject("PersistentVolume", { spec: { hostPath: { path: "/x" } } }),
    ["spec.capacity: Required value", "spec.accessModes: Required value"],
  ],
  "a template of pods without containers": [
    anObject("PodTemplate", { template: { spec: { containers: [] } } }),
    ["template.spec.containers: Required value"],
  ],
  "a revision without data": [
    anObject("ControllerRevision", { revision: 1 }),
    ["data: Required value: data is mandatory"],
  ],
};
for (const [name, [object, errors]] of Object.entries(refused)) {
  test(`refused: ${name}`, () => assert.deepEqual(createErrors(object), errors));
}

const told = {
  eventTime: "2026-01-01T00:00:00.000000Z",
  reportingComponent: "a.b/c",
  reportingInstance: "i",
  action: "A",
  reason: "R",
  message: "m",
};
const placed = pod({ nodeName: "n" });
const changes: Record<string, readonly [old: KubeObject, next: KubeObject, errors: readonly string[]]> = {
  "an image of a pod": [placed, pod({ nodeName: "n", containers: [{ ...container, image: "j" }] }), []],
  "a pod that gets its node": [pod({}), placed, []],
  "a pod that moves": [
    placed,
    pod({ nodeName: "m" }),
    [
      "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ],
  ],
  "a Service's address": [
    service({ clusterIP: "10.96.0.1" }),
    service({ clusterIP: "10.96.0.2" }),
    ['spec.clusterIPs[0]: Invalid value: ["10.96.0.2"]: may not change once set'],
  ],
  "a Job's parallelism": [
    stored(job()),
    { ...stored(job()), spec: { ...objectOf(stored(job()), "spec"), parallelism: 2 } },
    [],
  ],
  "the size of a claim that waits": [
    claim({}),
    claim({ resources: { requests: { storage: "2Gi" } } }),
    [
      "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
    ],
  ],
  "the volume of a claim": [claim({}), claim({ volumeName: "v" }), []],
  "how often an Event was seen": [
    event({ namespace: "demo" }, "demo", { message: "m", count: 1 }),
    event({ namespace: "demo" }, "demo", { message: "n", count: 2 }),
    [],
  ],
  "what happened at a time": [
    event({ namespace: "demo" }, "demo", { ...told, series: { count: 2 } }),
    event({ namespace: "demo" }, "demo", { ...told, message: "n", series: { count: 3 } }),
    ['message: Invalid value: "n": field is immutable'],
  ],
  "the content of a revision": [
    anObject("ControllerRevision", { data: { a: 1 }, revision: 1 }),
    anObject("ControllerRevision", { data: { a: 2 }, revision: 2 }),
    ['data: Invalid value: {"a":2}: field is immutable'],
  ],
};
for (const [name, [old, next, errors]] of Object.entries(changes)) {
  test(`changed: ${name}`, () => assert.deepEqual(updateErrors(next, old), errors));
}

test("changed: a Job's completions, unless it is Indexed and grows as a whole", () => {
  const changed = (fields: JsonObject, spec: JsonObject) => {
    const old = stored(job(fields));
    return updateErrors({ ...old, spec: { ...objectOf(old, "spec"), ...spec } }, old);
  };
  assert.deepEqual(changed({}, { completions: 2 }), ["spec.completions: Invalid value: 2: field is immutable"]);
  const indexed = { completionMode: "Indexed", completions: 1, parallelism: 1 };
  assert.deepEqual(changed(indexed, { completions: 3, parallelism: 3 }), []);
  assert.match(
    changed({}, { template: template({ restartPolicy: "OnFailure" }) }).join(),
    /spec\.template: .*immutable/,
  );
});

test("changed: what the pods of a Job ask for, while it is suspended and has none", () => {
  const dearer = { ...container, resources: { requests: { cpu: "2" } } };
  const changed = (status: JsonObject, suspend = true, changes: JsonObject = { containers: [dearer] }) => {
    const old = { ...stored(job({ suspend })), status };
    const { selector = {} } = objectOf(stored(job()), "spec") ?? {};
    const next = stored(job({ suspend, selector, template: template({ restartPolicy: "Never", ...changes }) }));
    return rowOf("Job")
      .strategy.validateUpdate?.(next, old)
      .map(({ field }) => field);
  };
  const suspended = { startTime: "2026-01-01T00:00:00Z", conditions: [{ type: "Suspended", status: "True" }] };
  assert.deepEqual(changed({}), [], "not started yet");
  assert.deepEqual(changed(suspended), [], "stopped");
  assert.deepEqual(changed({ ...suspended, active: 1 }), ["spec.template"], "about to stop");
  assert.deepEqual(changed({}, false), ["spec.template"], "running");
  assert.deepEqual(changed({}, true, { containers: [{ ...container, image: "other" }] }), ["spec.template"]);
});

test("what is checked costs what was sent", () => {
  const many = Array.from({ length: 20_000 }, (_, index) => ({ name: `p${index}`, port: 1 + (index % 65_000) }));
  const elapsedMs = cpuClock();
  createErrors(service({ ports: many, type: "NodePort" }));
  createErrors(pod({ containers: many.map(({ name }) => ({ name, image: "i" })) }));
  assert.ok(elapsedMs() < 2_000);
});
