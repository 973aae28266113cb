import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import type { KubeObject } from "../apis/meta/v1.ts";
import type { UserInfo } from "../authentication/user.ts";
import { isNotFound } from "../errors/status-error.ts";
import { resourceAttributes } from "./attributes.ts";
import type { Attributes } from "./authorizer.ts";
import { uncovered } from "./covering.ts";
import { RbacAuthorizer } from "./rbac.ts";
import { RbacPolicy } from "./rbac-policy.ts";
import { type PolicyRule, ruleMatches, rulesFromJson, ruleToJson } from "./rules.ts";

const group = "compute.functionmesh.io";
const jane: UserInfo = { name: "jane", groups: ["devs", "system:authenticated"] };

function aRule(rule: Partial<PolicyRule> = {}): PolicyRule {
  const functions = { verbs: ["get"], apiGroups: [group], resources: ["functions"] };
  return { ...functions, resourceNames: [], nonResourceURLs: [], ...rule };
}
type Asked = {
  verb?: string;
  resource?: string;
  subresource?: string;
  group?: string;
  name?: string;
  namespace?: string;
};
const ask = (asked: Asked = {}, user = jane): Attributes =>
  resourceAttributes({ user, verb: "get", resource: "functions", group, namespace: "demo", ...asked });
const askPath = (path: string, verb = "get"): Attributes => ({ user: jane, resourceRequest: false, verb, path });

const pathRule = (...nonResourceURLs: string[]): PolicyRule => aRule({ apiGroups: [], resources: [], nonResourceURLs });

const matches: Record<string, { rule: PolicyRule; yes: readonly Attributes[]; no: readonly Attributes[] }> = {
  exactly: {
    rule: aRule(),
    yes: [ask()],
    no: [
      ask({ verb: "list" }),
      ask({ resource: "sinks" }),
      ask({ group: "" }),
      ask({ subresource: "status" }),
      askPath("/x"),
    ],
  },
  wildcards: {
    rule: aRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }),
    yes: [ask({ verb: "escalate" }), ask({ subresource: "status" }), ask({ group: "apps", resource: "x" })],
    no: [askPath("/metrics")],
  },
  "one subresource": {
    rule: aRule({ resources: ["functions/status"] }),
    yes: [ask({ subresource: "status" })],
    no: [ask(), ask({ subresource: "scale" })],
  },
  "a subresource of every resource": {
    rule: aRule({ resources: ["*/scale"] }),
    yes: [ask({ subresource: "scale" }), ask({ resource: "sinks", subresource: "scale" })],
    no: [ask(), ask({ subresource: "status" })],
  },
  "every subresource of one resource is not a thing": {
    rule: aRule({ resources: ["functions/*"] }),
    yes: [],
    no: [ask(), ask({ subresource: "status" }), ask({ subresource: "scale" })],
  },
  names: {
    rule: aRule({ resourceNames: ["a"] }),
    yes: [ask({ name: "a" })],
    no: [ask({ name: "b" }), ask()],
  },
  paths: {
    rule: pathRule("/metrics", "/openapi/*"),
    yes: [askPath("/metrics"), askPath("/openapi/v3")],
    no: [askPath("/metrics/slis"), askPath("/openapi"), askPath("/metrics", "delete"), ask()],
  },
  "every path": { rule: pathRule("*"), yes: [askPath("/anything")], no: [ask()] },
};
for (const [name, { rule, yes, no }] of Object.entries(matches)) {
  test(`rule: ${name}`, () => {
    for (const attributes of yes) assert.equal(ruleMatches(rule, attributes), true, JSON.stringify(attributes));
    for (const attributes of no) assert.equal(ruleMatches(rule, attributes), false, JSON.stringify(attributes));
  });
}

const all = aRule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] });
const covering: Record<string, { held: PolicyRule[]; wanted: PolicyRule[]; missing: number }> = {
  "the same": { held: [aRule()], wanted: [aRule()], missing: 0 },
  "put together from several": {
    held: [aRule({ verbs: ["get"] }), aRule({ verbs: ["list"], resources: ["*"] })],
    wanted: [aRule({ verbs: ["get", "list"] })],
    missing: 0,
  },
  "one verb too many": { held: [aRule()], wanted: [aRule({ verbs: ["get", "delete"] })], missing: 1 },
  "a wildcard is more than any list": {
    held: [aRule({ verbs: ["get", "list"] })],
    wanted: [aRule({ verbs: ["*"] })],
    missing: 1,
  },
  everything: { held: [all], wanted: [aRule({ resources: ["functions/status"], resourceNames: ["a"] })], missing: 0 },
  "a name out of all": { held: [aRule()], wanted: [aRule({ resourceNames: ["a"] })], missing: 0 },
  "all out of a name": { held: [aRule({ resourceNames: ["a"] })], wanted: [aRule()], missing: 1 },
  "a subresource of everything": {
    held: [aRule({ resources: ["*/status"] })],
    wanted: [aRule({ resources: ["functions/status", "functions"] })],
    missing: 1,
  },
  "a path below a prefix": { held: [pathRule("/a/*")], wanted: [pathRule("/a/b", "/a/b*")], missing: 0 },
  "a prefix above a path": { held: [pathRule("/a/b")], wanted: [pathRule("/a/*")], missing: 1 },
  "paths are no resources": { held: [all], wanted: [pathRule("/a")], missing: 1 },
};
for (const [name, { held, wanted, missing }] of Object.entries(covering)) {
  test(`covers: ${name}`, () => assert.equal(uncovered(held, wanted).count, missing));
}

