import assert from "node:assert/strict";
import { test } from "node:test";
import { namesOf, rowOf } from "../../../test/support/columns.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import type { Column } from "../rest/interface.ts";
import * as columns from "./columns.ts";

/** An object of any kind, five minutes old. */
function anObject({
  metadata,
  ...rest
}: { readonly metadata?: KubeObject["metadata"]; readonly [field: string]: unknown } & JsonObject = {}): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Any",
    metadata: { name: "a", creationTimestamp: "2026-01-01T00:00:00Z", ...metadata },
    ...rest,
  };
}

type Case = { readonly columns: readonly Column[]; readonly object: JsonObject; readonly row: readonly string[] };
const template = {
  spec: {
    containers: [
      { name: "c", image: "i:1" },
      { name: "d", image: "j:2" },
    ],
  },
};
const cases: Record<string, Case> = {
  "a namespace": {
    columns: columns.namespaceColumns,
    object: { status: { phase: "Active" } },
    row: ["Name=a", "Status=Active", "Age=5m"],
  },
  "a ConfigMap of texts and bytes": {
    columns: columns.configMapColumns,
    object: { data: { a: "1", b: "2" }, binaryData: { c: "" } },
    row: ["Name=a", "Data=3", "Age=5m"],
  },
  "an empty ConfigMap": { columns: columns.configMapColumns, object: {}, row: ["Name=a", "Data=0", "Age=5m"] },
  "a Secret": {
    columns: columns.secretColumns,
    object: { type: "Opaque", data: { a: "" } },
    row: ["Name=a", "Type=Opaque", "Data=1", "Age=5m"],
  },
  "a headless Service": {
    columns: columns.serviceColumns,
    object: {
      spec: {
        type: "ClusterIP",
        clusterIP: "None",
        ports: [{ port: 80 }, { port: 53, protocol: "UDP" }],
        selector: { app: "a", tier: "b" },
      },
    },
    row: [
      "Name=a",
      "Type=ClusterIP",
      "Cluster-IP=None",
      "External-IP=<none>",
      "Port(s)=80/TCP,53/UDP",
      "Age=5m",
      "Selector=app=a,tier=b",
    ],
  },
  "a Service on nodes": {
    columns: columns.serviceColumns,
    object: { spec: { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }], externalIPs: ["1.2.3.4"] } },
    row: [
      "Name=a",
      "Type=NodePort",
      "Cluster-IP=<none>",
      "External-IP=1.2.3.4",
      "Port(s)=80:30080/TCP",
      "Age=5m",
      "Selector=<none>",
    ],
  },
  "a Service that is a name": {
    columns: columns.serviceColumns,
    object: { spec: { type: "ExternalName", externalName: "example.org" } },
    row: [
      "Name=a",
      "Type=ExternalName",
      "Cluster-IP=<none>",
      "External-IP=example.org",
      "Port(s)=<none>",
      "Age=5m",
      "Selector=<none>",
    ],
  },
  "a ServiceAccount": {
    columns: columns.serviceAccountColumns,
    object: { secrets: [{}] },
    row: ["Name=a", "Secrets=1", "Age=5m"],
  },
  "a pod that runs": {
    columns: columns.podColumns,
    object: {
      spec: { containers: [{}, {}], nodeName: "n" },
      status: {
        phase: "Running",
        podIP: "10.0.0.1",
        containerStatuses: [
          { ready: true, restartCount: 2 },
          { ready: false, restartCount: 1 },
        ],
      },
    },
    row: ["Name=a", "Ready=1/2", "Status=Running", "Restarts=3", "Age=5m", "IP=10.0.0.1", "Node=n"],
  },
  "a claim": {
    columns: columns.persistentVolumeClaimColumns,
    object: {
      spec: { volumeName: "v", accessModes: ["ReadWriteOnce", "ReadOnlyMany"], storageClassName: "fast" },
      status: { phase: "Bound", capacity: { storage: "1Gi" } },
    },
    row: [
      "Name=a",
      "Status=Bound",
      "Volume=v",
      "Capacity=1Gi",
      "Access Modes=ReadWriteOnce,ReadOnlyMany",
      "StorageClass=fast",
      "Age=5m",
    ],
  },
  "an event that repeats": {
    columns: columns.eventColumns,
    object: {
      lastTimestamp: "2026-01-01T00:04:30Z",
      type: "Warning",
      reason: "Refused",
      involvedObject: { kind: "Function", name: "fn" },
      message: " no \n",
      source: { component: "function-mesh" },
      count: 4,
    },
    row: [
      "Last Seen=30s",
      "Type=Warning",
      "Reason=Refused",
      "Object=function/fn",
      "Message=no",
      "Source=function-mesh",
      "Count=4",
      "Name=a",
    ],
  },
  "an event of the newer kind": {
    columns: columns.eventColumns,
    object: { eventTime: "2026-01-01T00:04:00.000000Z", reportingComponent: "x" },
    row: ["Last Seen=60s", "Type=", "Reason=", "Object=/", "Message=", "Source=x", "Count=1", "Name=a"],
  },
  "a StatefulSet": {
    columns: columns.statefulSetColumns,
    object: { spec: { replicas: 3, template }, status: { readyReplicas: 1 } },
    row: ["Name=a", "Ready=1/3", "Age=5m", "Containers=c,d", "Images=i:1,j:2"],
  },
  "a StatefulSet without a number": {
    columns: columns.statefulSetColumns,
    object: {},
    row: ["Name=a", "Ready=0/1", "Age=5m", "Containers=<none>", "Images=<none>"],
  },
  "a revision": {
    columns: columns.controllerRevisionColumns,
    object: {
      metadata: {
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "s", uid: "u", controller: true }],
      },
      revision: 2,
    },
    row: ["Name=a", "Controller=statefulset.apps/s", "Revision=2", "Age=5m"],
  },
  "an autoscaler": {
    columns: columns.horizontalPodAutoscalerColumns,
    object: {
      spec: {
        scaleTargetRef: { kind: "Function", name: "fn" },
        minReplicas: 2,
        maxReplicas: 5,
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { averageUtilization: 80 } } },
          { type: "Resource", resource: { name: "memory", target: { averageValue: "1Gi" } } },
          { type: "Pods" },
        ],
      },
      status: { currentReplicas: 3 },
    },
    row: [
      "Name=a",
      "Reference=Function/fn",
      "Targets=cpu: <unknown>/80%,memory: <unknown>/1Gi,pods: <unknown>/<auto>",
      "MinPods=2",
      "MaxPods=5",
      "Replicas=3",
      "Age=5m",
    ],
  },
  "a vertical autoscaler": {
    columns: columns.verticalPodAutoscalerColumns,
    object: { spec: { updatePolicy: { updateMode: "Off" } } },
    row: ["Name=a", "Mode=Off", "Age=5m"],
  },
  "a Job that runs": {
    columns: columns.jobColumns,
    object: { spec: { completions: 2, template }, status: { startTime: "2026-01-01T00:04:00Z", succeeded: 1 } },
    row: [
      "Name=a",
      "Status=Running",
      "Completions=1/2",
      "Duration=60s",
      "Age=5m",
      "Containers=c,d",
      "Images=i:1,j:2",
      "Selector=<none>",
    ],
  },
  "a Job that is complete": {
    columns: columns.jobColumns,
    object: {
      spec: { selector: { matchLabels: { a: "b" } } },
      status: {
        startTime: "2026-01-01T00:00:00Z",
        completionTime: "2026-01-01T00:00:10Z",
        succeeded: 1,
        conditions: [{ type: "Complete", status: "True" }],
      },
    },
    row: [
      "Name=a",
      "Status=Complete",
      "Completions=1/1",
      "Duration=10s",
      "Age=5m",
      "Containers=<none>",
      "Images=<none>",
      "Selector=a=b",
    ],
  },
  "a lease": {
    columns: columns.leaseColumns,
    object: { spec: { holderIdentity: "h" } },
    row: ["Name=a", "Holder=h", "Age=5m"],
  },
  "a role": { columns: columns.roleColumns, object: {}, row: ["Name=a", "Created At=2026-01-01T00:00:00Z"] },
  "a binding": {
    columns: columns.roleBindingColumns,
    object: {
      roleRef: { kind: "Role", name: "r" },
      subjects: [
        { kind: "User", name: "jane" },
        { kind: "User", name: "joe" },
        { kind: "Group", name: "devs" },
        { kind: "ServiceAccount", namespace: "n", name: "s" },
      ],
    },
    row: ["Name=a", "Role=Role/r", "Age=5m", "Users=jane, joe", "Groups=devs", "ServiceAccounts=n/s"],
  },
};
for (const [name, { columns: shown, object, row }] of Object.entries(cases)) {
  test(`columns: ${name}`, () => assert.deepEqual(rowOf(shown, anObject(object)), row));
}

