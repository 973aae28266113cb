/** What people's hands do with Kubernetes' own kinds, with kubectl against a laptop's server. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/processes.ts";
import { type Kubectl, kubectlFor } from "./support/kubectl.ts";
import { wordcount } from "./support/manifests.ts";
import { type Standalone, startStandalone } from "./support/server.ts";

let server: Standalone;
let kubectl: Kubectl;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-hands-"));
  server = await startStandalone(join(directory, "data"));
  kubectl = await kubectlFor(server.kubeconfig, join(directory, "kubectl"));
});
after(async () => {
  await server?.process.stop();
  await rm(directory, { recursive: true, force: true });
});

const ok = (args: string, input?: string): Promise<string> => kubectl.ok(args.split(" "), input);
const jsonPath = (args: string, path: string): Promise<string> =>
  kubectl.ok([...args.split(" "), "-o", `jsonpath=${path}`]);
const patch = (object: string, body: object): Promise<string> =>
  kubectl.ok(["patch", ...object.split(" "), "-p", JSON.stringify(body)]);

type Manifest = {
  readonly data?: string;
  readonly ports?: string;
  readonly env?: string;
};
const manifest = ({ data = "{a: '1', b: '2'}", ports = "[{name: http, port: 80}]", env }: Manifest): string => `
apiVersion: v1
kind: ConfigMap
metadata: {name: cm, annotations: {note: plain}}
data: ${data}
---
apiVersion: v1
kind: Secret
metadata: {name: secret}
data: {key: eA==}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: None, selector: {app: web}, ports: ${ports}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: main, image: "image:1"${env === undefined ? "" : `, env: ${env}`}}
      - {name: side, image: "image:1"}
`;

const images = async (): Promise<string> =>
  jsonPath("get pods -l app=web", "{range .items[*]}{.spec.containers[0].image} {end}");
const rolledOut = async (): Promise<void> => {
  assert.match(await ok("rollout status sts/web --timeout=60s"), /new pods have been updated/);
};

// API P-34, KB-15
test("apply creates, finds nothing to change, changes, and takes away what the manifest no longer has", async () => {
  const names = ["configmap/cm", "secret/secret", "service/web", "statefulset.apps/web"];
  assert.deepEqual(
    (await ok("apply -f -", manifest({}))).trim().split("\n"),
    names.map((name) => `${name} created`),
  );
  assert.deepEqual(
    (await ok("apply -f -", manifest({}))).trim().split("\n"),
    names.map((name) => `${name} unchanged`),
  );
  const more = manifest({
    data: "{a: '1', c: '3'}",
    ports: "[{name: admin, port: 81}, {name: http, port: 80}]",
    env: "[{name: A, value: '1'}, {name: B, value: '2'}]",
  });
  const changed = names.map((name) => `${name} ${name === "secret/secret" ? "unchanged" : "configured"}`);
  assert.deepEqual((await ok("apply -f -", more)).trim().split("\n"), changed);
  assert.equal(await jsonPath("get cm cm", "{.data}"), '{"a":"1","c":"3"}');
  assert.equal(await jsonPath("get svc web", "{.spec.ports[*].name}"), "admin http", "in the manifest's order");
  const less = manifest({ ports: "[{name: admin, port: 81}]", env: "[{name: B, value: '3'}]" });
  assert.deepEqual((await ok("apply -f -", less)).trim().split("\n"), changed);
  assert.equal(await jsonPath("get svc web", "{.spec.ports[*].name}"), "admin");
  const env = await jsonPath("get sts web", "{.spec.template.spec.containers[0].env}");
  assert.equal(env, '[{"name":"B","value":"3"}]');
});

test("what others change between two applies stays", async () => {
  await ok("scale sts web --replicas=3");
  await patch("cm cm", { data: { foreign: "x" } });
  assert.match(await ok("apply -f -", manifest({})), /configmap\/cm unchanged/);
  assert.equal(await jsonPath("get sts web", "{.spec.replicas}"), "3");
  assert.equal(await jsonPath("get cm cm", "{.data.foreign}"), "x");
});

test("edit changes one object", async () => {
  assert.match(await ok("edit cm cm"), /configmap\/cm edited/);
  assert.equal(await jsonPath("get cm cm", "{.metadata.annotations.note}"), "edited");
});

test("set image, env and resources roll a StatefulSet out", async () => {
  await ok("set image sts/web main=image:2");
  await rolledOut();
  assert.equal(await images(), "image:2 image:2 image:2 ");
  await ok("set env sts/web COLOR=red");
  await ok("set resources sts/web -c=main --limits=cpu=200m");
  await rolledOut();
  const container = await jsonPath("get pod web-0", "{.spec.containers[0]}");
  assert.match(container, /"COLOR".*"red"/);
  assert.match(container, /"cpu":"200m"/);
});

// API KB-24
test("rollout history tells of revisions, undo goes back to one, restart replaces every pod", async () => {
  const revisions = [...(await ok("rollout history sts/web")).matchAll(/^(\d+)\s/gm)].map(([, number]) => number);
  assert.ok(revisions.length >= 3, "what was applied, and what was set in two steps");
  assert.match(await ok(`rollout undo sts/web --to-revision=${revisions[0]}`), /rolled back/);
  await rolledOut();
  assert.equal(await images(), "image:1 image:1 image:1 ");
  const before = await jsonPath("get pods -l app=web", "{.items[*].metadata.uid}");
  await ok("rollout restart sts/web");
  await rolledOut();
  const uids = (await jsonPath("get pods -l app=web", "{.items[*].metadata.uid}")).split(" ");
  assert.equal(uids.length, 3);
  assert.ok(uids.every((uid) => !before.includes(uid)));
  assert.match(await ok("get controllerrevisions"), /web-\w+\s+statefulset\.apps\/web\s+\d+/);
});

test("a rollout stops at its partition, and with OnDelete at every pod", async () => {
  await patch("sts web", { spec: { updateStrategy: { rollingUpdate: { partition: 2 } } } });
  await ok("set image sts/web main=image:3");
  assert.match(await ok("rollout status sts/web --timeout=60s"), /partitioned roll out complete: 1 new pods/);
  assert.equal(await images(), "image:1 image:1 image:3 ");
  await patch("sts web", { spec: { updateStrategy: { $patch: "replace", type: "OnDelete" } } });
  await ok("set image sts/web main=image:4");
  await ok("delete pod web-1");
  await eventually(async () => assert.equal(await images(), "image:1 image:4 image:3 "));
});

test("patch without a type merges lists by name, in our kinds too", async () => {
  await ok("apply -f -", wordcount);
  await patch("fn wordcount", { spec: { replicas: 2, pod: { sidecars: [{ name: "a", image: "image:1" }] } } });
  await patch("fn wordcount", { spec: { pod: { sidecars: [{ name: "b", image: "image:1" }] } } });
  await patch("fn wordcount", { spec: { pod: { sidecars: [{ name: "a", image: "image:2" }] } } });
  const sidecars: unknown = JSON.parse(await jsonPath("get fn wordcount", "{.spec.pod.sidecars}"));
  assert.deepEqual(sidecars, [
    { name: "b", image: "image:1" },
    { name: "a", image: "image:2" },
  ]);
  assert.equal(await jsonPath("get fn wordcount", "{.spec.replicas}"), "2");
});

test("the token of a service account's Secret is one", async () => {
  await ok("create serviceaccount robot");
  await ok(
    "apply -f -",
    `{apiVersion: v1, kind: Secret, metadata: {name: robot, annotations: {kubernetes.io/service-account.name: robot}},
      type: kubernetes.io/service-account-token}`,
  );
  const token = await eventually(async () => {
    const encoded = await jsonPath("get secret robot", "{.data.token}");
    assert.notEqual(encoded, "");
    return Buffer.from(encoded, "base64").toString();
  });
  const other = ["--kubeconfig=/dev/null", `--server=${server.url}`, "--insecure-skip-tls-verify", `--token=${token}`];
  const user = await kubectl.ok([...other, "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]);
  assert.equal(user, "system:serviceaccount:default:robot");
});

// API KB-23
test("autoscale makes an autoscaler that both versions show", async () => {
  await ok("autoscale sts web --max=3 --cpu=50%");
  assert.equal(
    await jsonPath("get horizontalpodautoscalers.v1.autoscaling web", "{.spec.targetCPUUtilizationPercentage}"),
    "50",
  );
  const target = "{.spec.metrics[0].resource.target.averageUtilization}";
  assert.equal(await jsonPath("get horizontalpodautoscalers.v2.autoscaling web", target), "50");
});

// API KB-32
test("Events are had of both groups", async () => {
  await eventually(async () => assert.match(await ok("get events.v1.events.k8s.io"), /Scheduled\s+pod\/web-0/));
  assert.match(await ok("events --for=pod/web-0"), /Scheduled/);
});
