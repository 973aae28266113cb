/**
 * The session a user has with kubectl, the same on a laptop and behind a kube-apiserver. A suite as a function: each
 * environment gives it a kubectl and says what differs.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/processes.ts";
import type { Kubectl } from "./support/kubectl.ts";
import { badFunction, connection, everyOtherKind, pipeline, wordcount } from "./support/manifests.ts";

export type Session = {
  readonly name: string;
  readonly kubectl: () => Kubectl;
  /** Whether pods become Ready: the laptop's simulator does that, a cluster without nodes cannot. */
  readonly podsRun: boolean;
};

/** Kubernetes' garbage collector looks for new kinds every 30 s, and does nothing about them before. */
const collectionMs = 60_000;
const kinds = "functions,sources,sinks,functionmeshes,backendconfigs";

export function kubectlSession({ name, kubectl, podsRun }: Session): void {
  const namespace = "session";
  const ok = (args: string, input?: string): Promise<string> =>
    kubectl().ok(["-n", namespace, ...args.split(" ")], input);
  const json = async (args: string): Promise<unknown> => JSON.parse(await ok(`${args} -o json`));
  const jsonPath = (args: string, path: string): Promise<string> =>
    kubectl().ok(["-n", namespace, ...args.split(" "), "-o", `jsonpath=${path}`]);

  // API K-07, KB-01, KB-35
  test(`${name}: api-resources lists the five kinds with short names`, async () => {
    const table = await kubectl().ok(["api-resources", "--api-group=compute.functionmesh.io"]);
    for (const [resource, short] of [
      ["functions", "fn"],
      ["functionmeshes", "fnmesh"],
      ["sources", "fnsource"],
      ["sinks", "fnsink"],
      ["backendconfigs", "fnbc"],
    ]) {
      assert.match(table, new RegExp(`^${resource}\\s+${short}\\s+compute\\.functionmesh\\.io/v1alpha1\\s+true`, "m"));
    }
  });

  test(`${name}: create a namespace and what a pipeline needs`, async () => {
    assert.match(await kubectl().ok(["create", "namespace", namespace]), /created/);
    assert.match(await ok("create configmap extra --from-literal=a=b"), /created/);
    assert.match(await ok("create secret generic token --from-literal=token=t"), /created/);
    assert.match(await ok("apply -f -", connection), /configmap\/pulsar created/);
  });

  // API KB-15, KB-42
  test(`${name}: apply a Function and see its StatefulSet and Service`, async () => {
    assert.match(await ok("apply -f -", wordcount), /function\.compute\.functionmesh\.io\/wordcount created/);
    assert.match(await ok("apply -f -", wordcount), /wordcount (unchanged|configured)/);
    const image = await eventually(() =>
      jsonPath("get sts wordcount-function", "{.spec.template.spec.containers[0].image}"),
    );
    assert.equal(image, "example.org/wordcount:1.0");
    assert.equal(await jsonPath("get svc wordcount-function-headless", "{.spec.clusterIP}"), "None");
    assert.equal(await jsonPath("get sts wordcount-function", "{.metadata.ownerReferences[0].kind}"), "Function");
    await eventually(async () => assert.equal(await jsonPath("get fn wordcount", "{.status.observedGeneration}"), "1"));
    if (podsRun)
      await eventually(async () => assert.match(await ok("get fn wordcount"), /wordcount\s+1\/1\s+Ready\s+java/));
  });

  // API KB-03, KB-04, KB-05, KB-12, KB-43
  test(`${name}: get prints columns that tell state, wide and as YAML`, async () => {
    assert.match(await ok("get fn"), /^NAME\s+READY\s+STATUS\s+RUNTIME\s+INPUT\s+OUTPUT\s+AGE/m);
    assert.match(await ok("get fn -o wide"), /CLASS\s+GUARANTEE\s+SCALING\s+IMAGE/);
    assert.match(await ok("get fn wordcount -o yaml"), /className: org\.example\.WordCount/);
    assert.match(await ok(`get ${kinds},sts,svc,pods -A`), /statefulset\.apps\/wordcount-function/);
    assert.match(await ok("describe fn wordcount"), /Kind:\s+Function/);
  });

  // API K-11, K-12, O-42, KB-13
  test(`${name}: explain is documentation, down to the last field`, async () => {
    assert.match(await kubectl().ok(["explain", "function.spec.pod", "--recursive"]), /terminationGracePeriodSeconds/);
    const sink = await kubectl().ok(["explain", "sink.spec.sinkConfig"]);
    assert.match(sink, /FIELD: sinkConfig <Object>/);
    assert.match(sink, /DESCRIPTION:\n\s+\S/);
  });

  // API KB-08, KB-20, KB-21, KB-22, KB-25
  test(`${name}: scale, patch, edit, label and annotate`, async () => {
    assert.match(await ok("scale fn wordcount --replicas=3"), /scaled/);
    await eventually(async () => assert.equal(await jsonPath("get sts wordcount-function", "{.spec.replicas}"), "3"));
    assert.match(
      await ok(`patch fn wordcount --type=merge -p {"spec":{"logTopic":"persistent://public/default/logs"}}`),
      /patched/,
    );
    assert.match(
      await ok(`patch fn wordcount --type=json -p [{"op":"replace","path":"/spec/replicas","value":2}]`),
      /patched/,
    );
    await eventually(async () => assert.equal(await jsonPath("get sts wordcount-function", "{.spec.replicas}"), "2"));
    assert.match(await ok("label fn wordcount team=a"), /labeled/);
    assert.match(await ok("annotate fn wordcount note=b"), /annotated/);
    assert.equal(await jsonPath("get fn -l team=a", "{.items[*].metadata.name}"), "wordcount");
    assert.match(await ok("edit fn wordcount"), /edited/);
    assert.equal(await jsonPath("get fn wordcount", "{.metadata.annotations.note}"), "edited");
  });

  // API KB-30, KB-41
  test(`${name}: a bad manifest is refused with every wrong field, and nothing is stored`, async () => {
    const refused = await kubectl().run(["-n", namespace, "apply", "-f", "-"], badFunction);
    assert.equal(refused.code, 1);
    for (const field of ["spec.replicas", "spec.processingGuarantee"])
      assert.ok(refused.stderr.includes(field), refused.stderr);
    const unknown = await kubectl().run(
      ["-n", namespace, "apply", "-f", "-"],
      wordcount.replace("className", "classname"),
    );
    assert.match(unknown.stderr, /unknown field "spec\.classname"/);
    assert.match(
      (await kubectl().run(["-n", namespace, "get", "fn", "bad"])).stderr,
      /functions\.compute\.functionmesh\.io "bad" not found/,
    );
  });

  test(`${name}: apply a FunctionMesh: members, their workloads, pruning`, async () => {
    await ok("apply -f -", everyOtherKind);
    await ok("apply -f -", pipeline);
    for (const workload of ["pipeline-lines-source", "pipeline-split-function", "pipeline-store-sink"]) {
      await eventually(() => ok(`get sts ${workload}`));
      await eventually(() => ok(`get svc ${workload}-headless`));
    }
    assert.equal(await jsonPath("get fn pipeline-split", "{.metadata.ownerReferences[0].kind}"), "FunctionMesh");
    if (podsRun) {
      await eventually(async () =>
        assert.equal(await jsonPath("get fnmesh pipeline", "{.status.condition.status}"), "True"),
      );
      await eventually(async () => assert.match(await ok("get pods"), /pipeline-split-function-0\s+1\/1\s+Running/));
    }
    await ok("apply -f -", pipeline.slice(0, pipeline.indexOf("  sinks:")));
    await eventually(async () => {
      assert.equal((await kubectl().run(["-n", namespace, "get", "sink", "pipeline-store"])).code, 1);
      assert.equal((await kubectl().run(["-n", namespace, "get", "sts", "pipeline-store-sink"])).code, 1);
    }, collectionMs);
  });

  // API KB-07
  test(`${name}: a watch sees what happens`, async () => {
    const watching = kubectl().run(["-n", namespace, "get", "fn", "-w", "-o", "name", "--request-timeout=8s"]);
    await eventually(async () => assert.ok(await json("get fn wordcount")));
    await ok("annotate fn wordcount seen=1 --overwrite");
    await ok("delete fn pipeline-split --wait=false");
    const { stdout } = await watching;
    assert.ok(stdout.split("\n").filter((line) => line.endsWith("/wordcount")).length >= 1, stdout);
  });

  // API KB-26, KB-28
  test(`${name}: deleting a Function takes its workloads along`, async () => {
    assert.match(await ok("delete fn wordcount --wait=false"), /deleted/);
    assert.equal(typeof (await ok("wait --for=delete fn/wordcount --timeout=30s")), "string");
    await eventually(async () => {
      for (const child of ["sts/wordcount-function", "svc/wordcount-function-headless"]) {
        assert.equal((await kubectl().run(["-n", namespace, "get", child])).code, 1, child);
      }
    }, collectionMs);
  });

  // API KC-10, KB-44
  test(`${name}: a namespace with our objects deletes`, async () => {
    await kubectl().ok(["delete", "namespace", namespace, "--timeout=60s"]);
    assert.equal((await kubectl().run(["get", "namespace", namespace])).code, 1);
  });
}
