import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/processes.ts";
import { kubectlSession } from "./kubectl-session.ts";
import { rightsTable } from "./rights-table.ts";
import { type Aggregated, countKeys, startAggregated } from "./support/aggregated.ts";
import { get } from "./support/http.ts";
import type { Kubectl } from "./support/kubectl.ts";
import { connection, wordcount } from "./support/manifests.ts";
import { createAuthority, issue, type Leaf } from "./support/pki.ts";

let cluster: Aggregated;
let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-aggregated-"));
  cluster = await startAggregated(directory);
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const functionsPath = (namespace: string): string =>
  `/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/functions`;
const forbidden = /Forbidden/;
/** Longer than the controllers take to look at a changed object. */
const settleMs = 2_000;

/** Where the StatefulSet of a Function `taken` would be. */
const statefulSetOfSomebody = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: taken-function}
spec:
  selector: {matchLabels: {app: taken}}
  serviceName: taken
  template:
    metadata: {labels: {app: taken}}
    spec:
      containers: [{name: main, image: "example.org/somebody:1.0"}]
`;

async function refused(kubectl: Kubectl, args: string, input?: string): Promise<void> {
  const result = await kubectl.run(args.split(" "), input);
  assert.equal(result.code, 1, args);
  assert.match(result.stderr, forbidden, args);
}

rightsTable(() => cluster);
kubectlSession({ name: "aggregated", kubectl: () => cluster.kubectl, podsRun: false });

// API KC-01, KC-02, KC-03, KC-04, KC-06, KC-07
test("aggregated: the host's garbage collector honours every way to delete", async () => {
  const { kubectl } = cluster;
  const inNamespace = (args: string, input?: string) => kubectl.ok(["-n", "cascade", ...args.split(" ")], input);
  const isGone = async (object: string): Promise<void> =>
    assert.equal((await kubectl.run(["-n", "cascade", "get", object])).code, 1, object);
  await kubectl.ok(["create", "namespace", "cascade"]);
  await inNamespace("apply -f -", connection);
  for (const name of ["kept", "first", "last"])
    await inNamespace("apply -f -", wordcount.replace("name: wordcount", `name: ${name}`));
  for (const name of ["kept", "first", "last"]) await eventually(() => inNamespace(`get sts ${name}-function`));

  await inNamespace("delete fn kept --cascade=orphan");
  const owners = "jsonpath={.metadata.ownerReferences}";
  await eventually(async () => assert.equal(await inNamespace(`get sts kept-function -o ${owners}`), ""));
  await inNamespace("delete fn first --cascade=foreground");
  await isGone("sts/first-function");
  await inNamespace("delete fn last --cascade=background");
  await eventually(() => isGone("sts/last-function"), 60_000);
  await inNamespace("get sts kept-function");
  await kubectl.ok(["delete", "namespace", "cascade", "--timeout=60s"]);
});

test("aggregated: what the controllers write stays theirs, what others write stays others'", async () => {
  const { kubectl } = cluster;
  const inNamespace = (args: string, input?: string): Promise<string> =>
    kubectl.ok(["-n", "shared", ...args.split(" ")], input);
  const jsonPath = (object: string, path: string): Promise<string> => inNamespace(`get ${object} -o jsonpath=${path}`);
  const sts = "sts/wordcount-function";
  await kubectl.ok(["create", "namespace", "shared"]);
  await inNamespace("create -f -", statefulSetOfSomebody);
  await inNamespace("apply -f -", wordcount);
  await inNamespace("apply -f -", wordcount.replace("name: wordcount", "name: taken"));
  await eventually(() => inNamespace(`get ${sts}`));
  const managers = "{.metadata.managedFields[?(@.operation=='Apply')].manager}";
  assert.equal(await jsonPath(sts, managers), "function-mesh");

  await inNamespace(`label ${sts} team=a`);
  await inNamespace(`set image ${sts} *=example.org/other:2.0`);
  const image = "{.spec.template.spec.containers[0].image}";
  await eventually(async () => assert.equal(await jsonPath(sts, image), "example.org/wordcount:1.0"));
  assert.equal(await jsonPath(sts, "{.metadata.labels.team}"), "a");
  await inNamespace("delete svc wordcount-function-headless");
  await eventually(() => inNamespace("get svc wordcount-function-headless"));

  await eventually(async () => {
    assert.match(await inNamespace("describe fn taken"), /Warning\s+NotOwned/);
    assert.match(await inNamespace("describe fn wordcount"), /Normal\s+Created\s.*StatefulSet wordcount-function/);
  });
  assert.equal(await jsonPath("sts/taken-function", "{.metadata.ownerReferences}"), "");
  assert.equal(await jsonPath("sts/taken-function", image), "example.org/somebody:1.0");

  const versions = (): Promise<string> => jsonPath("sts,svc", "{.items[*].metadata.resourceVersion}");
  const before = await versions();
  await inNamespace("annotate fn wordcount note=touched");
  await inNamespace("label fn wordcount touched=yes");
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  assert.equal(await versions(), before);
  await kubectl.ok(["delete", "namespace", "shared", "--timeout=60s"]);
});

// API KC-13, KC-14
test("aggregated: the host's autoscaler scales a Function through its scale", async () => {
  const { kubectl } = cluster;
  const inNamespace = (args: string, input?: string): Promise<string> =>
    kubectl.ok(["-n", "scaled", ...args.split(" ")], input);
  await kubectl.ok(["create", "namespace", "scaled"]);
  await inNamespace("apply -f -", wordcount.replace("replicas: 1", "replicas: 2\n  minReplicas: 2\n  maxReplicas: 4"));
  await inNamespace('patch fn wordcount --type=merge -p {"spec":{"replicas":1}}');
  // Below its minimum an autoscaler needs no metrics to know what to do; it looks every 15 s.
  await eventually(async () => {
    assert.equal(await inNamespace("get fn wordcount -o jsonpath={.spec.replicas}"), "2");
    assert.equal(await inNamespace("get sts wordcount-function -o jsonpath={.spec.replicas}"), "2");
    assert.match(await inNamespace("get hpa wordcount-function -o jsonpath={.status.lastScaleTime}"), /^20/);
  }, 60_000);
  await kubectl.ok(["delete", "namespace", "scaled", "--timeout=60s"]);
});

test("aggregated: objects are in our etcd, none in the host's, and workloads the other way round", async () => {
  const { kubectl, host, etcdUrl } = cluster;
  await kubectl.ok(["-n", "default", "apply", "-f", "-"], wordcount);
  await eventually(() => kubectl.ok(["-n", "default", "get", "sts", "wordcount-function"]));
  assert.equal(await countKeys(etcdUrl, "/registry/compute.functionmesh.io/"), 1);
  assert.equal(await countKeys(host.etcdUrl, "/registry/compute.functionmesh.io/"), 0);
  assert.equal(await countKeys(host.etcdUrl, "/registry/statefulsets/default/"), 1);
  assert.equal(await countKeys(etcdUrl, "/registry/statefulsets/"), 0);
  await kubectl.ok(["-n", "default", "delete", "fn", "wordcount"]);
});

// API A-17
test("aggregated: impersonation, checked by kube-apiserver, or by us when it comes straight here", async () => {
  const { kubectl, kubectlOf, host, url, servingAuthority } = cluster;
  await refused(kubectl, "get functions -n default --as=nobody");
  await kubectl.ok(["get", "functions", "-n", "default", "--as=nobody", "--as-group=system:masters"]);
  const plain = await kubectlOf({ commonName: "plain" });
  await refused(plain, "get functions -n default --as=admin --as-group=system:masters");

  const path = `${url}${functionsPath("default")}`;
  const statusAs = async (leaf: Leaf, user: string, group: string): Promise<number> =>
    (await get(path, servingAuthority.pem, leaf, { "impersonate-user": user, "impersonate-group": group })).status;
  const administrator = await issue(host.clientAuthority, { commonName: "root", organizations: ["system:masters"] });
  const somebody = await issue(host.clientAuthority, { commonName: "plain" });
  assert.equal(await statusAs(administrator, "nobody", "nobodies"), 403);
  assert.equal(await statusAs(administrator, "nobody", "system:masters"), 200);
  assert.equal(await statusAs(somebody, "admin", "system:masters"), 403);
});

// API KC-19, KC-20
test("aggregated: a ResourceQuota counts Functions, and a create beyond it is refused", async () => {
  const { kubectl } = cluster;
  const counted = "count/functions.compute.functionmesh.io";
  const inNamespace = (args: string, input?: string): Promise<string> =>
    kubectl.ok(["-n", "counted", ...args.split(" ")], input);
  const create = (name: string): Promise<string> =>
    inNamespace("create -f -", wordcount.replace("name: wordcount", `name: ${name}`));
  await kubectl.ok(["create", "namespace", "counted"]);
  await create("first");
  await inNamespace(`create quota two --hard=${counted}=2`);
  const used = (): Promise<string> => inNamespace(`get quota two -o jsonpath={.status.used}`);
  // The quota controller looks for new groups to count every 30 s.
  await eventually(async () => assert.match(await used(), /:"1"/), 90_000);
  await create("second");
  await refused(kubectl, "-n counted create -f -", wordcount);
  const { stderr } = await kubectl.run(["-n", "counted", "create", "-f", "-"], wordcount);
  const amounts = `requested: ${counted}=1, used: ${counted}=2, limited: ${counted}=2`;
  assert.ok(
    stderr.includes(`functions.compute.functionmesh.io "wordcount" is forbidden: exceeded quota: two, ${amounts}`),
    stderr,
  );
  await inNamespace("delete fn first");
  await eventually(() => create("third"), 60_000);
  assert.match(await used(), /:"2"/);
  await kubectl.ok(["delete", "namespace", "counted", "--timeout=60s"]);
});

// API KC-26
test("aggregated: the cluster's own roles cover our kinds", async () => {
  const { kubectl, kubectlOf } = cluster;
  await kubectl.ok(["create", "namespace", "roles"]);
  for (const role of ["view", "edit"])
    await kubectl.ok(["-n", "roles", "create", "rolebinding", role, `--clusterrole=${role}`, `--user=${role}er`]);
  const [viewer, editor] = [await kubectlOf({ commonName: "viewer" }), await kubectlOf({ commonName: "editer" })];
  await eventually(() => editor.ok(["-n", "roles", "apply", "-f", "-"], wordcount));
  await eventually(() => viewer.ok(["-n", "roles", "get", "fn", "wordcount"]));
  await editor.ok(["-n", "roles", "scale", "fn", "wordcount", "--replicas=2"]);
  await refused(viewer, "-n roles scale fn wordcount --replicas=3");
  await refused(viewer, "-n roles delete fn wordcount");
  await kubectl.ok(["delete", "namespace", "roles", "--timeout=60s"]);
});

// API Z-01, Z-15
test("aggregated: a Role on functions in one namespace gives exactly that", async (t) => {
  const { kubectl, kubectlOf, host, url, servingAuthority } = cluster;
  for (const namespace of ["team", "other"]) await kubectl.ok(["create", "namespace", namespace]);
  const inTeam = (args: string): Promise<string> => kubectl.ok(["-n", "team", ...args.split(" ")]);
  await inTeam("create serviceaccount robot");
  await inTeam("create role functions --resource=functions.compute.functionmesh.io --verb=get,list,create,patch");
  await inTeam("create rolebinding functions --role=functions --user=jane --serviceaccount=team:robot");
  const jane = await kubectlOf({ commonName: "jane" });

  await t.test("through kube-apiserver", async () => {
    await eventually(() => jane.ok(["-n", "team", "apply", "-f", "-"], wordcount));
    await jane.ok(["-n", "team", "get", "fn", "wordcount"]);
    await refused(jane, "-n other get fn");
    await refused(jane, "get fn -A");
    await refused(jane, "-n other apply -f -", wordcount);
    await refused(jane, "-n team get sources");
    await refused(jane, "-n team delete fn wordcount");
    await refused(jane, "-n team scale fn wordcount --replicas=2");
    await refused(jane, "-n team get fn -w");
    assert.equal(await jane.ok(["auth", "can-i", "list", "functions.compute.functionmesh.io", "-n", "team"]), "yes\n");
  });

  const token = (await inTeam("create token robot")).trim();
  const credentials: { readonly [name: string]: { readonly leaf?: Leaf; readonly headers?: Record<string, string> } } =
    {
      "a client certificate of the host's CA": { leaf: await issue(host.clientAuthority, { commonName: "jane" }) },
      "a ServiceAccount's token": { headers: { authorization: `Bearer ${token}` } },
    };
  for (const [name, { leaf, headers }] of Object.entries(credentials)) {
    await t.test(`straight to our server, by ${name}`, async () => {
      const statusOf = async (path: string): Promise<number> =>
        (await get(`${url}${path}`, servingAuthority.pem, leaf, headers)).status;
      assert.equal(await statusOf(functionsPath("team")), 200);
      assert.equal(await statusOf(`${functionsPath("team")}/wordcount`), 200);
      assert.equal(await statusOf(`${functionsPath("team")}/wordcount/scale`), 403);
      assert.equal(await statusOf(`${functionsPath("team")}?watch=true`), 403);
      assert.equal(await statusOf(functionsPath("other")), 403);
      assert.equal(await statusOf(functionsPath("team").replace("functions", "sources")), 403);
      assert.equal(await statusOf("/metrics"), 403);
    });
  }
  const wrongTokens = {
    "with another signature": `${token.slice(0, -8)}AAAAAAAA`,
    "for another audience": (await inTeam("create token robot --audience=https://elsewhere.example")).trim(),
  };
  for (const [name, wrong] of Object.entries(wrongTokens)) {
    const headers = { authorization: `Bearer ${wrong}` };
    const { status } = await get(`${url}${functionsPath("team")}`, servingAuthority.pem, undefined, headers);
    assert.equal(status, 401, `a token ${name}`);
  }
  for (const namespace of ["team", "other"]) await kubectl.ok(["delete", "namespace", namespace, "--timeout=60s"]);
});

test("aggregated: identity headers count only with the front proxy's certificate", async (t) => {
  const { host, url, servingAuthority } = cluster;
  const stranger = await createAuthority("cluster-front-proxy");
  const senders: { readonly [name: string]: { readonly leaf?: Leaf; readonly status: number } } = {
    "the front proxy": { leaf: host.frontProxy, status: 200 },
    "nobody known": { status: 403 },
    "a CA of the same name": { leaf: await issue(stranger, { commonName: "front-proxy-client" }), status: 401 },
    "another name by the front proxy's CA": {
      leaf: await issue(host.frontProxyAuthority, { commonName: "metrics-server" }),
      status: 401,
    },
    "a user of the cluster": { leaf: await issue(host.clientAuthority, { commonName: "jane" }), status: 403 },
    "a user named as the front proxy": {
      leaf: await issue(host.clientAuthority, { commonName: "front-proxy-client" }),
      status: 403,
    },
  };
  for (const [name, { leaf, status }] of Object.entries(senders)) {
    await t.test(`sent by ${name}: ${status}`, async () => {
      const answer = await get(`${url}${functionsPath("default")}`, servingAuthority.pem, leaf, {
        "x-remote-user": "admin",
        "x-remote-group": "system:masters",
      });
      assert.equal(answer.status, status, answer.body);
      assert.doesNotMatch(answer.body, /"admin"/);
    });
  }
});

// API Z-12
test("aggregated: what deploy/base grants was enough for all of the above", async () => {
  const log = await readFile(join(directory, "server.log"), "utf8");
  assert.doesNotMatch(log, /cannot (get|list|watch|create|update|patch|delete)/);
});

// API K-18, KC-11
test("aggregated: a crash takes nothing along: 503 meanwhile, workloads untouched, everything there afterwards", async () => {
  const { kubectl } = cluster;
  const inNamespace = (args: string, input?: string): Promise<string> =>
    kubectl.ok(["-n", "crash", ...args.split(" ")], input);
  await kubectl.ok(["create", "namespace", "crash"]);
  await inNamespace("apply -f -", wordcount);
  await eventually(async () =>
    assert.equal(await inNamespace("get fn wordcount -o jsonpath={.status.observedGeneration}"), "1"),
  );
  const versions = (): Promise<string> => inNamespace("get sts,svc -o jsonpath={.items[*].metadata.resourceVersion}");
  const before = await versions();
  await cluster.crash(async () => {
    const { code, stderr } = await kubectl.run(["-n", "crash", "get", "functions.v1alpha1.compute.functionmesh.io"]);
    assert.equal(code, 1);
    assert.match(stderr, /ServiceUnavailable|currently unable to handle the request/);
  });
  await eventually(() => inNamespace("get fn wordcount"));
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  assert.equal(await versions(), before);
  await inNamespace("delete fn wordcount");
  await eventually(async () =>
    assert.equal((await kubectl.run(["-n", "crash", "get", "sts/wordcount-function"])).code, 1),
  );
  await kubectl.ok(["delete", "namespace", "crash", "--timeout=60s"]);
});

// API R-20
test("aggregated: SIGTERM ends it with 0, in little more than its announced delay", async () => {
  const started = Date.now();
  assert.equal(await cluster.server().stop(30_000), 0, cluster.server().output().slice(-2000));
  assert.ok(Date.now() - started < 12_000, `${Date.now() - started} ms`);
});
