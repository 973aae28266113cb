/** Renderings that users of the operator and of other operators found wanting; the issue behind each is named. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson } from "../../apiserver/machinery/json.ts";
import { containerOf, environmentOf, podOf, render, renderCleanup, workloadOf } from "../../test/support/render.ts";
import { mainContainerName } from "./container.ts";
import { partOf } from "./parts.ts";

const temporary = mkdtempSync(join(tmpdir(), "rendering-"));
after(() => rmSync(temporary, { recursive: true, force: true }));

/** A program that writes its arguments down, one a line. */
function recorder(name: string): { program: string; seen: string } {
  const [program, seen] = [join(temporary, name), join(temporary, `${name}.seen`)];
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\n' "$@" > ${seen}\n`);
  chmodSync(program, 0o755);
  return { program, seen };
}

/** The command of a container as the kubelet hands it over: `$$` stands for one dollar. */
function commandOf(statefulSet: KubeObject, name: string): string[] {
  const { command } = containerOf(statefulSet, name);
  return Array.isArray(command) ? command.map((word) => String(word).replaceAll("$$", "$")) : [];
}

/** Runs the main container's script in `env` and gives what the recorded program got. */
function argumentsOf(statefulSet: KubeObject, name: string, seen: string, env: Record<string, string>): string[] {
  const [shell = "", ...args] = commandOf(statefulSet, name);
  const path = process.env.PATH;
  execFileSync(shell, args, { env: { PATH: path, POD_NAME: "w-function-2", ...env }, stdio: "ignore", cwd: temporary });
  return execFileSync("cat", [seen], { encoding: "utf8" }).trimEnd().split("\n");
}

test("one variable per name, the workload's (kubernetes issue 113482)", () => {
  const env = [{ name: "TZ", value: "Europe/Oslo" }];
  const workload = workloadOf("Function", { pod: { env, imagePullSecrets: [{ name: "regcred" }] } });
  const config = { env: { TZ: "UTC", REGION: "eu" }, pod: { imagePullSecrets: [{ name: "regcred" }] } };
  const { StatefulSet } = render(workload, { config });
  const main = containerOf(StatefulSet, mainContainerName(workload));
  assert.deepEqual(environmentOf(main), [{ REGION: "eu" }, { POD_NAME: "from" }, { TZ: "Europe/Oslo" }]);
  assert.deepEqual(podOf(StatefulSet).spec.imagePullSecrets, [{ name: "regcred" }]);
});

const environments: readonly (readonly [what: string, changes: JsonObject, seen: JsonObject[]])[] = [
  [
    "a level of one's own for a Go instance",
    { java: undefined, golang: { go: "/f" }, pod: { env: [{ name: "LOGGING_LEVEL", value: "debug" }] } },
    [{ POD_NAME: "from" }, { LOGGING_LEVEL: "debug" }],
  ],
  [
    "of two alike the later",
    { pod: { env: ["1", "2"].map((value) => ({ name: "A", value })) } },
    [{ POD_NAME: "from" }, { A: "2" }],
  ],
  [
    "the pod's name, which the command needs",
    { pod: { env: [{ name: "POD_NAME", value: "x" }] } },
    [{ POD_NAME: "from" }],
  ],
  [
    "a variable beside the secret of its name",
    { secretsMap: { PW: { path: "s", key: "k" } }, pod: { env: [{ name: "PW", value: "fallback" }] } },
    [{ POD_NAME: "from" }, { PW: "fallback" }],
  ],
];
for (const [what, changes, seen] of environments) {
  test(`one variable per name: ${what}`, () => {
    const main = containerOf(render(workloadOf("Function", changes)).StatefulSet, "pulsar-function");
    assert.deepEqual(environmentOf(main), seen);
  });
}

test("one mount per path, the user's, in every container (operator-rs pull 871)", () => {
  const workload = workloadOf("Function", {
    logTopic: "logs",
    logTopicAgent: "sidecar",
    volumeMounts: [{ name: "logs", mountPath: "/pulsar/logs/functions" }],
    pod: { volumes: [{ name: "logs", emptyDir: { sizeLimit: "1Gi" } }] },
  });
  const { StatefulSet } = render(workload);
  for (const name of ["pulsar-function", "filebeat"]) {
    const mounts = containerOf(StatefulSet, name).volumeMounts?.filter(
      ({ mountPath }) => mountPath === "/pulsar/logs/functions",
    );
    assert.deepEqual(
      mounts?.map((mount) => mount.name),
      ["logs"],
      name,
    );
  }
});