const values = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const product = aRule({ verbs: values("v", 300), apiGroups: values("g", 300), resources: values("r", 300) });
/** Held rules that tell every value of `product` from every other. */
const each = values("v", 300).map((verb, i) => aRule({ verbs: [verb], apiGroups: [`g${i}`], resources: [`r${i}`] }));
const large: Record<string, { held: PolicyRule[]; wanted: PolicyRule[]; count?: number; tooComplex: boolean }> = {
  "27 million rights, none of them held": { held: [aRule()], wanted: [product], count: 27_000_000, tooComplex: false },
  "all of them held": { held: [all], wanted: [product], count: 0, tooComplex: false },
  "all but one verb held": {
    held: [{ ...product, verbs: values("v", 299) }],
    wanted: [product],
    count: 90_000,
    tooComplex: false,
  },
  "more ways to hold them than anybody waits for": { held: each, wanted: [product], tooComplex: true },
  "many small rules": { held: each, wanted: Array(100).fill(each).flat(), count: 0, tooComplex: false },
  "many held by a wildcard": {
    held: Array(5000).fill(aRule({ verbs: ["*"] })),
    wanted: [product],
    tooComplex: true,
  },
  "many paths": {
    held: [pathRule(...values("/p", 5000))],
    wanted: [pathRule(...values("/q", 5000))],
    tooComplex: true,
  },
};
for (const [name, { held, wanted, count, tooComplex }] of Object.entries(large)) {
  test(`covers, or says at once that it is too much: ${name}`, () => {
    const elapsedMs = cpuClock();
    const found = uncovered(held, wanted);
    assert.ok(elapsedMs() < 1000);
    assert.equal(found.tooComplex, tooComplex);
    if (count !== undefined) assert.equal(found.count, count);
    assert.ok(found.first.length <= 100);
  });
}

test("rules survive the wire, and what cannot be read grants nothing", () => {
  const wire = { verbs: ["get"], apiGroups: [group], resources: ["functions"], resourceNames: ["x"] };
  assert.deepEqual(rulesFromJson([wire]).map(ruleToJson), [wire]);
  assert.deepEqual(rulesFromJson("x"), []);
  assert.deepEqual(rulesFromJson([null, { verbs: "get" }]).map(ruleToJson), [{ verbs: [] }]);
});

type Kind = "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding";
const object = (
  kind: Kind,
  metadata: KubeObject["metadata"],
  content: Omit<KubeObject, "apiVersion" | "kind" | "metadata">,
) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind,
  metadata,
  ...content,
});
const rules = (...given: PolicyRule[]) => ({ rules: given.map(ruleToJson) });
const binds = (
  kind: "Role" | "ClusterRole",
  name: string,
  ...subjects: { kind: string; name: string; namespace?: string }[]
) => ({
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name },
  subjects,
});
const user = { kind: "User", name: "jane" };

function setup(objects: readonly ReturnType<typeof object>[]) {
  const policy = new RbacPolicy();
  for (const each of objects) policy.sinks[each.kind].upsert(each);
  const authorizer = new RbacAuthorizer(policy);
  const isAllowed = async (attributes: Attributes) => (await authorizer.authorize(attributes)).decision === "allow";
  return { policy, authorizer, isAllowed };
}

test("a Role counts in its namespace, a ClusterRole where it is bound", async () => {
  const reader = object("ClusterRole", { name: "reader" }, rules(aRule({ verbs: ["list"] })));
  const { isAllowed } = setup([
    object("Role", { name: "getter", namespace: "demo" }, rules(aRule())),
    object("RoleBinding", { name: "a", namespace: "demo" }, binds("Role", "getter", user)),
    reader,
    object(
      "RoleBinding",
      { name: "b", namespace: "demo" },
      binds("ClusterRole", "reader", { kind: "Group", name: "devs" }),
    ),
  ]);
  assert.equal(await isAllowed(ask()), true);
  assert.equal(await isAllowed(ask({ verb: "list" })), true);
  assert.equal(await isAllowed(ask({ namespace: "other" })), false);
  assert.equal(await isAllowed(ask({ verb: "list", namespace: "" })), false);
  assert.equal(await isAllowed(ask({}, { name: "bob", groups: [] })), false);
  const everywhere = setup([reader, object("ClusterRoleBinding", { name: "c" }, binds("ClusterRole", "reader", user))]);
  for (const namespace of ["", "demo", "other"])
    assert.equal(await everywhere.isAllowed(ask({ verb: "list", namespace })), true);
});

