/** The chart with whatever values a platform may need, judged by Helm and a real kube-apiserver; and `deploy/base` beside it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { parseYaml } from "../../apiserver/machinery/yaml.ts";
import { startHostCluster } from "./support/host-cluster.ts";
import { type Kubectl, kubectlFor } from "./support/kubectl.ts";
import { ensureTool, moduleDirectory } from "./support/tools.ts";

const run = promisify(execFile);
const deploy = new URL("../../deploy/", import.meta.url).pathname;
const chart = join(deploy, "charts", "function-mesh-operator");
const namespace = "platform-team-a";
/** Kinds of Prometheus' operator, of which no definitions are here. */
const foreign = ["ServiceMonitor", "PrometheusRule"];

let directory: string;
let kubectl: Kubectl;
let helm: string;
const resources = new AsyncDisposableStack();

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-chart-values-"));
  resources.defer(() => rm(directory, { recursive: true, force: true }));
  helm = await ensureTool("helm");
  const { kubeconfig } = resources.use(await startHostCluster(join(directory, "host")));
  kubectl = await kubectlFor(kubeconfig, join(directory, "kubectl"));
  const definitions = await moduleDirectory("cert-manager", "github.com/cert-manager/cert-manager");
  await kubectl.ok(["apply", "--server-side", "-f", join(definitions, "deploy", "crds")]);
  await kubectl.ok(["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"]);
  await kubectl.ok(["create", "namespace", namespace]);
  const level = ["pod-security.kubernetes.io/enforce=restricted", "pod-security.kubernetes.io/warn=restricted"];
  await kubectl.ok(["label", "namespace", namespace, ...level]);
});
after(() => resources.disposeAsync());

/** @throws Error with what Helm says */
async function rendered(release: string, ...values: readonly string[]): Promise<readonly JsonObject[]> {
  const args = ["template", release, chart, "-n", namespace, ...values.flatMap((value) => ["--set", value])];
  const { stdout } = await run(helm, args, { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, HOME: directory } });
  return documentsOf(stdout);
}

const documentsOf = (text: string): readonly JsonObject[] =>
  text
    .split(/^---$/m)
    .map((document) => parseYaml(document).value)
    .filter(isObject);
const nameOf = (object: JsonObject): string => textOf(objectOf(object, "metadata"), "name");

const long = "a-name-as-long-as-helm-allows-which-is-fifty-3-letters";
const external = ["storage.type=external", "storage.external.servers={https://etcd.example.org:2379}"];
const combinations: Record<string, { reason: string; release?: string; values: readonly string[] }> = {
  "default values": { reason: "what most install", values: [] },
  "the longest name": { reason: "names of children are longer still", release: long.slice(0, 53), values: [] },
  "the longest name, embedded": {
    reason: "a StatefulSet's name is in a label of its pods, with ten characters more",
    release: long.slice(0, 53),
    values: ["storage.type=embedded"],
  },
  "names given": {
    reason: "two charts of one platform",
    values: [`fullnameOverride=${long.slice(0, 53)}`, "nameOverride=mesh"],
  },
  "three members and replicas, everywhere a rule": {
    reason: "a production cluster",
    values: [
      ...["storage.etcd.members=3", "controllerManager.replicas=3", "networkPolicy.enabled=true"],
      ...["controllerManager.priorityClassName=system-cluster-critical", "controllerManager.nodeSelector.pool=infra"],
      "storage.etcd.tolerations[0].key=infra,storage.etcd.tolerations[0].operator=Exists",
      "controllerManager.tolerations[0].key=infra,controllerManager.tolerations[0].operator=Exists",
      "controllerManager.topologySpreadConstraints[0].maxSkew=1",
      "controllerManager.topologySpreadConstraints[0].topologyKey=zone",
      "controllerManager.topologySpreadConstraints[0].whenUnsatisfiable=ScheduleAnyway",
      "controllerManager.topologySpreadConstraints[0].labelSelector.matchLabels.spread=yes",
      "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.name=monitoring",
      ...["monitoring.serviceMonitor.enabled=true", "monitoring.prometheusRule.enabled=true"],
      ...["monitoring.dashboard.enabled=true", "controllerManager.podDisruptionBudget.maxUnavailable=2"],
    ],
  },
  "registries with ports, digests, pull secrets": {
    reason: "clusters without the internet",
    values: [
      ...["image.repository=registry.example.org:5000/mesh/apiserver", `image.tag=sha256:${"a".repeat(64)}`],
      ...["storage.etcd.image.repository=10.0.0.1:5000/etcd", "imagePullSecrets[0].name=mirror"],
      ...["controllerManager.runnerImages.java=registry.example.org:5000/java:4", "image.pullPolicy=Always"],
      "controllerManager.runnerImagePullSecrets[0].name=mirror",
    ],
  },
  "an etcd elsewhere, with certificate, prefix, user": {
    reason: "it is shared",
    values: [
      ...external,
      ...["storage.external.prefix=/mesh", "storage.external.tlsSecretName=etcd-tls"],
      ...["storage.external.username=mesh", "storage.external.passwordSecretName=etcd-password"],
    ],
  },
  "an etcd elsewhere that only has a CA": {
    reason: "the Secret has no client certificate",
    values: [...external, "storage.external.tlsSecretName=etcd-ca", "storage.external.clientCertificate=false"],
  },
  "embedded without a volume": {
    reason: "to try it",
    values: ["storage.type=embedded", "storage.embedded.persistence.enabled=false"],
  },
  "cert-manager with its own CA": { reason: "nothing else is given", values: ["certificates.provider=cert-manager"] },
  "cert-manager with the platform's": {
    reason: "an issuer is there",
    values: [
      ...["certificates.provider=cert-manager", "certificates.certManager.issuerRef.kind=ClusterIssuer"],
      "certificates.certManager.issuerRef.name=platform",
    ],
  },
  "certificates given": {
    reason: "made by hand",
    values: ["certificates.provider=secret", "certificates.secretName=tls", "certificates.caBundle=PEM"],
  },
  "accounts and rights made by others": {
    reason: "whoever installs may not make roles",
    values: [
      ...["rbac.create=false", "userRoles.create=false", "controllerManager.serviceAccount.create=false"],
      "controllerManager.serviceAccount.name=mesh",
    ],
  },
  "values of an older chart": {
    reason: "`helm upgrade --reuse-values` knows none that came later",
    values: [
      ...[...external, "storage.external.tlsSecretName=etcd-tls", "storage.external.clientCertificate=null"],
      ...["controllerManager.limits=null", "storage.external.passwordSecretName=null"],
    ],
  },
  "limits, labels, options": {
    reason: "what a platform adds",
    values: [
      ...["controllerManager.limits.requestsInflight=800", "controllerManager.limits.mutatingRequestsInflight=0"],
      ...["controllerManager.limits.replicas=100000000", "controllerManager.extraArgs={--http2=false}"],
      ...["controllerManager.podLabels.team=a", "controllerManager.podAnnotations.note=b", "service.port=8443"],
      ...["storage.etcd.quotaBackendBytes=8589934592", "controllerManager.resourceLabels.team=a"],
    ],
  },
};

