import assert from "node:assert/strict";
import { test } from "node:test";
import { attributesOf } from "../../../../test/support/admission.ts";
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import type { ObjectRef } from "../../../client/client.ts";
import { limits } from "../../../limits.ts";
import { AbsentReferences, type MissingLookup } from "./plugin.ts";

const compute = { group: "compute.functionmesh.io", version: "v1alpha1" };

type Request = {
  readonly spec: JsonObject;
  readonly old?: JsonObject;
  readonly resource?: string;
  readonly subresource?: string;
  readonly fieldValidation?: string;
};

const objectWith = (spec: JsonObject): KubeObject => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name: "w", namespace: "demo" },
  spec,
});

/** Warnings for a write in a cluster that has only what is named `there`. */
async function warningsOf(
  { spec, old, resource = "functions", subresource = "", fieldValidation = "Strict" }: Request,
  isMissing: MissingLookup = async ({ name }) => name !== "there",
): Promise<readonly string[]> {
  const warnings: string[] = [];
  const attributes = attributesOf({
    operation: old === undefined ? "CREATE" : "UPDATE",
    kind: { ...compute, kind: "Function" },
    resource: { ...compute, resource },
    subresource,
    object: objectWith(spec),
    oldObject: old === undefined ? undefined : objectWith(old),
    options: { kind: "CreateOptions", fieldValidation },
    warn: (text) => warnings.push(text),
  });
  await new AbsentReferences(isMissing).validate(attributes);
  return warnings;
}

const name = "gone";
/** A spec that names one object, and the path and kind that are told. */
const cases: readonly (readonly [spec: JsonObject, at: string, kind: string])[] = [
  [{ pulsar: { pulsarConfig: name } }, "pulsar.pulsarConfig", "ConfigMap"],
  [{ pulsar: { authSecret: name } }, "pulsar.authSecret", "Secret"],
  [{ pulsar: { tlsConfig: { certSecretName: name } } }, "pulsar.tlsConfig.certSecretName", "Secret"],
  [
    { pulsarPackageService: { authConfig: { oauth2Config: { keySecretName: name } } } },
    "pulsarPackageService.authConfig.oauth2Config.keySecretName",
    "Secret",
  ],
  [{ python: { log: { logConfig: { name, key: "k" } } } }, "python.log.logConfig.name", "ConfigMap"],
  [{ secretsMap: { PW: { path: name, key: "k" } } }, "secretsMap[PW].path", "Secret"],
  [
    { input: { sourceSpecs: { "persistent://a/b/c": { cryptoConfig: { cryptoSecrets: [{ secretName: name }] } } } } },
    "input.sourceSpecs[persistent://a/b/c].cryptoConfig.cryptoSecrets[0].secretName",
    "Secret",
  ],
  [
    { pod: { env: [{ name: "A" }, { name: "B", valueFrom: { configMapKeyRef: { name, key: "k" } } }] } },
    "pod.env[1].valueFrom.configMapKeyRef.name",
    "ConfigMap",
  ],
  [{ pod: { volumes: [{ name: "v", secret: { secretName: name } }] } }, "pod.volumes[0].secret.secretName", "Secret"],
  [
    { pod: { volumes: [{ name: "v", projected: { sources: [{ configMap: { name } }] } }] } },
    "pod.volumes[0].projected.sources[0].configMap.name",
    "ConfigMap",
  ],
  [
    { pod: { volumes: [{ name: "v", persistentVolumeClaim: { claimName: name } }] } },
    "pod.volumes[0].persistentVolumeClaim.claimName",
    "PersistentVolumeClaim",
  ],
  [
    { pod: { sidecars: [{ name: "s", envFrom: [{ secretRef: { name } }] }] } },
    "pod.sidecars[0].envFrom[0].secretRef.name",
    "Secret",
  ],
  [{ pod: { serviceAccountName: name } }, "pod.serviceAccountName", "ServiceAccount"],
  [{ pod: { imagePullSecrets: [{ name }] } }, "pod.imagePullSecrets[0].name", "Secret"],
];

for (const [spec, at, kind] of cases) {
  test(`absent: ${kind} at spec.${at}`, async () => {
    const [warning = "", ...others] = await warningsOf({ spec });
    assert.ok(warning.startsWith(`spec.${at}: ${kind} "gone" doesn't exist: `), warning);
    assert.deepEqual(others, []);
  });
}

test("absent: a component of a mesh is told by its own path, an object that several name once", async () => {
  const component = { pulsar: { pulsarConfig: name } };
  assert.deepEqual(await warningsOf({ resource: "functionmeshes", spec: { sinks: [{}, component, component] } }), [
    'spec.sinks[1].pulsar.pulsarConfig: ConfigMap "gone" doesn\'t exist: the pods start once it does',
  ]);
});

const silent: { readonly [why: string]: Request } = {
  "it is there": { spec: { pulsar: { pulsarConfig: "there" } } },
  "pods do without it": { spec: { pod: { volumes: [{ name: "v", configMap: { name, optional: true } }] } } },
  "it was named before": {
    spec: { pulsar: { pulsarConfig: name }, replicas: 2 },
    old: { pulsar: { pulsarConfig: name } },
  },
  "nobody asked to be told": { spec: { pulsar: { pulsarConfig: name } }, fieldValidation: "Warn" },
  "a subresource is written": { spec: { pulsar: { pulsarConfig: name } }, subresource: "scale" },
  "a BackendConfig may be for other namespaces": {
    spec: { pod: { serviceAccountName: name } },
    resource: "backendconfigs",
  },
};
for (const [why, request] of Object.entries(silent)) {
  test(`absent: no warning where ${why}`, async () => assert.deepEqual(await warningsOf(request), []));
}

test("absent: an update is told of what it newly names", async () => {
  const spec = { pulsar: { pulsarConfig: name, authSecret: "new" } };
  assert.equal((await warningsOf({ spec, old: { pulsar: { pulsarConfig: name } } })).length, 1);
});

test("absent: look-ups are bounded in number, and one that fails is no warning and no failure", async () => {
  const asked: ObjectRef[] = [];
  const env = Array.from({ length: 500 }, (_, index) => ({
    name: "A",
    valueFrom: { secretKeyRef: { name: `s${index}` } },
  }));
  const spec = { pod: { env } };
  const count = async (ref: ObjectRef) => asked.push(ref) > 0;
  assert.equal((await warningsOf({ spec }, count)).length, limits.maxReferenceLookups.value);
  assert.equal(asked.length, limits.maxReferenceLookups.value);
  assert.deepEqual(await warningsOf({ spec }, () => Promise.reject(new Error("no cluster"))), []);
});
