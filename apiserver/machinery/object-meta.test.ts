import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta } from "../apis/meta/v1.ts";
import { subdomainProblems } from "./names.ts";
import { finalizerWarnings, validateObjectMeta, validateObjectMetaUpdate } from "./object-meta.ts";

const rules = { namespaced: true, validateName: subdomainProblems };
const aMeta = (changes: ObjectMeta): ObjectMeta => ({ name: "a", namespace: "ns", ...changes });
const owner = { apiVersion: "v1", kind: "C", name: "n", uid: "u" };
const owners = "metadata.ownerReferences";

const createCases: Record<string, { meta: ObjectMeta; errors: RegExp[] }> = {
  "a good one": { meta: aMeta({ labels: { "a/b": "c" }, finalizers: ["x/y"], ownerReferences: [owner] }), errors: [] },
  "no name": {
    meta: { namespace: "ns" },
    errors: [/^metadata\.name: Required value: name or generateName is required$/],
  },
  "a bad name": {
    meta: aMeta({ name: "Bad_" }),
    errors: [/^metadata\.name: Invalid value: "Bad_": a lowercase RFC 1123 subdomain/],
  },
  "a bad base": {
    meta: aMeta({ generateName: "Bad_", name: "Bad_x" }),
    errors: [/^metadata\.generateName: Invalid value: "Bad_": a lowercase/, /^metadata\.name: Invalid value: "Bad_x"/],
  },
  "a base with a dash": { meta: aMeta({ generateName: "good-", name: "good-x" }), errors: [] },
  "no namespace": { meta: { name: "a" }, errors: [/^metadata\.namespace: Required value$/] },
  "a bad namespace": {
    meta: aMeta({ namespace: "a.b" }),
    errors: [/^metadata\.namespace: Invalid value: "a\.b": must not contain dots$/],
  },
  "bad labels": {
    meta: aMeta({ labels: { "a b": "v v" } }),
    errors: [
      /^metadata\.labels: Invalid value: "a b": name part/,
      /^metadata\.labels: Invalid value: "v v": a valid label/,
    ],
  },
  "annotation keys in any case": { meta: aMeta({ annotations: { "Example.COM/X": "any value" } }), errors: [] },
  "bad annotations": {
    meta: aMeta({ annotations: { "c d": "" } }),
    errors: [/^metadata\.annotations: Invalid value: "c d"/],
  },
  "too many annotations": {
    meta: aMeta({ annotations: { a: "x".repeat(262144) } }),
    errors: [/^metadata\.annotations: Too long: may not be more than 262144 bytes$/],
  },
  "empty owners": {
    meta: aMeta({ ownerReferences: [owner, { apiVersion: "", kind: "", name: "", uid: "" }] }),
    errors: ["apiVersion", "kind", "name", "uid"].map(
      (m) => new RegExp(`^${owners}\\[1\\]\\.${m}: Required value: must not be empty$`),
    ),
  },
  "an Event as owner": {
    meta: aMeta({ ownerReferences: [{ ...owner, kind: "Event" }] }),
    errors: [
      /^metadata\.ownerReferences\[0\]: Invalid value: \{.*\}: \/v1, Kind=Event is disallowed from being an owner$/,
    ],
  },
  "a bad version of an owner": {
    meta: aMeta({ ownerReferences: [{ ...owner, apiVersion: "a/b/c" }] }),
    errors: [
      /^metadata\.ownerReferences\[0\]\.apiVersion: Invalid value: "a\/b\/c": must be <group>\/<version> or <version>$/,
    ],
  },
  "two controllers": {
    meta: aMeta({
      ownerReferences: [
        { ...owner, controller: true },
        { ...owner, name: "b", controller: true },
      ],
    }),
    errors: [
      /^metadata\.ownerReferences: Invalid value: \[.*\]: Only one reference .* in references for C\/n and C\/b$/,
    ],
  },
  "bad finalizers": {
    meta: aMeta({ finalizers: ["", "orphan", "foregroundDeletion"] }),
    errors: [
      /^metadata\.finalizers: Invalid value: "": name part must be non-empty$/,
      /^metadata\.finalizers: Invalid value: "": name part must consist/,
      /^metadata\.finalizers: Invalid value: \["","orphan","foregroundDeletion"\]: finalizer orphan and foregroundDeletion cannot be both set$/,
    ],
  },
  "managers that could not have written": {
    meta: aMeta({ managedFields: [{ manager: "x".repeat(129) }, { manager: "x".repeat(128) }, { manager: "a\n" }] }),
    errors: [
      /^metadata\.managedFields\[0\]\.manager: Too long: may not be more than 128 bytes$/,
      /^metadata\.managedFields\[2\]\.manager: Invalid value: "a\\n": invalid character U\+000A \(at position 1\)$/,
    ],
  },
  "a long subresource": {
    meta: aMeta({ managedFields: [{ subresource: "x".repeat(257) }] }),
    errors: [/^metadata\.managedFields\[0\]\.subresource: Too long: may not be more than 256 bytes$/],
  },
};

