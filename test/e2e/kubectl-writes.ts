/**
 * The ways in which people and pipelines write with kubectl, against kinds of ours and core kinds together: client-side and
 * server-side apply and from one to the other, pruning, edits of several objects, and many applies beside those who write too.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { type Client, valueAt } from "../http/support/client.ts";
import { eventually } from "../support/processes.ts";
import type { Kubectl } from "./support/kubectl.ts";
import { connection, wordcount } from "./support/manifests.ts";

export type Writes = {
  readonly name: string;
  readonly kubectl: () => Kubectl;
  /** Of the same administrator. */
  readonly client: () => Client;
  readonly namespace: string;
};

/** How often one object is applied, in each mode; what 500 of each showed is in `kubectl-writes-results.json`. */
const applies = Number(process.env.FUNCTIONMESH_APPLIES ?? 25);
/** After so many applies the autoscaler writes. */
const appliesPerScale = 5;

/** Without replicas, which are the autoscaler's. */
const scaled = wordcount.replace("  replicas: 1\n", "").replace("name: wordcount", "name: scaled");

const named = (name: string, labels = "app: set"): string =>
  wordcount.replace("name: wordcount", `name: ${name}\n  labels: {${labels}}\n  annotations: {note: plain}`);
const configMap = (name: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, labels: {app: set}, annotations: {note: plain}}\ndata: {a: "1"}\n`;
const manifests = (...documents: readonly string[]): string => documents.join("---\n");

type Entry = {
  readonly manager: string;
  readonly operation: string;
  readonly subresource: string;
  readonly fields: JsonObject;
};

/** In the order of their managers: a server lists them by time. */
function managedFields(object: JsonObject): readonly Entry[] {
  return listOf(objectOf(object, "metadata"), "managedFields")
    .filter(isObject)
    .map((entry) => ({
      manager: textOf(entry, "manager"),
      operation: textOf(entry, "operation"),
      subresource: textOf(entry, "subresource"),
      fields: objectOf(entry, "fieldsV1") ?? {},
    }))
    .toSorted((a, b) => `${a.manager} ${a.subresource}`.localeCompare(`${b.manager} ${b.subresource}`));
}

/** What nobody but who writes the object's own part changes. */
function withoutStatus(object: JsonObject): JsonObject {
  const { status: _status, ...rest } = object;
  const { resourceVersion: _resourceVersion, ...metadata } = objectOf(object, "metadata") ?? {};
  const entries = listOf(metadata, "managedFields").filter(
    (entry) => isObject(entry) && entry.subresource !== "status",
  );
  return { ...rest, metadata: { ...metadata, managedFields: entries } };
}

export function kubectlWrites({ name, kubectl, client, namespace }: Writes): void {
  const run = (args: string, input?: string) => kubectl().run(["-n", namespace, ...args.split(" ")], input);
  const ok = (args: string, input?: string): Promise<string> =>
    kubectl().ok(["-n", namespace, ...args.split(" ")], input);
  const jsonPath = (args: string, path: string): Promise<string> => ok(`${args} -o jsonpath=${path}`);
  const pathOf = (fn: string): string =>
    `/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/functions/${fn}`;
  const read = async (fn: string): Promise<JsonObject> => (await client().get(pathOf(fn))).body;
  const isGone = async (object: string): Promise<void> => assert.equal((await run(`get ${object}`)).code, 1, object);

  // API KB-15, KB-16, KB-18, M-24, S-26
  test(`${name}: from client-side to server-side apply and back`, async () => {
    await kubectl().ok(["create", "namespace", namespace]);
    await ok("apply -f -", connection);
    const [first, second, third] = ["1.0", "2.0", "3.0"].map((version) =>
      manifests(named("switched").replace("wordcount:1.0", `wordcount:${version}`), configMap("switched")),
    );
    assert.match(await ok("apply -f -", first), /function\S+ created\nconfigmap\/switched created/);
    assert.match(await ok("apply -f -", first), /function\S+ unchanged\nconfigmap\/switched unchanged/);
    const managers = async (): Promise<readonly string[]> =>
      managedFields(await read("switched"))
        .filter(({ subresource }) => subresource === "")
        .map(({ manager, operation }) => `${manager} ${operation}`)
        .toSorted();
    assert.deepEqual(await managers(), ["kubectl-client-side-apply Update"]);

    const difference = await run("diff -f -", second);
    assert.equal(difference.code, 1, difference.stderr);
    assert.match(difference.stdout, /^-.*wordcount:1\.0$[\s\S]*^\+.*wordcount:2\.0$/m);
    assert.equal((await run("diff -f -", first)).code, 0);

    assert.match(await ok("apply --server-side -f -", second), /function\S+ serverside-applied/);
    assert.deepEqual(
      await managers(),
      ["kubectl Apply", "kubectl-last-applied Apply"],
      "taken over, but for the annotation",
    );
    assert.equal((await run("diff --server-side -f -", second)).code, 0);
    const without = manifests(
      named("switched").replace("  image: example.org/wordcount:1.0\n", ""),
      configMap("switched"),
    );
    await ok("apply --server-side -f -", without);
    assert.equal(await jsonPath("get fn switched", "{.spec.image}"), "", "a field that is given up goes");

    assert.match(await ok("apply -f -", third), /function\S+ configured/);
    assert.equal(await jsonPath("get fn switched", "{.spec.image}"), "example.org/wordcount:3.0");
    const conflict = await run("apply --server-side --field-manager=other -f -", first);
    assert.equal(conflict.code, 1);
    assert.match(conflict.stderr, /conflict.* with "kubectl-client-side-apply"[\s\S]*\.spec\.image/);
    await ok("apply --server-side --field-manager=other --force-conflicts -f -", first);
    assert.equal(await jsonPath("get fn switched", "{.spec.image}"), "example.org/wordcount:1.0");
    assert.match(await ok("get fn switched -o yaml --show-managed-fields"), /manager: other\n\s+operation: Apply/);
    assert.doesNotMatch(await ok("get fn switched -o yaml"), /managedFields/);
  });

  // API KB-19
  test(`${name}: pruning by a list of kinds takes what the manifests no longer have`, async () => {
    const prune = "apply --prune -l app=set";
    const kinds = "--prune-allowlist=compute.functionmesh.io/v1alpha1/Function --prune-allowlist=core/v1/ConfigMap";
    await ok(
      `${prune} ${kinds} -f -`,
      manifests(named("kept"), named("dropped"), configMap("kept"), configMap("dropped")),
    );
    await ok("apply -f -", named("foreign", "app: other"));
    await ok("create configmap own --from-literal=a=b");
    await ok("label configmap own app=set");
    const pruned = await ok(`${prune} ${kinds} -f -`, manifests(named("kept"), configMap("kept")));
    assert.match(pruned, /function\S+\/dropped pruned/);
    assert.match(pruned, /configmap\/dropped pruned/);
    for (const object of ["fn/dropped", "configmap/dropped"]) await eventually(() => isGone(object));
    // Objects that were never applied are nobody's to prune.
    for (const object of ["fn/kept", "fn/foreign", "configmap/kept", "configmap/own"]) await ok(`get ${object}`);
  });

  // API KB-19
  for (const [parent, mode] of [
    ["configmap/members", "apply --server-side"],
    ["secret/members", "apply"],
  ] as const) {
    test(`${name}: an ApplySet of ${parent} knows its members: ${mode}`, async () => {
      const apply = `${mode} --prune --applyset=${parent} -f -`;
      const [one, two] = [named("one", ""), named("two", "")];
      await ok(apply, manifests(one, two, configMap("three")));
      const annotation = "{.metadata.annotations.applyset\\.kubernetes\\.io/contains-group-kinds}";
      assert.equal(await jsonPath(`get ${parent}`, annotation), "ConfigMap,Function.compute.functionmesh.io");
      const id = await jsonPath(`get ${parent}`, "{.metadata.labels.applyset\\.kubernetes\\.io/id}");
      assert.equal(
        await jsonPath(`get fn -l applyset.kubernetes.io/part-of=${id}`, "{.items[*].metadata.name}"),
        "one two",
      );
      assert.match(await ok(apply, one), /function\S+\/two pruned/);
      for (const object of ["fn/two", "configmap/three"]) await eventually(() => isGone(object));
      assert.equal(await jsonPath(`get ${parent}`, annotation), "Function.compute.functionmesh.io");
      await ok(`delete fn/one ${parent}`);
    });
  }

  // API KB-20
  test(`${name}: one edit of several objects of two kinds`, async () => {
    const edited = await ok("edit fn/kept fn/foreign configmap/kept");
    for (const object of ["function\\S+/kept", "function\\S+/foreign", "configmap/kept"])
      assert.match(edited, new RegExp(`${object} edited`));
    const notes = await jsonPath("get fn/kept fn/foreign configmap/kept", "{.items[*].metadata.annotations.note}");
    assert.equal(notes, "edited edited edited");
    assert.match((await run("edit fn/kept")).stderr, /no changes made/);
  });

  // API KB-24, KB-28
  test(`${name}: wait for what is made, is ready and goes, and roll out what it runs in`, async () => {
    const made = ok("wait --for=create fn/awaited --timeout=50s");
    await ok("apply -f -", named("awaited"));
    assert.match(await made, /awaited condition met/);
    assert.match(await ok("wait --for=jsonpath={.status.readyReplicas}=1 fn/awaited --timeout=50s"), /condition met/);
    assert.match(await ok("rollout status sts/awaited-function --timeout=50s"), /1 pods at revision|complete/);
    await ok("rollout restart sts/awaited-function");
    assert.match(await ok("rollout status sts/awaited-function --timeout=50s"), /1 pods at revision|complete/);
    const goes = ok("wait --for=delete fn/awaited --timeout=50s");
    await ok("delete fn awaited --wait=false");
    await goes;
    await isGone("fn/awaited");
  });

  for (const mode of ["apply", "apply --server-side"]) {
    test(`${name}: ${applies} times ${mode} beside an autoscaler and a controller drifts nothing and grows nothing`, {
      timeout: 60_000 + applies * 10_000,
    }, async (t) => {
      await ok("delete fn scaled --ignore-not-found");
      await ok(`${mode} -f -`, scaled);
      /** As an autoscaler does, which reads nothing of the object but its scale; until the controller has followed. */
      const scaleTo = async (replicas: number): Promise<void> => {
        const reply = await client().patch(`${pathOf("scaled")}/scale?fieldManager=autoscaler`, "merge", {
          spec: { replicas },
        });
        assert.equal(reply.status, 200, reply.text);
        await eventually(async () => {
          const { status, metadata } = await read("scaled");
          assert.equal(valueAt(status, "readyReplicas"), replicas);
          assert.equal(valueAt(status, "observedGeneration"), valueAt(metadata, "generation"));
        });
      };
      const shape = async () => {
        const object = await read("scaled");
        const { metadata, ...rest } = withoutStatus(object);
        // The generation counts the autoscaler's writes: its digits are not growth.
        const own = { ...rest, metadata: { ...(isObject(metadata) ? metadata : {}), generation: 0 } };
        return { entries: managedFields(object), bytes: JSON.stringify(own).length };
      };
      // Both numbers of digits and of entries are as they will be from here on.
      await scaleTo(2);
      const before = await shape();
      let unwritten = 0;
      for (let count = 1; count <= applies; count++) {
        const stored = await read("scaled");
        const said = await ok(`${mode} -f -`, scaled);
        assert.match(said, mode === "apply" ? /unchanged/ : /serverside-applied/);
        const now = await read("scaled");
        assert.deepEqual(withoutStatus(now), withoutStatus(stored), `after apply ${count}`);
        if (valueAt(now, "metadata", "resourceVersion") === valueAt(stored, "metadata", "resourceVersion")) unwritten++;
        else assert.notDeepEqual(now.status, stored.status, "only the controller wrote in between");
        if (count % appliesPerScale === 0) await scaleTo(1 + ((count / appliesPerScale) % 3));
      }
      const after = await shape();
      t.diagnostic(
        `${unwritten} of ${applies} applies left the resourceVersion; ${after.bytes} bytes, ${after.entries.length} managers`,
      );
      assert.deepEqual(after, before);
      assert.equal(
        await jsonPath("get sts scaled-function", "{.spec.replicas}"),
        await jsonPath("get fn scaled", "{.spec.replicas}"),
      );
    });
  }
}
