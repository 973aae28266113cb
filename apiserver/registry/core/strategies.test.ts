import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { objectOf } from "../../machinery/fields.ts";
import type { Strategy } from "../rest/strategy.ts";
import * as strategies from "./strategies.ts";

function anObject(fields: JsonObject = {}, metadata: KubeObject["metadata"] = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Any",
    metadata: { name: "a", namespace: "demo", uid: "u", ...metadata },
    ...fields,
  };
}
const defaulted = ({ default: complete }: Strategy, object: KubeObject): KubeObject =>
  complete?.(object) ?? assert.fail("it has defaults");
const created = (strategy: Strategy, object: KubeObject): KubeObject =>
  strategy.prepareForCreate?.(strategy.default?.(object) ?? object) ?? assert.fail("it prepares");
const refusals = ({ validateUpdate }: Strategy, object: KubeObject, old: KubeObject): readonly string[] =>
  (validateUpdate?.(object, old) ?? []).map(({ field, body }) => `${field}: ${body}`);

test("built-in kinds may be replaced without naming a version", () => {
  for (const strategy of Object.values(strategies)) assert.equal(strategy.allowUnconditionalUpdate, true);
});

test("PUT creates Services, Events, Leases and what RBAC has, and nothing else", () => {
  const creating = Object.entries(strategies).flatMap(([name, { createsOnUpdate }]) => (createsOnUpdate ? [name] : []));
  assert.deepEqual(creating.sort(), [
    "clusterRoleBindingStrategy",
    "clusterRoleStrategy",
    "eventStrategy",
    "leaseStrategy",
    "roleBindingStrategy",
    "roleStrategy",
    "serviceStrategy",
  ]);
});

test("the status of a StatefulSet counts no more pods than there are", () => {
  const errors = (status: JsonObject, old: JsonObject = {}) =>
    (strategies.statefulSetStrategy.validateStatus?.(anObject({ status }), anObject({ status: old })) ?? []).map(
      ({ field, body }) => `${field}: ${body}`,
    );
  assert.deepEqual(errors({ replicas: 2, readyReplicas: 2, availableReplicas: 1, collisionCount: 1 }), []);
  assert.deepEqual(errors({ replicas: 0, readyReplicas: 1, availableReplicas: 2, collisionCount: -1 }), [
    "status.collisionCount: Invalid value: -1: must be greater than or equal to 0",
    "status.readyReplicas: Invalid value: 1: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas",
    "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas",
  ]);
  assert.deepEqual(errors({ replicas: 0 }, { collisionCount: 1 }), [
    "status.collisionCount: Invalid value: 0: cannot be decremented",
  ]);
});

test("a namespace begins active, held by its finalizer, with its name as a label", () => {
  const { spec, status, metadata } = created(strategies.namespaceStrategy, anObject({ status: { phase: "Gone" } }));
  assert.deepEqual(spec, { finalizers: ["kubernetes"] });
  assert.deepEqual(status, { phase: "Active" });
  assert.deepEqual(metadata.labels, { "kubernetes.io/metadata.name": "a" });
});

test("a namespace whose name is generated gets the label once it has the name", () => {
  const { namespaceStrategy } = strategies;
  const nameless = defaulted(namespaceStrategy, anObject({}, { name: "", generateName: "a-" }));
  assert.equal(nameless.metadata.labels, undefined);
  const named = created(namespaceStrategy, { ...nameless, metadata: { ...nameless.metadata, name: "a-x7k2p" } });
  assert.deepEqual(named.metadata.labels, { "kubernetes.io/metadata.name": "a-x7k2p" });
});

test("a namespace is held by its finalizers, which an update cannot take away", () => {
  const {
    namespaceStrategy: { holdsDeletion, prepareForUpdate, prepareForDelete, validateName },
  } = strategies;
  const held = anObject({ spec: { finalizers: ["kubernetes"] } });
  const free = anObject({ spec: {} });
  assert.deepEqual([holdsDeletion?.(held), holdsDeletion?.(free)], [true, false]);
  assert.deepEqual(prepareForUpdate?.(free, held).spec, held.spec);
  assert.deepEqual(prepareForDelete?.(anObject({ status: { conditions: [] } })).status, {
    conditions: [],
    phase: "Terminating",
  });
  assert.equal(validateName?.("a.b").length, 1);
});