function assertErrors(actual: readonly { field: string; body: string }[], expected: readonly RegExp[]): void {
  const texts = actual.map(({ field, body }) => `${field}: ${body}`);
  assert.equal(texts.length, expected.length, texts.join("\n"));
  for (const [index, pattern] of expected.entries()) assert.match(texts[index] ?? "", pattern);
}

for (const [name, { meta, errors }] of Object.entries(createCases)) {
  // API M-01, M-02, M-03, M-15, M-17, M-18, M-20, M-21, M-23, E-17
  test(`metadata on create: ${name}`, () => assertErrors(validateObjectMeta(meta, rules), errors));
}

// API M-02
test("metadata on create: no namespace on a cluster-scoped kind", () => {
  assertErrors(validateObjectMeta(aMeta({}), { ...rules, namespaced: false }), [
    /^metadata\.namespace: Forbidden: not allowed on this type$/,
  ]);
});

const old: ObjectMeta = aMeta({ uid: "u", resourceVersion: "5", generation: 2, finalizers: ["x/y"] });
const terminating: ObjectMeta = { ...old, deletionTimestamp: "2026-01-01T00:00:00Z" };
const updateCases: Record<string, { meta: ObjectMeta; old: ObjectMeta; errors: RegExp[] }> = {
  "nothing changed": { meta: old, old, errors: [] },
  "a new finalizer": { meta: { ...old, finalizers: ["x/y", "z/z"] }, old, errors: [] },
  "new finalizers while terminating": {
    meta: { ...terminating, finalizers: ["x/y", "z/z", "a/a"] },
    old: terminating,
    errors: [
      /^metadata\.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"a\/a", "z\/z"\}$/,
    ],
  },
  "removed finalizers while terminating": { meta: { ...terminating, finalizers: [] }, old: terminating, errors: [] },
  "no resourceVersion": {
    meta: { ...old, resourceVersion: "" },
    old,
    errors: [/^metadata\.resourceVersion: Invalid value: "": must be specified for an update$/],
  },
  "identity changed": {
    meta: { ...old, name: "b", uid: "v", deletionGracePeriodSeconds: 5 },
    old,
    errors: [
      /^metadata\.name: Invalid value: "b": field is immutable$/,
      /^metadata\.uid: Invalid value: "v"/,
      /^metadata\.deletionGracePeriodSeconds: Invalid value: 5: field is immutable$/,
    ],
  },
  "an older generation": {
    meta: { ...old, generation: 1 },
    old,
    errors: [/^metadata\.generation: Invalid value: 1: must not be decremented$/],
  },
  "bad labels": {
    meta: { ...old, labels: { "": "x" } },
    old,
    errors: [/name part must be non-empty/, /name part must consist/],
  },
};
for (const [name, { meta, old: before, errors }] of Object.entries(updateCases)) {
  // API M-14, M-22
  test(`metadata on update: ${name}`, () => assertErrors(validateObjectMetaUpdate(meta, before), errors));
}

test("warnings for finalizers without a path", () => {
  const tail = "to avoid accidental conflicts with other finalizer writers";
  assert.deepEqual(finalizerWarnings({ finalizers: ["plain", "a.b", "x/y", "kubernetes", "orphan"] }), [
    `metadata.finalizers: "plain": prefer a domain-qualified finalizer name ${tail}`,
    `metadata.finalizers: "a.b": prefer a domain-qualified finalizer name including a path (/) ${tail}`,
  ]);
});