test("service accounts are subjects by namespace and name", async () => {
  const { isAllowed } = setup([
    object("Role", { name: "getter", namespace: "demo" }, rules(aRule())),
    object(
      "RoleBinding",
      { name: "a", namespace: "demo" },
      binds(
        "Role",
        "getter",
        { kind: "ServiceAccount", name: "ci", namespace: "tools" },
        { kind: "ServiceAccount", name: "own" },
      ),
    ),
  ]);
  const as = (name: string) => isAllowed(ask({}, { name, groups: [] }));
  assert.equal(await as("system:serviceaccount:tools:ci"), true);
  assert.equal(await as("system:serviceaccount:demo:own"), true);
  assert.equal(await as("system:serviceaccount:demo:ci"), false);
});

test("changes count at once: bindings, subjects, rules", async () => {
  const role = (verb: string) => object("Role", { name: "r", namespace: "demo" }, rules(aRule({ verbs: [verb] })));
  const binding = (...subjects: { kind: string; name: string }[]) =>
    object("RoleBinding", { name: "b", namespace: "demo" }, binds("Role", "r", ...subjects));
  const { policy, isAllowed } = setup([role("get"), binding(user)]);
  assert.equal(await isAllowed(ask()), true);
  policy.sinks.Role.upsert(role("list"));
  assert.equal(await isAllowed(ask()), false);
  policy.sinks.Role.upsert(role("get"));
  policy.sinks.RoleBinding.upsert(binding({ kind: "User", name: "bob" }));
  assert.equal(await isAllowed(ask()), false);
  policy.sinks.RoleBinding.upsert(binding(user));
  assert.equal(await isAllowed(ask()), true);
  policy.sinks.RoleBinding.remove(binding(user));
  assert.equal(await isAllowed(ask()), false);
  policy.sinks.RoleBinding.upsert(binding(user));
  assert.equal(await isAllowed(ask()), true);
});

test("aggregated roles follow their members, through other aggregated roles and around cycles", async () => {
  const aggregating = (name: string, label: string, labels: Record<string, string> = {}) =>
    object(
      "ClusterRole",
      { name, labels },
      {
        ...rules(),
        aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [label]: "true" } }] },
      },
    );
  const { policy, isAllowed } = setup([
    aggregating("admin", "to-admin", { "to-view": "true" }),
    aggregating("view", "to-view", { "to-admin": "true" }),
    object("ClusterRoleBinding", { name: "b" }, binds("ClusterRole", "admin", user)),
  ]);
  assert.equal(await isAllowed(ask()), false);
  const member = object("ClusterRole", { name: "m", labels: { "to-view": "true" } }, rules(aRule()));
  policy.sinks.ClusterRole.upsert(member);
  assert.equal(await isAllowed(ask()), true);
  policy.sinks.ClusterRole.remove(member);
  assert.equal(await isAllowed(ask()), false);
});

test("a binding to nothing grants nothing and says so", async () => {
  const { authorizer } = setup([
    object("RoleBinding", { name: "a", namespace: "demo" }, binds("Role", "gone", user)),
    object("ClusterRoleBinding", { name: "b" }, binds("ClusterRole", "gone", user)),
  ]);
  assert.deepEqual(await authorizer.authorize(ask()), {
    decision: "noOpinion",
    reason:
      'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "gone" not found',
  });
  assert.equal(authorizer.rulesFor(jane, "demo").errors.length, 2);
  assert.throws(() => authorizer.roleRules({ kind: "Role", name: "gone" }, "demo"), isNotFound);
});

test("reasons name the binding, the role and the subject", async () => {
  const { authorizer } = setup([
    object("Role", { name: "getter", namespace: "demo" }, rules(aRule())),
    object("RoleBinding", { name: "a", namespace: "demo" }, binds("Role", "getter", { kind: "Group", name: "devs" })),
  ]);
  assert.deepEqual(await authorizer.authorize(ask()), {
    decision: "allow",
    reason: 'RBAC: allowed by RoleBinding "a/demo" of Role "getter" to Group "devs"',
  });
  assert.deepEqual(authorizer.rulesFor(jane, "demo").rules, [aRule()]);
});

test("malformed objects take nothing from others", async () => {
  const { isAllowed } = setup([
    object(
      "ClusterRole",
      { name: "odd" },
      { rules: "x", aggregationRule: { clusterRoleSelectors: [{ matchExpressions: "x" }] } },
    ),
    object("RoleBinding", { name: "odd", namespace: "demo" }, { roleRef: null, subjects: [null, "x"] }),
    object("Role", { name: "getter", namespace: "demo" }, rules(aRule())),
    object("RoleBinding", { name: "a", namespace: "demo" }, binds("Role", "getter", user)),
  ]);
  assert.equal(await isAllowed(ask()), true);
});
