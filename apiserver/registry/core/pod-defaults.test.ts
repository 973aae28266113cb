/** Values as kube-apiserver 1.37 fills them in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { listOf, objectOf } from "../../machinery/fields.ts";
import { withClaimDefaults, withPatience, withRunningDefaults, withTemplateDefaults } from "./pod-defaults.ts";

const podSpec = (spec: JsonObject): JsonObject =>
  objectOf(objectOf(withTemplateDefaults({ template: { spec } }), "template"), "spec") ?? assert.fail();
const first = (spec: JsonObject, field: string): JsonValue => listOf(podSpec(spec), field)[0] ?? assert.fail();

test("a container of a template is completed", () => {
  const given = {
    name: "c",
    image: "i:1",
    env: [
      { name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "A", value: "1" },
    ],
    livenessProbe: { httpGet: { port: 80 }, periodSeconds: 5 },
    lifecycle: { preStop: { httpGet: { port: 80 } } },
  };
  assert.deepEqual(first({ containers: [given] }, "containers"), {
    ...given,
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
    imagePullPolicy: "IfNotPresent",
    resources: {},
    env: [
      { name: "N", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
      { name: "A", value: "1" },
    ],
    livenessProbe: {
      httpGet: { path: "/", scheme: "HTTP", port: 80 },
      timeoutSeconds: 1,
      periodSeconds: 5,
      successThreshold: 1,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { httpGet: { path: "/", scheme: "HTTP", port: 80 } } },
  });
});

test("zero values that Go's clients send for what they leave to the server are filled in", () => {
  const given = {
    containers: [
      {
        name: "c",
        image: "i:1",
        imagePullPolicy: "",
        terminationMessagePath: "",
        livenessProbe: { httpGet: { path: "", port: 80, scheme: "" }, periodSeconds: 0, initialDelaySeconds: 0 },
      },
    ],
    restartPolicy: "",
    terminationGracePeriodSeconds: 0,
  };
  const { containers, restartPolicy, terminationGracePeriodSeconds } = podSpec(given);
  assert.deepEqual([restartPolicy, terminationGracePeriodSeconds], ["Always", 0], "no time to stop is a wish");
  assert.deepEqual(containers, [
    {
      name: "c",
      image: "i:1",
      imagePullPolicy: "IfNotPresent",
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
      resources: {},
      livenessProbe: {
        httpGet: { path: "/", port: 80, scheme: "HTTP" },
        initialDelaySeconds: 0,
        timeoutSeconds: 1,
        periodSeconds: 10,
        successThreshold: 1,
        failureThreshold: 3,
      },
    },
  ]);
});

const policies: Record<string, string> = {
  i: "Always",
  "i:latest": "Always",
  "i:1": "IfNotPresent",
  "host:5000/i": "Always",
  "host:5000/i:1": "IfNotPresent",
  "i@sha256:0": "IfNotPresent",
};
for (const [image, policy] of Object.entries(policies)) {
  test(`image ${image} is pulled ${policy}`, () => {
    const container = objectOf({ container: first({ containers: [{ name: "c", image }] }, "containers") }, "container");
    assert.equal(container?.imagePullPolicy, policy);
  });
}

const item = { path: "a", fieldRef: { fieldPath: "metadata.name" } };
const completeItem = { path: "a", fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } };
const volumes: Record<string, readonly [given: JsonObject, complete: JsonObject]> = {
  "without a source": [{}, { emptyDir: {} }],
  "of a Secret": [{ secret: { secretName: "s" } }, { secret: { defaultMode: 420, secretName: "s" } }],
  "of a node": [{ hostPath: { path: "/x" } }, { hostPath: { type: "", path: "/x" } }],
  "of the pod itself": [
    { downwardAPI: { items: [item] } },
    { downwardAPI: { defaultMode: 420, items: [completeItem] } },
  ],
  "of several": [
    { projected: { sources: [{ serviceAccountToken: { path: "t" } }, { downwardAPI: { items: [item] } }] } },
    {
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3600, path: "t" } },
          { downwardAPI: { items: [completeItem] } },
        ],
      },
    },
  ],
};
for (const [name, [given, complete]] of Object.entries(volumes)) {
  test(`a volume ${name}`, () => {
    assert.deepEqual(first({ volumes: [{ name: "v", ...given }] }, "volumes"), { name: "v", ...complete });
  });
}

test("a pod asks for as much as it is limited to, a template for what it says", () => {
  const containers = [
    { name: "c", image: "i", resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } } },
  ];
  const resources = (spec: JsonObject) =>
    objectOf(objectOf({ container: listOf(spec, "containers")[0] }, "container"), "resources");
  assert.deepEqual(resources(withRunningDefaults({ containers }))?.requests, { cpu: "500m", memory: "1Gi" });
  assert.deepEqual(resources(podSpec({ containers }))?.requests, { cpu: "500m" });
});

test("a pod that says how long it bears a lost node is taken at its word", () => {
  const own = { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 5 };
  const keys = (tolerations: JsonObject[]) =>
    listOf(withPatience({ tolerations }), "tolerations").map((one) => objectOf({ one }, "one")?.key);
  assert.deepEqual(keys([own]), ["node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready"]);
  assert.deepEqual(keys([{ operator: "Exists" }]), [undefined], "who bears everything bears this");
});

test("claims of a StatefulSet are whole", () => {
  assert.deepEqual(
    withClaimDefaults({ volumeClaimTemplates: [{ metadata: { name: "d" }, spec: { accessModes: [] } }] }),
    {
      volumeClaimTemplates: [
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "d" },
          spec: { volumeMode: "Filesystem", accessModes: [] },
          status: { phase: "Pending" },
        },
      ],
    },
  );
});

test("what is complete stays as it is", () => {
  const once = podSpec({ containers: [{ name: "c", image: "i" }], volumes: [{ name: "v" }] });
  assert.deepEqual(podSpec(once), once);
});
