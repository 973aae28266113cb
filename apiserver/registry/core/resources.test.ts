import assert from "node:assert/strict";
import { test } from "node:test";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import { coreDefinitions } from "../../../test/support/core-resources.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";

const schemas = loadSchemas();
const rowOf = (kind: string) => coreDefinitions.find((row) => row.kind === kind) ?? assert.fail(kind);

test("coreResources: the kinds of a laptop's cluster, by their groups", () => {
  const groups = new Map<string, string[]>();
  for (const { group, version, resource } of coreDefinitions) {
    const name = group === "" ? version : `${group}/${version}`;
    groups.set(name, [...(groups.get(name) ?? []), resource]);
  }
  assert.deepEqual(Object.fromEntries(groups), {
    v1: [
      "namespaces",
      "configmaps",
      "secrets",
      "services",
      "serviceaccounts",
      "pods",
      "podtemplates",
      "persistentvolumes",
      "persistentvolumeclaims",
      "events",
    ],
    "apps/v1": ["statefulsets", "controllerrevisions"],
    "autoscaling/v2": ["horizontalpodautoscalers"],
    "autoscaling.k8s.io/v1": ["verticalpodautoscalers"],
    "batch/v1": ["jobs"],
    "coordination.k8s.io/v1": ["leases"],
    "rbac.authorization.k8s.io/v1": ["roles", "clusterroles", "rolebindings", "clusterrolebindings"],
  });
});

test("coreResources: every row has a schema, columns, and takes protobuf", () => {
  for (const { kind, schemaName, columns, acceptsProtobuf, listKind, singular } of coreDefinitions) {
    assert.ok(schemas.has(schemaName), schemaName);
    assert.ok(
      columns.some(({ name }) => name === "Name"),
      kind,
    );
    assert.equal(acceptsProtobuf, true);
    assert.deepEqual([listKind, singular], [`${kind}List`, kind.toLowerCase()]);
  }
});

const has =
  (subresource: string) =>
  ({ subresources }: (typeof coreDefinitions)[number]): boolean =>
    subresources.some(({ name }) => name === subresource);
const lists: readonly (readonly [
  what: string,
  (row: (typeof coreDefinitions)[number]) => boolean,
  readonly string[],
])[] = [
  [
    "are of the cluster",
    ({ namespaced }) => !namespaced,
    ["Namespace", "PersistentVolume", "ClusterRole", "ClusterRoleBinding"],
  ],
  [
    "are in `all`",
    ({ categories }) => categories.includes("all"),
    ["Service", "Pod", "StatefulSet", "HorizontalPodAutoscaler", "Job"],
  ],
  ["can be scaled", has("scale"), ["StatefulSet"]],
  ["give out tokens", has("token"), ["ServiceAccount"]],
  ["are finalized", has("finalize"), ["Namespace"]],
  [
    "have a status of its own",
    has("status"),
    [
      "Namespace",
      "Service",
      "Pod",
      "PersistentVolume",
      "PersistentVolumeClaim",
      "StatefulSet",
      "HorizontalPodAutoscaler",
      "VerticalPodAutoscaler",
      "Job",
    ],
  ],
];
for (const [what, belongs, kinds] of lists) {
  test(`coreResources: what ${what}`, () =>
    assert.deepEqual(
      coreDefinitions.filter(belongs).map(({ kind }) => kind),
      kinds,
    ));
}

test("coreResources: short names people type", () => {
  const short = coreDefinitions.flatMap(({ kind, shortNames }) => shortNames.map((name) => `${name}=${kind}`));
  assert.deepEqual(short, [
    "ns=Namespace",
    "cm=ConfigMap",
    "svc=Service",
    "sa=ServiceAccount",
    "po=Pod",
    "pv=PersistentVolume",
    "pvc=PersistentVolumeClaim",
    "ev=Event",
    "sts=StatefulSet",
    "hpa=HorizontalPodAutoscaler",
    "vpa=VerticalPodAutoscaler",
  ]);
});

/** Fields by which lists are selected, with their values for one object; what is absent is empty. */
function selected(kind: string, fields: JsonObject): { readonly [field: string]: string } {
  const object: KubeObject = { apiVersion: "v1", kind, metadata: {}, ...fields };
  const values = Object.entries(rowOf(kind).selectableFields).map(([field, read]) => [field, read(object)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

// API CR-04
test("coreResources: fields that select pods, services, secrets, namespaces", () => {
  const pod = {
    spec: { nodeName: "n", restartPolicy: "Always", serviceAccountName: "s", schedulerName: "default-scheduler" },
    status: { phase: "Running", podIP: "10.0.0.1", nominatedNodeName: "m" },
  };
  assert.deepEqual(selected("Pod", pod), {
    "spec.nodeName": "n",
    "spec.restartPolicy": "Always",
    "spec.schedulerName": "default-scheduler",
    "spec.serviceAccountName": "s",
    "spec.hostNetwork": "false",
    "status.phase": "Running",
    "status.podIP": "10.0.0.1",
    "status.nominatedNodeName": "m",
  });
  assert.deepEqual(selected("Job", { status: { succeeded: 2 } }), { "status.successful": "2" });
  assert.deepEqual(selected("Service", { spec: { clusterIP: "None", type: "ClusterIP" } }), {
    "spec.clusterIP": "None",
    "spec.type": "ClusterIP",
  });
  assert.deepEqual(selected("Secret", { type: "Opaque" }), { type: "Opaque" });
  assert.deepEqual(selected("Namespace", { status: { phase: "Active" } }), { "status.phase": "Active" });
  assert.deepEqual(selected("ConfigMap", { type: "x" }), {});
});

test("coreResources: fields that select events, as `kubectl describe` does", () => {
  const involvedObject = {
    kind: "Function",
    namespace: "demo",
    name: "fn",
    uid: "u",
    apiVersion: "v",
    resourceVersion: "1",
    fieldPath: "spec",
  };
  const event = { involvedObject, reason: "R", reportingComponent: "c", source: { component: "s" }, type: "Normal" };
  assert.deepEqual(selected("Event", event), {
    ...Object.fromEntries(Object.entries(involvedObject).map(([field, value]) => [`involvedObject.${field}`, value])),
    reason: "R",
    reportingComponent: "c",
    source: "s",
    type: "Normal",
  });
  assert.deepEqual(selected("Event", { reportingComponent: "c" }), { reportingComponent: "c", source: "c" });
});

test("coreResources: Events and autoscalers are served in a second way, from one store", () => {
  const others = coreDefinitions.flatMap(({ kind, group, otherVersions = [] }) =>
    otherVersions.map((other) => `${kind} ${other.group ?? group}/${other.version} ${other.schemaName}`),
  );
  assert.deepEqual(others, [
    "Event events.k8s.io/v1 io.k8s.api.events.v1.Event",
    "HorizontalPodAutoscaler autoscaling/v1 io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
  ]);
});