/** Names that become labels, or parts of them, which may have 63 characters. */
const longest: { readonly [kind: string]: number } = { Service: 63, Deployment: 63, StatefulSet: 52 };

for (const [what, { reason, release = "function-mesh", values }] of Object.entries(combinations)) {
  test(`chart: ${what}`, async () => {
    const objects = (await rendered(release, ...values)).filter(({ kind }) => !foreign.includes(String(kind)));
    const applying = ["apply", "--dry-run=server", "--validate=strict", "-f", "-"];
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    const { code, stderr } = await kubectl.run(applying, list);
    assert.equal(code, 0, `${reason}: ${stderr}`);
    assert.equal(stderr, "", reason);
    for (const object of objects) {
      const most = longest[String(object.kind)];
      if (most !== undefined) assert.ok(nameOf(object).length <= most, `${object.kind} ${nameOf(object)}`);
    }
  });
}

const refusals: Record<string, { values: readonly string[]; said: RegExp }> = {
  "a value that is none": { values: ["replicas=2"], said: /'replicas' not allowed|replicas/ },
  "one of the operator's": { values: ["operatorImage=x"], said: /operatorImage/ },
  "a text for a number": {
    values: ["controllerManager.replicas=two"],
    said: /replicas.*got string, want null or integer/s,
  },
  "no replica": { values: ["controllerManager.replicas=0"], said: /replicas.*minimum: got 0, want 1/s },
  "two replicas of one file": {
    values: ["storage.type=embedded", "controllerManager.replicas=2"],
    said: /storage\.type=embedded allows 1, as the store is a file of one pod/,
  },
  "two members": { values: ["storage.etcd.members=2"], said: /members.*must be one of/s },
  "a store nobody knows": {
    values: ["storage.type=postgres"],
    said: /storage.type|type.*'etcd', 'external', 'embedded'/s,
  },
  "an etcd elsewhere without its address": {
    values: ["storage.type=external"],
    said: /storage\.external\.servers is needed with storage\.type=external/,
  },
  "an address that is no URL": {
    values: ["storage.type=external", "storage.external.servers={etcd:2379}"],
    said: /servers.*does not match pattern/s,
  },
  "a password without its user": {
    values: [...external, "storage.external.passwordSecretName=p"],
    said: /storage\.external\.username is needed with storage\.external\.passwordSecretName/,
  },
  "a certificate without its CA": {
    values: ["certificates.provider=secret", "certificates.secretName=tls"],
    said: /certificates\.caBundle \(PEM\) is needed/,
  },
  "a certificate that is not named": {
    values: ["certificates.provider=secret", "certificates.caBundle=PEM"],
    said: /certificates\.secretName is needed/,
  },
  "a size that is none": { values: ["storage.etcd.persistence.size=big"], said: /size.*does not match pattern/s },
  "a time that is none": { values: ["controllerManager.shutdownDelay=8"], said: /shutdownDelay/ },
  "a level that is none": { values: ["controllerManager.logLevel=loud"], said: /logLevel.*must be one of/s },
};