test("a Secret's texts become data, over what was there, and are not kept", () => {
  const secret = defaulted(
    strategies.secretStrategy,
    anObject({ data: { a: "b2xk", b: "Yg==" }, stringData: { a: "new", c: "ü" } }),
  );
  assert.deepEqual(secret.data, { a: "bmV3", b: "Yg==", c: "w7w=" });
  assert.equal("stringData" in secret, false);
  assert.equal(secret.type, "Opaque");
  assert.equal(defaulted(strategies.secretStrategy, anObject({ type: "kubernetes.io/tls" })).type, "kubernetes.io/tls");
  assert.equal("data" in defaulted(strategies.secretStrategy, anObject()), false);
});

const immutable = "Forbidden: field is immutable when `immutable` is set";
const { configMapStrategy, secretStrategy } = strategies;
for (const [name, strategy] of Object.entries({ configMapStrategy, secretStrategy })) {
  test(`${name}: what is immutable stays, and stays immutable`, () => {
    const old = anObject({ data: { a: "1" }, immutable: true, type: "Opaque" });
    const next = anObject({ data: { a: "2" }, binaryData: { b: "" }, type: "Opaque" });
    assert.deepEqual(refusals(strategy, next, old), [
      `data: ${immutable}`,
      `binaryData: ${immutable}`,
      `immutable: ${immutable}`,
    ]);
    assert.deepEqual(refusals(strategy, old, old), []);
    assert.deepEqual(refusals(strategy, old, next), []);
  });
}

test("a Secret's type stays", () => {
  assert.deepEqual(refusals(strategies.secretStrategy, anObject({ type: "b" }), anObject({ type: "a" })), [
    'type: Invalid value: "b": field is immutable',
  ]);
});

test("a Service gets an address of its own, the same for the same name", () => {
  const service = (name: string) =>
    objectOf(created(strategies.serviceStrategy, anObject({ spec: {} }, { name })), "spec");
  const address = service("a")?.clusterIP;
  assert.match(String(address), /^10\.96\.\d+\.\d+$/);
  assert.deepEqual(service("a"), {
    type: "ClusterIP",
    sessionAffinity: "None",
    internalTrafficPolicy: "Cluster",
    clusterIP: address,
    clusterIPs: [address],
    ipFamilies: ["IPv4"],
    ipFamilyPolicy: "SingleStack",
  });
  assert.notEqual(service("b")?.clusterIP, address);
});

test("a Service's ports point at themselves unless told otherwise", () => {
  const ports = [
    { port: 80 },
    { port: 53, protocol: "UDP", targetPort: "dns" },
    { port: 81, protocol: "", targetPort: 0 },
  ];
  assert.deepEqual(objectOf(defaulted(strategies.serviceStrategy, anObject({ spec: { ports } })), "spec")?.ports, [
    { protocol: "TCP", targetPort: 80, port: 80 },
    { protocol: "UDP", targetPort: "dns", port: 53 },
    { protocol: "TCP", targetPort: 81, port: 81 },
  ]);
});

test("a template of pods has the defaults of pods in it, a volume what people leave out", () => {
  const template = { spec: { containers: [{ name: "c", image: "i" }] } };
  const completed = objectOf(
    objectOf(defaulted(strategies.podTemplateStrategy, anObject({ template })), "template"),
    "spec",
  );
  assert.deepEqual([completed?.restartPolicy, completed?.dnsPolicy], ["Always", "ClusterFirst"]);
  const volume = created(strategies.persistentVolumeStrategy, anObject({ spec: { capacity: { storage: "1Gi" } } }));
  assert.deepEqual(volume.status, { phase: "Available" });
  assert.equal(objectOf(volume, "spec")?.persistentVolumeReclaimPolicy, "Retain");
});

test("a headless Service has no address, one that is a name neither", () => {
  const { serviceStrategy } = strategies;
  const clusterIPs = (spec: JsonObject) => objectOf(created(serviceStrategy, anObject({ spec })), "spec")?.clusterIPs;
  assert.deepEqual(clusterIPs({ clusterIP: "None" }), ["None"]);
  assert.equal(clusterIPs({ type: "ExternalName", externalName: "example.org" }), undefined);
});

