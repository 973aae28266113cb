/** Owner references over HTTPS: whoever knows the uid of another tenant's object owns, holds and lends nothing by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { eventually } from "../support/processes.ts";
import type { Reply } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile([]);
for (const name of ["ten-a", "ten-b"]) await createNamespace(admin, name);
const core = (namespace: string, ...rest: readonly string[]): string =>
  ["/api/v1/namespaces", namespace, ...rest].join("/");
const clusterRoles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
const sets = "/apis/apps/v1/namespaces/ten-a/statefulsets";
const hold = ["evil.example/stay"];

const referenceTo = ({ body }: Reply, more: JsonObject = {}): JsonObject => {
  const { apiVersion, kind } = body;
  const { name, uid } = Object(body.metadata);
  return { apiVersion: apiVersion ?? "", kind: kind ?? "", name, uid, ...more };
};

test("an owner is one by kind, name and namespace; what has none that is one goes", async () => {
  const owner = ok(await admin.post(core("ten-a", "configmaps"), { metadata: { name: "owner" } }), 201);
  const dependents: readonly (readonly [path: string, name: string, reference: JsonObject, stays: boolean])[] = [
    [core("ten-a", "configmaps"), "good", referenceTo(owner), true],
    [core("ten-a", "configmaps"), "another-kind", referenceTo(owner, { kind: "Secret" }), false],
    [core("ten-a", "configmaps"), "another-name", referenceTo(owner, { name: "nope" }), false],
    [core("ten-b", "configmaps"), "another-namespace", referenceTo(owner), false],
    [clusterRoles, "cluster-scoped", referenceTo(owner), true],
  ];
  for (const [path, name, reference] of dependents) {
    const content = path === clusterRoles ? { rules: [] } : {};
    ok(await admin.post(path, { metadata: { name, ownerReferences: [reference] }, ...content }), 201);
  }
  await eventually(async () => {
    for (const [path, name, , stays] of dependents)
      assert.equal((await admin.get(`${path}/${name}`)).status, stays ? 200 : 404, name);
  });
});

test("a Function goes in the foreground, whatever another namespace anchors to it", async () => {
  const functions = pathOf("ten-a", "functions");
  const victim = ok(await admin.post(functions, aFunction("victim")), 201);
  const anchor = {
    name: "anchor",
    finalizers: hold,
    ownerReferences: [referenceTo(victim, { blockOwnerDeletion: true })],
  };
  ok(await admin.post(core("ten-b", "configmaps"), { metadata: anchor }), 201);
  ok(await admin.delete(`${functions}/victim`, { propagationPolicy: "Foreground" }), 200);
  await eventually(async () => assertFailure(await admin.get(`${functions}/victim`), { code: 404 }));
});

test("a StatefulSet has its own pod, whatever another namespace lends it", async () => {
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const spec = { replicas: 0, serviceName: "x", selector: { matchLabels: { a: "b" } }, template };
  const set = ok(await admin.post(sets, { metadata: { name: "db" }, spec }), 201);
  const ownerReferences = [referenceTo(set, { controller: true })];
  const lent = { name: "db-0", labels: { a: "b" }, finalizers: hold, ownerReferences };
  const evil = { containers: [{ name: "c", image: "evil" }] };
  ok(await admin.post(core("ten-b", "pods"), { metadata: lent, spec: evil }), 201);
  // A patch, as the controller may write the set's status between a read and a write.
  ok(await admin.patch(`${sets}/db/scale`, "merge", { spec: { replicas: 1 } }));
  await eventually(async () => {
    assert.equal(ok(await admin.get(`${sets}/db`)).at("status", "readyReplicas"), 1);
    ok(await admin.get(core("ten-a", "pods", "db-0")));
  });
});