for (const [what, { values, said }] of Object.entries(refusals)) {
  test(`chart: ${what} is refused in words`, async () => {
    await assert.rejects(rendered("function-mesh", ...values), said);
  });
}

/** What `deploy/base` leaves to whoever applies it, as values. */
const asBase = [
  ...["fullnameOverride=functionmesh", "storage.type=external"],
  "storage.external.servers={http://functionmesh-etcd.functionmesh-system.svc:2379}",
  ...["certificates.provider=secret", "certificates.secretName=functionmesh-serving-cert", "certificates.caBundle=PEM"],
  ...["controllerManager.readinessProbe=false", "controllerManager.lastLogLines=false"],
];

/** Names, labels and what follows from them are Helm's or ours; the rest is to be equal. */
function comparable(object: JsonObject): JsonValue {
  const text = JSON.stringify(object)
    .replaceAll(/function-?mesh-controller-manager/g, "functionmesh-apiserver")
    .replaceAll(namespace, "functionmesh-system")
    .replaceAll("/var/run/functionmesh/serving", "/var/run/functionmesh/tls")
    .replaceAll("$(POD_NAMESPACE)", "functionmesh-system");
  return withoutNames(JSON.parse(text));
}

const ours = ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"];
function withoutNames(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNames);
  if (!isObject(value)) return value;
  const left = Object.entries(value).filter(([name]) => !["labels", "annotations", "env", "caBundle"].includes(name));
  return Object.fromEntries(
    left
      .filter(([name]) => !ours.includes(name))
      .map(([name, each]): [string, JsonValue] => [name, withoutNames(each ?? null)]),
  );
}

/** Options that say what is so without them, and files that are left out with them. */
const defaults = new Set(
  [
    ...["log-level=info", "enable-init-containers=false", "add-default-affinity=true", "pause-rollout=false"],
    ...["max-concurrent-rollouts=10", "readiness-probe=false", "last-log-lines=false"],
    ...["namespaced-backend-config=backend-config", "config-file=/etc/functionmesh/config.yaml"],
    ...["store-memory=functionmesh-system/functionmesh-store"],
    "leader-elect-resource-name=functionmesh-apiserver",
  ].map((option) => `--${option}`),
);

function podOf(deployment: JsonObject | undefined): JsonObject {
  const pod = objectOf(objectOf(objectOf(deployment, "spec"), "template"), "spec") ?? {};
  const [container] = listOf(pod, "containers").filter(isObject);
  const isKept = (each: JsonValue): boolean => !isObject(each) || each.name !== "config";
  const renamed = (each: JsonValue): JsonValue =>
    isObject(each) && each.name === "serving-cert" ? { ...each, name: "tls" } : each;
  const byName = (a: JsonValue, b: JsonValue): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  const args = listOf(container, "args").map(String);
  return {
    ...pod,
    volumes: listOf(pod, "volumes").filter(isKept).map(renamed).sort(byName),
    containers: [
      {
        ...container,
        name: "apiserver",
        imagePullPolicy: "IfNotPresent",
        args: args.filter((arg) => !defaults.has(arg)).sort(),
        volumeMounts: listOf(container, "volumeMounts").filter(isKept).map(renamed).sort(byName),
      },
    ],
  };
}

test("chart: deploy/base says the same", async () => {
  const given = (await rendered("function-mesh", ...asBase)).map(comparable).filter(isObject);
  const base = documentsOf(await kubectl.ok(["kustomize", join(deploy, "base")]))
    .map(comparable)
    .filter(isObject);
  const find = (objects: readonly JsonObject[], kind: string): JsonObject | undefined =>
    objects.find((object) => object.kind === kind);
  for (const kind of ["PodDisruptionBudget", "Service", "APIService"])
    assert.deepEqual(find(given, kind)?.spec, find(base, kind)?.spec, kind);
  const [mine, theirs] = [find(base, "Deployment"), find(given, "Deployment")];
  assert.deepEqual(podOf(theirs), podOf(mine));
  for (const field of ["replicas", "strategy"])
    assert.deepEqual(objectOf(theirs, "spec")?.[field], objectOf(mine, "spec")?.[field], field);
  const rules = (objects: readonly JsonObject[]): readonly string[] =>
    objects
      .filter(({ kind }) => kind === "ClusterRole" || kind === "Role")
      .flatMap((role) => listOf(role, "rules").filter(isObject))
      .map(({ apiGroups, resources, resourceNames, verbs }) =>
        JSON.stringify({ apiGroups, resources, resourceNames, verbs }),
      )
      .sort();
  assert.deepEqual(rules(given), rules(base));
});