test("a Service reached from outside has a port on every node, and keeps it", () => {
  const { serviceStrategy } = strategies;
  const service = created(serviceStrategy, anObject({ spec: { type: "NodePort", ports: [{ port: 80 }] } }));
  const nodePort = (object: KubeObject | undefined) =>
    JSON.stringify(objectOf(object, "spec")?.ports).match(/nodePort":(\d+)/)?.[1];
  assert.ok(Number(nodePort(service)) >= 30_000 && Number(nodePort(service)) <= 32_767);
  assert.equal(objectOf(service, "spec")?.externalTrafficPolicy, "Cluster");
  const next = defaulted(
    serviceStrategy,
    anObject({ spec: { type: "NodePort", ports: [{ port: 80, name: "http" }] } }),
  );
  assert.equal(nodePort(serviceStrategy.prepareForUpdate?.(next, service)), nodePort(service));
  const inner = defaulted(serviceStrategy, anObject({ spec: { ...objectOf(service, "spec"), type: "ClusterIP" } }));
  assert.equal(nodePort(serviceStrategy.prepareForUpdate?.(inner, service)), undefined, "the type has no use for it");
});

test("a Service that is a name gets an address when it becomes another type, and loses it the other way", () => {
  const { serviceStrategy } = strategies;
  const name = created(serviceStrategy, anObject({ spec: { type: "ExternalName", externalName: "example.org" } }));
  const next = defaulted(serviceStrategy, anObject({ spec: { type: "ClusterIP", ports: [{ port: 80 }] } }));
  const service = serviceStrategy.prepareForUpdate?.(next, name) ?? assert.fail();
  assert.match(String(objectOf(service, "spec")?.clusterIP), /^10\.96\./);
  const back = { ...service, spec: { ...objectOf(service, "spec"), type: "ExternalName", externalName: "a" } };
  assert.equal(objectOf(serviceStrategy.prepareForUpdate?.(back, service), "spec")?.clusterIP, undefined);
});

test("a Service keeps its address when a manifest doesn't name it", () => {
  const old = anObject({ spec: { clusterIP: "10.96.0.1" } });
  const next = strategies.serviceStrategy.prepareForUpdate?.(anObject({ spec: { ports: [] } }), old);
  assert.deepEqual(objectOf(next, "spec")?.clusterIPs, ["10.96.0.1"]);
});

test("a pod begins pending, with the defaults that others rely on", () => {
  const pod = created(
    strategies.podStrategy,
    anObject({ spec: { restartPolicy: "Never" }, status: { phase: "Running" } }),
  );
  assert.deepEqual(pod.spec, {
    restartPolicy: "Never",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
    serviceAccountName: "default",
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
    priority: 0,
    tolerations: ["not-ready", "unreachable"].map((state) => ({
      key: `node.kubernetes.io/${state}`,
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 300,
    })),
  });
  assert.deepEqual(pod.status, { phase: "Pending", qosClass: "BestEffort" });
  const hasty = created(strategies.podStrategy, anObject({ spec: { terminationGracePeriodSeconds: -1 } }));
  assert.equal(objectOf(hasty, "spec")?.terminationGracePeriodSeconds, 1, "-1 is kept as 1");
});

const graces: readonly (readonly [name: string, pod: JsonObject, requested: number | undefined, seconds: number])[] = [
  ["one that never ran", { spec: { terminationGracePeriodSeconds: 9 } }, undefined, 0],
  ["one that has ended", { spec: { nodeName: "n" }, status: { phase: "Succeeded" } }, 5, 0],
  ["one that failed", { spec: { nodeName: "n" }, status: { phase: "Failed" } }, 5, 0],
  ["as requested", { spec: { nodeName: "n", terminationGracePeriodSeconds: 9 } }, 5, 5],
  ["now, if so requested", { spec: { nodeName: "n" } }, 0, 0],
  ["as its spec says", { spec: { nodeName: "n", terminationGracePeriodSeconds: 9 } }, undefined, 9],
  ["as everybody", { spec: { nodeName: "n" } }, undefined, 30],
];
for (const [name, pod, requested, seconds] of graces) {
  test(`a pod gets ${seconds} s to stop: ${name}`, () =>
    assert.equal(strategies.podStrategy.gracePeriodSeconds?.(anObject(pod), requested), seconds));
}

test("a StatefulSet has the defaults that its controller relies on", () => {
  const set = created(strategies.statefulSetStrategy, anObject({ spec: { replicas: 0 } }));
  assert.deepEqual(set.spec, {
    replicas: 0,
    podManagementPolicy: "OrderedReady",
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
  });
  assert.deepEqual(set.status, { replicas: 0, availableReplicas: 0 });
});

test("a StatefulSet's identity stays: only what its controller can roll out may change", () => {
  const old = anObject({ spec: { serviceName: "a", replicas: 1, template: {} } });
  const changed = (spec: JsonObject) =>
    refusals(strategies.statefulSetStrategy, anObject({ spec: { ...objectOf(old, "spec"), ...spec } }), old);
  for (const field of [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
  ]) {
    assert.deepEqual(changed({ [field]: "other" }), [], field);
  }
  for (const field of ["serviceName", "selector", "volumeClaimTemplates", "podManagementPolicy"]) {
    assert.deepEqual(changed({ [field]: "other" }), [`spec.${field}: Invalid value: "other": field is immutable`]);
  }
});

test("an autoscaler aims at 80 % of the CPU unless told otherwise", () => {
  const spec = (given: JsonObject) =>
    objectOf(defaulted(strategies.horizontalPodAutoscalerStrategy, anObject({ spec: given })), "spec");
  const cpu = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } };
  assert.deepEqual(spec({ maxReplicas: 3 }), { minReplicas: 1, metrics: [cpu], maxReplicas: 3 });
  assert.deepEqual(spec({ minReplicas: 2, metrics: [] }), { minReplicas: 2, metrics: [] });
});

