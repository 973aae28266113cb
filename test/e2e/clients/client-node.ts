/** What programs do with `@kubernetes/client-node`. It has no leader election: the steps of one are done on a Lease. */
import assert from "node:assert/strict";
import {
  ApiException,
  AppsV1Api,
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  V1MicroTime,
  Watch,
} from "@kubernetes/client-node";
import { eventually } from "../../support/processes.ts";
import { type FunctionObject, functionObject } from "./manifests.ts";
import type { Steps } from "./steps.ts";

const target = { group: "compute.functionmesh.io", version: "v1alpha1", plural: "functions" };

const refusedWith =
  (code: number, words = "") =>
  (error: unknown): boolean => {
    assert.ok(error instanceof ApiException, String(error));
    assert.equal(error.code, code);
    assert.ok(JSON.stringify(error.body).includes(words), JSON.stringify(error.body));
    return true;
  };

export function clientNodeSteps(kubeconfig: string, namespace: string): Steps {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const apps = config.makeApiClient(AppsV1Api);
  const leases = config.makeApiClient(CoordinationV1Api);
  const custom = config.makeApiClient(CustomObjectsApi);
  const objects = KubernetesObjectApi.makeApiClient(config);

  const inNamespace = { ...target, namespace };
  const functionNamed = (name: string, spec: object = {}) => functionObject({ name, namespace }, spec);
  const read = (name: string) => objects.read<FunctionObject>(functionNamed(name));
  const replicasOfSet = async (name: string): Promise<number | undefined> =>
    (await apps.readNamespacedStatefulSet({ name: `${name}-function`, namespace })).spec?.replicas;

  return {
    "create, and what is refused": async () => {
      await core.createNamespace({ body: { metadata: { name: namespace } } });
      const made = await objects.create(functionNamed("node"));
      assert.equal(made.metadata.generation, 1);
      await assert.rejects(objects.create(functionNamed("node")), refusedWith(409, "AlreadyExists"));
      await assert.rejects(objects.create(functionNamed("wrong", { replicas: -1 })), refusedWith(422, "spec.replicas"));
      await eventually(async () => assert.equal(await replicasOfSet("node"), 1));
    },
    "replace, and not what is stale": async () => {
      const stale = await read("node");
      const labels = { metadata: { name: "node", namespace, labels: { team: "a" } } };
      const { apiVersion, kind } = stale;
      await objects.patch(
        { apiVersion, kind, ...labels },
        undefined,
        undefined,
        undefined,
        undefined,
        PatchStrategy.MergePatch,
      );
      await assert.rejects(objects.replace(stale), refusedWith(409, "Conflict"));
      await eventually(async () => {
        const fresh = await read("node");
        await objects.replace({ ...fresh, spec: { ...fresh.spec, replicas: 2 } });
      });
      assert.deepEqual((await read("node")).metadata.labels, { team: "a" });
      await eventually(async () => assert.equal(await replicasOfSet("node"), 2));
    },
    "list in pages and by label": async () => {
      for (const name of ["page-a", "page-b"])
        await custom.createNamespacedCustomObject({ ...inNamespace, body: functionNamed(name, { replicas: 0 }) });
      const first = await custom.listNamespacedCustomObject({ ...inNamespace, limit: 2 });
      const second = await custom.listNamespacedCustomObject({ ...inNamespace, _continue: first.metadata.continue });
      const names = [...first.items, ...second.items].map((item: KubernetesObject) => item.metadata?.name);
      assert.deepEqual(names, ["node", "page-a", "page-b"]);
      const labelled = await custom.listNamespacedCustomObject({ ...inNamespace, labelSelector: "team=a" });
      assert.deepEqual(
        labelled.items.map((item: KubernetesObject) => item.metadata?.name),
        ["node"],
      );
    },
    "apply on the server: another's field is a conflict, and taken by force": async () => {
      const apply = (manager: string, body: KubernetesObject, force?: boolean) =>
        objects.patch(body, undefined, undefined, manager, force, PatchStrategy.ServerSideApply);
      const { apiVersion, kind, metadata } = functionNamed("applied");
      const replicas = { apiVersion, kind, metadata, spec: { replicas: 2 } };
      await apply("first", functionNamed("applied"));
      await assert.rejects(apply("second", replicas), refusedWith(409, "spec.replicas"));
      await apply("second", replicas, true);
      const { spec } = await read("applied");
      assert.deepEqual([spec.replicas, spec.className], [2, "org.example.WordCount"]);
    },
    "watch from a list on": async () => {
      const { metadata } = await custom.listNamespacedCustomObject(inNamespace);
      const seen: string[] = [];
      const path = `/apis/${target.group}/${target.version}/namespaces/${namespace}/functions`;
      const query = { resourceVersion: metadata.resourceVersion, fieldSelector: "metadata.name=watched" };
      const ended: unknown[] = [];
      const watching = await new Watch(config).watch(
        path,
        query,
        (phase) => seen.push(phase),
        (error) => ended.push(error),
      );
      try {
        await objects.create(functionNamed("watched", { replicas: 0 }));
        await objects.delete(functionNamed("watched"));
        await eventually(async () => assert.equal(seen.at(-1), "DELETED"));
        assert.equal(seen[0], "ADDED");
        assert.deepEqual(ended, []);
      } finally {
        watching.abort();
      }
    },
    "an informer's cache follows": async () => {
      const informer = makeInformer(config, `/apis/apps/v1/namespaces/${namespace}/statefulsets`, () =>
        apps.listNamespacedStatefulSet({ namespace }),
      );
      const added: (string | undefined)[] = [];
      informer.on("add", ({ metadata }) => void added.push(metadata?.name));
      await informer.start();
      try {
        assert.equal(informer.get("node-function", namespace)?.spec?.replicas, 2);
        await objects.create(functionNamed("informed"));
        await eventually(async () => assert.ok(added.includes("informed-function")));
        await objects.delete(functionNamed("informed"));
        await eventually(async () => assert.equal(informer.get("informed-function", namespace), undefined));
      } finally {
        await informer.stop();
      }
    },
    "a Lease has one holder: who renews after it was taken over is refused": async () => {
      const name = "node-leader";
      const spec = { holderIdentity: "first", leaseDurationSeconds: 3, renewTime: new V1MicroTime() };
      const held = await leases.createNamespacedLease({ namespace, body: { metadata: { name }, spec } });
      const taken = { ...held, spec: { ...held.spec, holderIdentity: "second", acquireTime: new V1MicroTime() } };
      await leases.replaceNamespacedLease({ name, namespace, body: taken });
      await assert.rejects(
        leases.replaceNamespacedLease({ name, namespace, body: held }),
        refusedWith(409, "Conflict"),
      );
      const { spec: now } = await leases.readNamespacedLease({ name, namespace });
      assert.equal(now?.holderIdentity, "second");
      // Read times of this type are strings, whatever the library's types say.
      assert.equal(JSON.stringify(now?.acquireTime), JSON.stringify(taken.spec.acquireTime));
    },
    "delete, with what was made for it": async () => {
      await custom.deleteCollectionNamespacedCustomObject(inNamespace);
      await eventually(async () => {
        assert.deepEqual((await custom.listNamespacedCustomObject(inNamespace)).items, []);
        assert.deepEqual((await apps.listNamespacedStatefulSet({ namespace })).items, []);
      });
      await core.deleteNamespace({ name: namespace });
      await eventually(() => assert.rejects(core.readNamespace({ name: namespace }), refusedWith(404)));
    },
  };
}
