import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta, OwnerReference } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import { isControlledBy, isOfPredecessor, type Owner, ownerOf, refersTo } from "./owners.ts";

const namespaced: ResourceType = {
  group: "apps",
  version: "v1",
  kind: "StatefulSet",
  resource: "statefulsets",
  namespaced: true,
};
const clusterScoped: ResourceType = { ...namespaced, group: "", kind: "Node", resource: "nodes", namespaced: false };
const set: Owner = { type: namespaced, namespace: "a", name: "db", uid: "1" };
const node: Owner = { type: clusterScoped, namespace: "", name: "n", uid: "2" };

const toSet: OwnerReference = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "1" };
const toNode: OwnerReference = { apiVersion: "v1", kind: "Node", name: "n", uid: "2" };

const cases: readonly [what: string, reference: OwnerReference, dependent: ObjectMeta, owner: Owner, holds: boolean][] =
  [
    ["the owner, in its namespace", toSet, { namespace: "a" }, set, true],
    ["another version of its group", { ...toSet, apiVersion: "apps/v1beta1" }, { namespace: "a" }, set, true],
    ["from another namespace", toSet, { namespace: "b" }, set, false],
    ["from a cluster-scoped object", toSet, {}, set, false],
    ["another uid", { ...toSet, uid: "9" }, { namespace: "a" }, set, false],
    ["another name", { ...toSet, name: "db2" }, { namespace: "a" }, set, false],
    ["another kind", { ...toSet, kind: "Deployment" }, { namespace: "a" }, set, false],
    ["another group", { ...toSet, apiVersion: "example.org/v1" }, { namespace: "a" }, set, false],
    ["the core group", { ...toSet, apiVersion: "v1" }, { namespace: "a" }, set, false],
    ["an owner that has no uid yet", { ...toSet, uid: "" }, { namespace: "a" }, { ...set, uid: "" }, false],
    ["a cluster-scoped owner, from a namespace", toNode, { namespace: "a" }, node, true],
    ["a cluster-scoped owner, from a cluster-scoped object", toNode, {}, node, true],
  ];
for (const [what, reference, metadata, owner, holds] of cases) {
  test(`a reference to ${what} is ${holds ? "one" : "none"}`, () => {
    assert.equal(refersTo(reference, { metadata }, owner), holds);
  });
}

test("an object is managed by the owner its controller reference names, not by any other", () => {
  const managed = { metadata: { namespace: "a", ownerReferences: [{ ...toSet, controller: true }] } };
  assert.equal(isControlledBy(managed, set), true);
  assert.equal(isControlledBy({ metadata: { namespace: "a", ownerReferences: [toSet] } }, set), false);
  assert.equal(isControlledBy({ metadata: { namespace: "a" } }, set), false);
});

test("an object as an owner", () => {
  assert.deepEqual(ownerOf(namespaced, { metadata: { namespace: "a", name: "db", uid: "1" } }), set);
});

const managedBy = { ...toSet, uid: "9", controller: true };
const predecessors: readonly [
  what: string,
  references: readonly OwnerReference[],
  namespace: string,
  holds: boolean,
][] = [
  ["of its name with another uid", [managedBy], "a", true],
  ["of its own", [{ ...managedBy, uid: "1" }], "a", false],
  ["of another name", [{ ...managedBy, name: "db2" }], "a", false],
  ["of another kind", [{ ...managedBy, kind: "Deployment" }], "a", false],
  ["of another namespace", [managedBy], "b", false],
  ["that doesn't manage it", [{ ...managedBy, controller: false }], "a", false],
  ["of nobody", [], "a", false],
];
for (const [what, references, namespace, holds] of predecessors) {
  test(`an object ${what} is ${holds ? "" : "not "}a predecessor's`, () => {
    const object = { metadata: { namespace, ownerReferences: [...references] } };
    assert.equal(isOfPredecessor(object, set), holds);
  });
}
