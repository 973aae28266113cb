/**
 * Whatever the API accepts, the cluster takes: specs made at random, most of them a little odd, are validated, rendered,
 * and judged by the rules of the kinds that they become. And nothing at random makes validation or rendering fail.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../apiserver/apis/meta/v1.ts";
import type { FieldError } from "../apiserver/errors/field-error.ts";
import { parseJson } from "../apiserver/machinery/json.ts";
import { defaultWorkload } from "../apiserver/registry/compute/defaults.ts";
import { validateWorkload } from "../apiserver/registry/compute/validation.ts";
import { validateAutoscaler } from "../apiserver/registry/core/validation/autoscaler.ts";
import { validatePodTemplate } from "../apiserver/registry/core/validation/pod-spec.ts";
import { validateService } from "../apiserver/registry/core/validation/service.ts";
import { validateStatefulSet } from "../apiserver/registry/core/validation/workloads.ts";
import { podOf, render, renderCleanup, workloadOf } from "./support/render.ts";
import { aSpec, aWorkload, type WorkloadKind } from "./support/workloads.ts";

const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
/** Mostly a good one. */
const odd = <T>(good: readonly T[], bad: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...good) }, { weight: 1, arbitrary: fc.constantFrom(...bad) });
const name = odd(
  ["a", "b", "logs", "filebeat-logs", "downloader-volume"],
  ["", "A", "a_b", "filebeat", "a".repeat(64)],
);
const key = odd(["k", "k.crt", "a-b"], ["", "a/b", "..", "a b"]);
const path = odd(["/a", "/a/b", "/keys", "/pulsar/logs/functions", "/etc/tls/pulsar-functions"], [""]);
const image = odd(["i", "example.org/i:1", `i@sha256:${"a".repeat(64)}`], ["", "No Image"]);
const labels = fc.dictionary(odd(["team", "a/b"], ["app", "bad key"]), odd(["x", ""], ["bad value"]));
const variable = fc.record({
  name: odd(["A", "B", "POD_NAME", "LOGGING_LEVEL"], ["A=B"]),
  value: some(odd(["1", "$(A)"], ["\0"])),
});
const mounts = fc.array(fc.record({ name, mountPath: path }), { maxLength: 3 });
const container = fc.record({
  name,
  image,
  env: some(fc.array(variable, { maxLength: 3 })),
  ports: some(fc.array(fc.record({ containerPort: odd([80, 9093], [0, 70_000]) }), { maxLength: 2 })),
  volumeMounts: some(mounts),
});
const volume = fc.oneof(
  fc.record({ name, emptyDir: fc.constant({}) }),
  fc.record({ name, secret: fc.record({ secretName: name }) }),
  fc.record({ name, emptyDir: fc.constant({}), configMap: fc.record({ name }) }),
);
const pod = fc.record({
  labels: some(labels),
  annotations: some(fc.dictionary(odd(["note"], ["bad key"]), fc.constant("x"))),
  nodeSelector: some(labels),
  tolerations: some(
    fc.array(odd<object>([{ operator: "Exists" }, { key: "k", operator: "Equal", value: "v" }], [{}]), {
      maxLength: 2,
    }),
  ),
  terminationGracePeriodSeconds: some(odd([0, 30], [-1])),
  volumes: some(fc.uniqueArray(volume, { maxLength: 3, selector: (each) => each.name })),
  imagePullSecrets: some(fc.array(fc.record({ name }), { maxLength: 2 })),
  initContainers: some(fc.uniqueArray(container, { maxLength: 2, selector: (each) => each.name })),
  sidecars: some(fc.uniqueArray(container, { maxLength: 2, selector: (each) => each.name })),
  serviceAccountName: some(name),
  env: some(fc.array(variable, { maxLength: 3 })),
  liveness: some(fc.record({ periodSeconds: odd([0, 10], [-1]), successThreshold: some(odd([1], [2])) })),
  startupProbe: some(odd<object>([{ httpGet: { port: 9094 } }], [{}])),
  securityContext: some(fc.constantFrom({}, { runAsUser: 1 })),
  builtinAutoscaler: some(fc.constantFrom(["AverageUtilizationCPUPercent80"], [])),
});
const connection = fc.record(
  {
    pulsarConfig: fc.constant("pulsar"),
    authSecret: name,
    tlsSecret: name,
    tlsConfig: fc.record({ enabled: fc.boolean(), certSecretName: name, certSecretKey: key }),
    authConfig: fc.record(
      {
        oauth2Config: fc.record({
          audience: fc.constant("a"),
          issuerUrl: fc.constant("i"),
          keySecretName: name,
          keySecretKey: key,
        }),
        genericAuth: fc.record({
          clientAuthenticationPlugin: fc.constant("P"),
          clientAuthenticationParameters: fc.constant("p'$x"),
        }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["pulsarConfig"] },
);
const cryptoConfig = fc.record({
  cryptoKeyReaderClassName: fc.constant("R"),
  encryptionKeys: fc.constant(["k"]),
  cryptoSecrets: fc.array(fc.record({ secretName: name, secretKey: key, asVolume: some(path) }), { maxLength: 3 }),
});
const amounts = fc.record({
  requests: some(
    fc.record({
      cpu: some(fc.constantFrom("1", "0.1")),
      memory: some(fc.constantFrom("1Gi", 1000)),
      storage: some(fc.constant("1Gi")),
    }),
  ),
  limits: some(
    fc.record({
      cpu: some(fc.constantFrom("2", "1")),
      memory: some(fc.constantFrom("2Gi", "1Gi")),
      "nvidia.com/gpu": some(fc.constant(1)),
    }),
  ),
});
const shared = {
  image: some(image),
  replicas: some(fc.constantFrom(0, 1, 3)),
  maxReplicas: some(fc.constantFrom(1, 3, 5)),
  resources: some(amounts),
  secretsMap: some(fc.dictionary(odd(["PW", "B"], ["A=B"]), fc.record({ path: name, key }))),
  volumeMounts: some(
    fc.uniqueArray(fc.record({ name, mountPath: path }), { maxLength: 3, selector: (each) => each.mountPath }),
  ),
  pod: some(pod),
  pulsar: connection,
  pulsarPackageService: some(connection),
  logTopic: some(fc.constant("logs")),
  logTopicAgent: some(fc.constantFrom("sidecar", "runtime")),
};
const location = some(fc.constantFrom("function://public/default/f@1", "https://a/b?c=d&e='"));
const runtime = fc.oneof(
  fc.record({ java: fc.record({ jar: fc.constantFrom("/a.jar", "b/a.jar"), jarLocation: location }) }),
  fc.record({ java: fc.constant(undefined), python: fc.record({ py: fc.constant("a.py"), pyLocation: location }) }),
  fc.record({ java: fc.constant(undefined), golang: fc.record({ go: fc.constant("/a"), goLocation: location }) }),
);
const consuming = { cleanupSubscription: some(fc.boolean()), maxMessageRetry: some(fc.constantFrom(0, 3)) };
const claims = fc.array(
  fc.record({
    metadata: fc.record({ name }),
    spec: fc.constant({ accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } }),
  }),
  { maxLength: 2 },
);
const specs: { readonly [K in WorkloadKind]: fc.Arbitrary<object> } = {
  Function: fc
    .tuple(
      fc.record({
        ...shared,
        ...consuming,
        output: some(fc.record({ topic: fc.constant("out"), producerConf: fc.record({ cryptoConfig }) })),
        volumeClaimTemplates: some(claims),
      }),
      runtime,
    )
    .map(([spec, runs]) => ({ ...spec, ...runs })),
  Source: fc.record({ ...shared, batchSourceConfig: some(fc.constant({ discoveryTriggererClassName: "T" })) }),
  Sink: fc.record({ ...shared, ...consuming }),
};

const told = (errors: readonly FieldError[]): string[] => errors.map(({ field, body }) => `${field}: ${body}`);

for (const kind of ["Function", "Source", "Sink"] as const) {
  test(`${kind}: what is accepted is rendered to what a cluster takes`, () => {
    let accepted = 0;
    const check = fc.property(specs[kind], fc.boolean(), (sample, initContainers) => {
      const changes: JsonObject = Object(parseJson(JSON.stringify(sample)));
      const given = { ...changes, ...("java" in sample && sample.java === undefined ? { java: undefined } : {}) };
      const object = defaultWorkload(kind)(aWorkload(kind, aSpec(kind, given)));
      if (validateWorkload(kind)(object).length > 0) return;
      accepted += 1;
      const workload = workloadOf(kind, given);
      const settings = { initContainers };
      const { StatefulSet, Service, HorizontalPodAutoscaler } = render(workload, { settings });
      assert.deepEqual(told(validateStatefulSet(StatefulSet)), []);
      assert.deepEqual(told(validateService(Service)), []);
      if (HorizontalPodAutoscaler !== undefined)
        assert.deepEqual(told(validateAutoscaler(HorizontalPodAutoscaler)), []);
      if (workload.cleanup.length > 0)
        assert.deepEqual(told(validatePodTemplate(podOf(renderCleanup(workload, { settings })), "spec.template")), []);
    });
    fc.assert(check, { numRuns: 1000, seed: 1130 });
    assert.ok(accepted > 150, `${accepted} were accepted: too few to tell anything`);
  });
}