const claim = (name: string): JsonObject => ({
  metadata: { name },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
});
const shared: readonly (readonly [what: string, changes: JsonObject])[] = [
  ["nobody's", {}],
  [
    "a volume of the user's has our name",
    {
      pod: {
        volumes: ["filebeat-logs", "downloader-volume"].map((name) => ({ name, emptyDir: { sizeLimit: "1Gi" } })),
      },
    },
  ],
  [
    "a claim has our name",
    { volumeClaimTemplates: [claim("filebeat-logs"), claim("downloader-volume"), claim("ca-ca-crt")] },
  ],
];
for (const [what, changes] of shared) {
  test(`what two containers share is one volume, and ours: ${what}`, () => {
    const workload = workloadOf("Function", {
      java: { jar: "fn.jar", jarLocation: "function://public/default/fn@1" },
      logTopic: "logs",
      logTopicAgent: "sidecar",
      pulsar: { pulsarConfig: "pulsar", tlsConfig: { enabled: true, certSecretName: "ca", certSecretKey: "ca.crt" } },
      ...changes,
    });
    const { StatefulSet } = render(workload, { settings: { initContainers: true } });
    const volumes = podOf(StatefulSet).spec.volumes ?? [];
    const claimed = new Set(workload.volumeClaimTemplates?.map(({ metadata }) => Object(metadata).name));
    const at = (container: string, path: RegExp) => {
      const mount = containerOf(StatefulSet, container).volumeMounts?.find(({ mountPath = "" }) =>
        path.test(mountPath),
      );
      assert.ok(!claimed.has(mount?.name), "a claim would take its place");
      return volumes.find(({ name }) => name === mount?.name) ?? assert.fail(`${container} ${path}`);
    };
    const logs = at("filebeat", /^\/pulsar\/logs\/functions$/);
    assert.deepEqual([logs, logs.emptyDir], [at("pulsar-function", /^\/pulsar\/logs\/functions$/), {}]);
    const packages = at("downloader", /^\/pulsar\/download$/);
    assert.deepEqual([packages, packages.emptyDir], [at("pulsar-function", /fn\.jar$/), {}]);
    assert.deepEqual(at("pulsar-function", /^\/etc\/tls/).secret, {
      secretName: "ca",
      items: [{ key: "ca.crt", path: "ca.crt" }],
    });
  });
}

test("several keys under one directory are one volume", () => {
  const cryptoSecrets = ["a", "b"].map((name) => ({ secretName: name, secretKey: `${name}.pem`, asVolume: "/keys" }));
  const cryptoConfig = { cryptoKeyReaderClassName: "R", encryptionKeys: ["k"], cryptoSecrets };
  const workload = workloadOf("Function", { output: { topic: "out", producerConf: { cryptoConfig } } });
  const { StatefulSet } = render(workload);
  const mounts = containerOf(StatefulSet, "pulsar-function").volumeMounts?.filter((m) => m.mountPath === "/keys") ?? [];
  assert.equal(mounts.length, 1);
  const volume = podOf(StatefulSet).spec.volumes?.find(({ name }) => name === mounts[0]?.name);
  const secret = (name: string) => ({ secret: { name, items: [{ key: `${name}.pem`, path: `${name}.pem` }] } });
  assert.deepEqual(volume?.projected, { sources: [secret("a"), secret("b")] });
});

test("a BackendConfig's affinity and security context apply where the workload has none (issue 804)", () => {
  const term = { matchExpressions: [{ key: "pool", operator: "In", values: ["streaming"] }] };
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] } };
  const securityContext = { runAsUser: 2000, fsGroup: 2000, runAsNonRoot: true };
  const pod = { securityContext, terminationGracePeriodSeconds: 0, affinity: { nodeAffinity } };
  const { spec } = podOf(render(workloadOf("Function"), { config: { pod } }).StatefulSet);
  assert.deepEqual(spec.securityContext, securityContext);
  assert.equal(spec.terminationGracePeriodSeconds, 0);
  assert.deepEqual(spec.affinity?.nodeAffinity, nodeAffinity);
  assert.ok(spec.affinity?.podAntiAffinity !== undefined, "and its pods are still spread");
  const own = workloadOf("Function", { pod: { securityContext: {} } });
  assert.deepEqual(
    podOf(render(own, { config: { pod } }).StatefulSet).spec.securityContext,
    {},
    "{} is an answer, too",
  );
});