const going = { deletionTimestamp: "2026-01-01T00:01:00Z" };
const podStates: readonly (readonly [pod: JsonObject, shown: string])[] = [
  [{}, "Pending"],
  [{ status: { phase: "Succeeded" } }, "Completed"],
  [{ status: { phase: "Failed" } }, "Failed"],
  [{ status: { phase: "Failed", reason: "Evicted" } }, "Evicted"],
  [
    { status: { phase: "Pending", containerStatuses: [{}, { state: { waiting: { reason: "ImagePullBackOff" } } }] } },
    "ImagePullBackOff",
  ],
  [{ metadata: going, status: { phase: "Running" } }, "Terminating"],
];
for (const [pod, shown] of podStates) {
  test(`columns: a pod with ${JSON.stringify(pod)} is ${shown}`, () =>
    assert.equal(rowOf(columns.podColumns, anObject(pod))[2], `Status=${shown}`));
}

const jobStates: readonly (readonly [job: JsonObject, shown: string])[] = [
  [{ status: { conditions: [{ type: "Failed", status: "True" }] } }, "Failed"],
  [{ status: { conditions: [{ type: "Complete", status: "False" }] } }, "Running"],
  [{ metadata: going }, "Terminating"],
];
for (const [job, shown] of jobStates) {
  test(`columns: a Job with ${JSON.stringify(job)} is ${shown}`, () =>
    assert.equal(rowOf(columns.jobColumns, anObject(job))[1], `Status=${shown}`));
}

test("columns: a Job that has not begun has no duration", () =>
  assert.equal(rowOf(columns.jobColumns, anObject())[3], "Duration="));

test("columns: addresses, selectors, containers and subjects are for -o wide", () => {
  const wide = (shown: readonly Column[]) => namesOf(shown, { wide: true });
  assert.deepEqual(wide(columns.podColumns), ["IP", "Node"]);
  assert.deepEqual(wide(columns.serviceColumns), ["Selector"]);
  assert.deepEqual(wide(columns.statefulSetColumns), ["Containers", "Images"]);
  assert.deepEqual(wide(columns.roleBindingColumns), ["Users", "Groups", "ServiceAccounts"]);
  assert.deepEqual(wide(columns.eventColumns), ["Source", "Count", "Name"]);
});