test("a Job finds its pods by its uid", () => {
  const job = created(strategies.jobStrategy, anObject({ spec: { template: { metadata: { labels: { own: "x" } } } } }));
  const uid = { "batch.kubernetes.io/controller-uid": "u" };
  assert.deepEqual(job.spec, {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
    manualSelector: false,
    selector: { matchLabels: uid },
    template: {
      metadata: {
        labels: { own: "x", ...uid, "batch.kubernetes.io/job-name": "a", "controller-uid": "u", "job-name": "a" },
      },
    },
  });
});

test("a Job with a selector of its own keeps it", () => {
  const spec = { manualSelector: true, selector: { matchLabels: { a: "b" } } };
  assert.deepEqual(objectOf(created(strategies.jobStrategy, anObject({ spec })), "spec")?.selector, spec.selector);
});

test("a claim begins pending", () =>
  assert.deepEqual(created(strategies.persistentVolumeClaimStrategy, anObject()).status, { phase: "Pending" }));

test("roles may have names that nothing else may", () => {
  assert.deepEqual(strategies.roleStrategy.validateName?.("system:discovery"), []);
  assert.notDeepEqual(strategies.roleStrategy.validateName?.("a/b"), []);
});

test("a binding's subjects and role are of the RBAC group, service accounts of none", () => {
  const subjects = [
    { kind: "User", name: "jane" },
    { kind: "ServiceAccount", name: "s", namespace: "n" },
  ];
  const binding = defaulted(
    strategies.roleBindingStrategy,
    anObject({ roleRef: { kind: "Role", name: "r" }, subjects }),
  );
  const apiGroup = "rbac.authorization.k8s.io";
  assert.deepEqual(binding.roleRef, { apiGroup, kind: "Role", name: "r" });
  assert.deepEqual(binding.subjects, [{ apiGroup, kind: "User", name: "jane" }, subjects[1]]);
  assert.equal("subjects" in defaulted(strategies.roleBindingStrategy, anObject({ roleRef: {} })), false);
});

test("a binding names a role, and goes on naming it", () => {
  const { roleBindingStrategy } = strategies;
  const apiGroup = "rbac.authorization.k8s.io";
  const to = (name: string) => anObject({ roleRef: { apiGroup, kind: "Role", name } });
  assert.deepEqual(
    roleBindingStrategy.validate?.(to("")).map(({ field, body }) => `${field}: ${body}`),
    ["roleRef.name: Required value"],
  );
  assert.deepEqual(roleBindingStrategy.validate?.(to("a")), []);
  assert.match(
    refusals(roleBindingStrategy, to("b"), to("a")).join(),
    /^roleRef: Invalid value: .*: field is immutable$/,
  );
});