test("under an autoscaler every container of ours has requests (kubernetes issue 79365)", () => {
  const logs = { logTopic: "persistent://shop/eu/logs" };
  const scaled = render(workloadOf("Sink", { ...logs, maxReplicas: 5 })).StatefulSet;
  for (const { name, resources } of podOf(scaled).spec.containers) {
    const { requests } = isObject(resources) ? resources : {};
    assert.deepEqual(Object.keys(isObject(requests) ? requests : {}).sort(), ["cpu", "memory"], name);
  }
  assert.equal(containerOf(render(workloadOf("Sink", logs)).StatefulSet, "filebeat").resources, undefined);
});

test("with the restricted standard every container of ours meets it (issue 574)", () => {
  const workload = workloadOf("Sink", {
    logTopic: "logs",
    java: { jar: "s.nar", jarLocation: "sink://public/default/s@1" },
  });
  const { spec } = podOf(render(workload, { settings: { runAsNonRoot: true, initContainers: true } }).StatefulSet);
  assert.equal(spec.securityContext?.runAsNonRoot, true);
  assert.deepEqual(spec.securityContext?.seccompProfile, { type: "RuntimeDefault" });
  const containers = [...spec.containers, ...(spec.initContainers ?? [])];
  assert.equal(containers.length, 3);
  for (const { name, securityContext } of containers) {
    const { allowPrivilegeEscalation, capabilities } = isObject(securityContext) ? securityContext : {};
    assert.deepEqual([allowPrivilegeEscalation, capabilities], [false, { drop: ["ALL"] }], name);
  }
});

test("the account goes with its deprecated alias, which the API server fills in", () => {
  const { spec } = podOf(render(workloadOf("Function", { pod: { serviceAccountName: "runner" } })).StatefulSet);
  assert.deepEqual([spec.serviceAccountName, spec.serviceAccount], ["runner", "runner"]);
});

test("nobody replaces the labels that select the pods (kaap issue 153)", () => {
  const labels = { component: "backend", team: "eu" };
  const { StatefulSet } = render(workloadOf("Sink", { pod: { labels } }), { settings: { podLabels: { name: "x" } } });
  const found = podOf(StatefulSet).metadata.labels;
  const { selector } = partOf(StatefulSet, "spec");
  const { matchLabels } = isObject(selector) ? selector : {};
  assert.deepEqual({ ...found, ...Object(matchLabels) }, found);
  assert.equal(found.team, "eu");
});

test("kubectl takes the main container of several", () => {
  const key = "kubectl.kubernetes.io/default-container";
  const several = workloadOf("Source", { pod: { sidecars: [{ name: "s", image: "s" }] } });
  assert.equal(podOf(render(several).StatefulSet).metadata.annotations[key], "pulsar-source");
  assert.equal(podOf(render(workloadOf("Source")).StatefulSet).metadata.annotations[key], undefined);
});

test("a clean-up Job mounts only what it has (issue 605)", () => {
  const workload = workloadOf("Function", {
    cleanupSubscription: true,
    volumeMounts: [
      { name: "data", mountPath: "/data" },
      { name: "own", mountPath: "/own" },
    ],
    volumeClaimTemplates: [{ metadata: { name: "data" } }],
    pod: {
      volumes: [{ name: "own", emptyDir: {} }],
      initContainers: [{ name: "i", image: "i", volumeMounts: [{ name: "data", mountPath: "/d" }] }],
    },
  });
  const job = renderCleanup(workload);
  assert.deepEqual(
    containerOf(job, "cleanup").volumeMounts?.map(({ name }) => name),
    ["own"],
  );
  assert.deepEqual(containerOf(job, "i").volumeMounts, []);
});

test("storage is the instance's disk, no resource of a container", () => {
  const resources = {
    requests: { cpu: "1", memory: "1Gi", storage: "1Gi" },
    limits: { memory: "1Gi", storage: "2Gi" },
  };
  const workload = workloadOf("Function", { resources });
  assert.deepEqual(containerOf(render(workload).StatefulSet, "pulsar-function").resources, {
    requests: { cpu: "1", memory: "1Gi" },
    limits: { memory: "1Gi" },
  });
  assert.equal(Object(workload.details.resources).disk, String(2 ** 30));
});

test("the acknowledgement timeout is the delay after a negative one, too", () => {
  const { source } = workloadOf("Function", { timeout: 6666 }).details;
  assert.equal(Object(source).negativeAckRedeliveryDelayMs, "6666");
});

const goSpec = { java: undefined, className: undefined };

test("a Go instance gets every field its configuration has a key for (pulsar issue 20451)", () => {
  const { program, seen } = recorder("go-config");
  const tls = { enabled: true, certSecretName: "ca", certSecretKey: "ca.crt", hostnameVerification: true };
  const genericAuth = { clientAuthenticationPlugin: "P", clientAuthenticationParameters: 'token:a"b' };
  const workload = workloadOf("Function", {
    ...goSpec,
    golang: { go: program },
    input: { topics: ["one", "two"], sourceSpecs: { one: { schemaType: "json", receiverQueueSize: 7 } } },
    output: { topic: "out", sinkSchemaType: "avro" },
    subscriptionPosition: "earliest",
    secretsMap: { PW: { path: "s", key: "k" } },
    pulsar: { pulsarConfig: "pulsar", authConfig: { genericAuth }, tlsConfig: tls },
  });
  const [flag, text = ""] = argumentsOf(render(workload).StatefulSet, "pulsar-function", seen, {
    brokerServiceURL: "pulsar+ssl://b:6651",
  });
  const config = Object(parseJson(text));
  assert.equal(flag, "-instance-conf");
  assert.deepEqual(Object.keys(config.sourceInputSpecs), ["one", "two"]);
  assert.deepEqual(parseJson(config.functionDetails), { ...workload.details });
  const { pulsarServiceURL, instanceID, sourceSpecsTopic, sourceSchemaType, receiverQueueSize, secretsMap } = config;
  assert.deepEqual(
    { pulsarServiceURL, instanceID, sourceSpecsTopic, sourceSchemaType, receiverQueueSize, secretsMap },
    {
      pulsarServiceURL: "pulsar+ssl://b:6651",
      instanceID: 2,
      sourceSpecsTopic: "one",
      sourceSchemaType: "json",
      receiverQueueSize: 7,
      secretsMap: '{"PW":{"path":"s","key":"k"}}',
    },
  );
  const { sinkSchemaType, subscriptionPosition, clientAuthenticationPlugin, clientAuthenticationParameters } = config;
  assert.deepEqual(
    [sinkSchemaType, subscriptionPosition, clientAuthenticationPlugin, clientAuthenticationParameters],
    ["avro", 1, "P", 'token:a"b'],
  );
  const { tlsTrustCertsFilePath, tlsAllowInsecureConnection, tlsHostnameVerificationEnable } = config;
  assert.deepEqual(
    [tlsTrustCertsFilePath, tlsAllowInsecureConnection, tlsHostnameVerificationEnable],
    ["/etc/tls/pulsar-functions/ca.crt", false, true],
  );
});

test("a Go instance gets what Secrets say, whatever characters they hold", () => {
  const { program, seen } = recorder("go-secrets");
  const pulsar = { pulsarConfig: "pulsar", authSecret: "auth", tlsSecret: "tls" };
  const workload = workloadOf("Function", { ...goSpec, golang: { go: program }, pulsar });
  const parameters = '{"userId":"u 1","password":"p\'q$x\\\\`id`"}';
  const [, text = ""] = argumentsOf(render(workload).StatefulSet, "pulsar-function", seen, {
    brokerServiceURL: "pulsar://b",
    clientAuthenticationPlugin: "P",
    clientAuthenticationParameters: parameters,
    tlsAllowInsecureConnection: "true",
    tlsTrustCertsFilePath: "/certs/ca.crt",
  });
  const { clientAuthenticationParameters, tlsAllowInsecureConnection, tlsHostnameVerificationEnable } = Object(
    parseJson(text),
  );
  assert.deepEqual(
    [clientAuthenticationParameters, tlsAllowInsecureConnection, tlsHostnameVerificationEnable],
    [parameters, true, true],
  );
});

for (const [allowInsecure, verify, flags] of [
  ["false", "true", ["--tls-enable-hostname-verification"]],
  ["true", "false", ["--tls-allow-insecure"]],
  ["false", "false", []],
] as const) {
  test(`pulsar-admin obeys what a Secret says about TLS: ${allowInsecure}, ${verify} (issue 522)`, () => {
    const workload = workloadOf("Function", {
      pulsar: { pulsarConfig: "pulsar", tlsSecret: "tls" },
      java: { jar: "/pulsar/fn.jar", jarLocation: "function://public/default/fn@v1" },
    });
    const [shell = "", flag = "", script = ""] = commandOf(render(workload).StatefulSet, "pulsar-function");
    const download = script.slice(0, script.indexOf(" && SHARD_ID=")).replace("/pulsar/bin/pulsar-admin", "printf %s,");
    const env = { webServiceURL: "w", tlsAllowInsecureConnection: allowInsecure, tlsTrustCertsFilePath: "/ca" };
    const output = execFileSync(shell, [flag, download], {
      env: { PATH: process.env.PATH, ...env, tlsHostnameVerificationEnable: verify },
      encoding: "utf8",
    });
    assert.deepEqual(
      output.split(",").filter((word) => word.startsWith("--tls-")),
      [...flags, "--tls-trust-cert-path"],
    );
  });
}

/** Renderings that were right, and are to stay so. */
const image = { image: "example.org/fn:1" };

test("numbers of a connector's configuration reach it as they were written (pulsar issue 10882)", () => {
  const sinkConfig = parseJson(
    '{"maxOffset":9223372036854775807,"huge":18446744073709551615,"ratio":0.1,"whole":5000.0,"expo":1.0e+3,"10":"ten","a.b.c":"dotted"}',
  );
  assert.ok(isObject(sinkConfig));
  const { sink } = workloadOf("Sink", { sinkConfig }).details;
  const text = String(Object(sink).configs);
  for (const part of [
    '"maxOffset":9223372036854775807',
    '"huge":18446744073709551615',
    '"ratio":0.1',
    '"whole":5000.0',
  ]) {
    assert.ok(text.includes(part), text);
  }
});

test("what looks like a reference to a variable reaches the instance literally (pulsar pull 20901)", () => {
  const { program, seen } = recorder("literal");
  const funcConfig = { password: "${DB_PASSWORD}", odd: "$(DB_PASSWORD) `id` $DB_PASSWORD", q: 'he said "hi"' };
  const workload = workloadOf("Function", { ...goSpec, golang: { go: program }, funcConfig });
  const [, text = ""] = argumentsOf(render(workload).StatefulSet, "pulsar-function", seen, { DB_PASSWORD: "s3cret" });
  assert.deepEqual(parseJson(Object(parseJson(text)).userConfig), funcConfig);
});

test("JVM options are words, with variables of the shell left to nobody (pulsar issue 12051)", () => {
  const javaOpts = ["-Da=/tmp -Db=/tmp", '-Dgreeting="hello world"', "-Dk8s=$(POD_NAME)"];
  const workload = workloadOf("Function", { java: { jar: "/a.jar", javaOpts } });
  const script = commandOf(render(workload).StatefulSet, "pulsar-function").at(-1) ?? "";
  assert.match(script, / -Da=\/tmp -Db=\/tmp '-Dgreeting=hello world' '-Dk8s=\$\(POD_NAME\)' /);
});

test("a batch source that is written by hand passes through, one that is declared is spelled out", () => {
  const byHand = { __BATCHSOURCECLASSNAME__: "a.B", __BATCHSOURCECONFIGS__: "{}" };
  const executor = "org.apache.pulsar.functions.source.batch.BatchSourceExecutor";
  const hand = workloadOf("Source", { className: executor, sourceConfig: byHand }).details.source;
  assert.deepEqual(Object(parseJson(Object(hand).configs)), byHand);
  const batchSourceConfig = {
    discoveryTriggererClassName: "T",
    discoveryTriggererConfig: { __CRON__: "0 */5 * * * ?" },
  };
  const { source } = workloadOf("Source", { className: "a.B", batchSourceConfig }).details;
  assert.equal(Object(source).className, executor);
  assert.equal(Object(parseJson(Object(source).configs)).__BATCHSOURCECLASSNAME__, "a.B");
});

test("a grace period of 0 is one, volumes of any kind and native sidecars pass through", () => {
  const initContainers = [{ name: "proxy", image: "p", restartPolicy: "Always", ports: [{ containerPort: 5432 }] }];
  const sources = [{ serviceAccountToken: { audience: "pulsar", expirationSeconds: 3600, path: "token" } }];
  const volumes = [
    { name: "tok", projected: { sources } },
    { name: "scratch", csi: { driver: "secrets-store.csi.k8s.io", readOnly: true } },
  ];
  const pod = { terminationGracePeriodSeconds: 0, initContainers, volumes };
  const { spec } = podOf(render(workloadOf("Function", { ...image, pod })).StatefulSet);
  assert.equal(spec.terminationGracePeriodSeconds, 0);
  assert.deepEqual(spec.initContainers, initContainers);
  assert.deepEqual(spec.volumes, volumes);
});

test("an autoscaler's metrics and behaviour pass through as they are (issue 770)", () => {
  const autoScalingMetrics = [
    {
      type: "External",
      external: { metric: { name: "backlog" }, target: { type: "AverageValue", averageValue: "1k" } },
    },
    {
      type: "ContainerResource",
      containerResource: {
        name: "cpu",
        container: "pulsar-function",
        target: { type: "Utilization", averageUtilization: 60 },
      },
    },
  ];
  const autoScalingBehavior = { scaleUp: { selectPolicy: "Disabled" }, scaleDown: { stabilizationWindowSeconds: 0 } };
  const workload = workloadOf("Function", { maxReplicas: 8, pod: { autoScalingMetrics, autoScalingBehavior } });
  const { metrics, behavior, minReplicas, maxReplicas } = partOf(render(workload).HorizontalPodAutoscaler, "spec");
  assert.deepEqual(
    { metrics, behavior, minReplicas, maxReplicas },
    { metrics: autoScalingMetrics, behavior: autoScalingBehavior, minReplicas: 1, maxReplicas: 8 },
  );
});

test("quantities are counted however they are spelled", () => {
  const resources = { requests: { cpu: "1e-1", memory: "1.5Gi" }, limits: { memory: "1073741824000m" } };
  const { details } = workloadOf("Function", { resources: { ...resources, limits: { memory: "2Gi" } } });
  assert.deepEqual(details.resources, { cpu: 0.1, ram: String(1.5 * 2 ** 30) });
});

test("a presigned URL is one word, whatever it holds", () => {
  const url = "https://repo.example.org/fn.jar?X-Sig=a%2Fb&Expires=60&x=$(id);'q'";
  const java = { jar: "/pulsar/my fn.jar", jarLocation: url };
  const workload = workloadOf("Function", { imageHasGet: true, java });
  const [shell = "", flag = "", script = ""] = commandOf(render(workload).StatefulSet, "pulsar-function");
  const download = script.slice(0, script.indexOf(" && SHARD_ID=")).replace("wget", "printf '%s\\n'");
  const output = execFileSync(shell, [flag, download], { encoding: "utf8" });
  assert.deepEqual(output.trimEnd().split("\n"), [url, "-O", "/pulsar/my fn.jar"]);
});

test("an autoscaler goes down to the bound it is given", () => {
  const { HorizontalPodAutoscaler } = render(workloadOf("Function", { replicas: 6, maxReplicas: 4 }));
  assert.equal(partOf(HorizontalPodAutoscaler, "spec").maxReplicas, 4);
});

test("the end of the log is a failed container's last words where the installation wants that", () => {
  const policyIn = (settings = {}) =>
    containerOf(render(workloadOf("Function"), { settings }).StatefulSet, "pulsar-function").terminationMessagePolicy;
  assert.equal(policyIn(), undefined);
  assert.equal(policyIn({ lastLogLines: true }), "FallbackToLogsOnError");
});

test("a readiness probe of ours where the installation wants one: what tells that the instance runs", () => {
  const { StatefulSet: plain } = render(workloadOf("Sink"));
  const { StatefulSet: probed } = render(workloadOf("Sink"), { settings: { readinessProbe: true } });
  assert.equal(containerOf(plain, "pulsar-sink").readinessProbe, undefined);
  assert.deepEqual(containerOf(probed, "pulsar-sink").readinessProbe, {
    httpGet: { path: "/", port: 9094, scheme: "HTTP" },
    periodSeconds: 5,
    timeoutSeconds: 5,
  });
});

test("the details are ASCII: a JVM in an image without a locale would lose anything else", () => {
  const text = "ü € 😀 \u2028 \ud800";
  const runtimes = {
    java: { jar: "/a.jar" },
    python: { py: "/a.py" },
    genericRuntime: { functionFile: "a", language: "nodejs" },
  };
  for (const [name, runtime] of Object.entries(runtimes)) {
    const workload = workloadOf("Function", { java: undefined, funcConfig: { text }, [name]: runtime });
    const script = commandOf(render(workload).StatefulSet, mainContainerName(workload)).at(-1) ?? "";
    const [, details = ""] = /--function_details '([\x20-\x7e]*)' --pulsar_serviceurl/.exec(script) ?? [];
    assert.equal(JSON.parse(JSON.parse(details).userConfig).text, text, name);
  }
});
