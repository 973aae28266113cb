import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import type { UserInfo } from "../../../authentication/user.ts";
import { RbacAuthorizer } from "../../../authorization/rbac.ts";
import { RbacPolicy } from "../../../authorization/rbac-policy.ts";
import { mastersAuthorizer } from "../../../authorization/standing.ts";
import { unionAuthorizer } from "../../../authorization/union.ts";
import { isForbidden, isNotFound } from "../../../errors/status-error.ts";
import type { AdmissionAttributes } from "../../interface.ts";
import { rbacEscalationPlugin } from "./plugin.ts";

const group = "rbac.authorization.k8s.io";
const tenant: UserInfo = { name: "tenant", groups: ["system:authenticated"] };
const functions = (...verbs: string[]): JsonObject => ({
  apiGroups: ["compute.functionmesh.io"],
  resources: ["functions"],
  verbs,
});
const onRoles = (verb: string, resources: string): JsonObject => ({
  apiGroups: [group],
  resources: [resources],
  verbs: [verb],
});
const everything: JsonObject = { apiGroups: ["*"], resources: ["*"], verbs: ["*"] };

const object = (kind: string, name: string, content: JsonObject): KubeObject => ({
  ...content,
  apiVersion: `${group}/v1`,
  kind,
  metadata: { name, ...(kind.startsWith("Cluster") ? {} : { namespace: "demo" }) },
});
const role = (...rules: JsonObject[]): KubeObject => object("Role", "r", { rules });
const binding = (roleKind: string, name: string, user = "tenant"): KubeObject =>
  object("RoleBinding", "b", {
    roleRef: { apiGroup: group, kind: roleKind, name },
    subjects: [{ kind: "User", name: user }],
  });

/** A tenant who holds `held` in namespace demo, where a few roles exist. */
function setup(held: readonly JsonObject[]) {
  const policy = new RbacPolicy();
  const roles = { held, getter: [functions("get")], deleter: [functions("delete")] };
  for (const [name, rules] of Object.entries(roles))
    policy.sinks.Role.upsert(object("Role", name, { rules: [...rules] }));
  policy.sinks.ClusterRole.upsert(object("ClusterRole", "cluster-admin", { rules: [everything] }));
  policy.sinks.RoleBinding.upsert(binding("Role", "held"));
  const rbac = new RbacAuthorizer(policy);
  return rbacEscalationPlugin({ authorizer: unionAuthorizer([mastersAuthorizer, rbac]), rules: rbac });
}

function aWrite(given: { object: KubeObject; oldObject?: KubeObject; user?: UserInfo }): AdmissionAttributes {
  const { kind, metadata } = given.object;
  return {
    operation: given.oldObject === undefined ? "CREATE" : "UPDATE",
    kind: { group, version: "v1", kind },
    resource: { group, version: "v1", resource: `${kind.toLowerCase()}s` },
    subresource: "",
    namespace: metadata.namespace ?? "",
    name: metadata.name ?? "",
    object: given.object,
    oldObject: given.oldObject,
    user: given.user ?? tenant,
    dryRun: false,
    options: { kind: "CreateOptions" },
    auditId: "audit",
    signal: new AbortController().signal,
    warn: () => undefined,
  };
}

type Case = { held?: JsonObject[]; object: KubeObject; oldObject?: KubeObject; user?: UserInfo; refused?: boolean };
const cases: Record<string, Case> = {
  "a role of rights that are held": { object: role(functions("get")) },
  "a role of more": { object: role(functions("get", "delete")), refused: true },
  "a role of everything": { object: role(everything), refused: true },
  "a role of more, with escalate": { held: [onRoles("escalate", "roles")], object: role(everything) },
  "a role of more, by a master": { object: role(everything), user: { name: "root", groups: ["system:masters"] } },
  "labels of a role that holds more": { object: role(everything), oldObject: role(everything) },
  "a role that gets more": { object: role(functions("delete")), oldObject: role(functions("get")), refused: true },
  "a binding to a role that is held": { object: binding("Role", "getter") },
  "a binding to more": { object: binding("Role", "deleter"), refused: true },
  "a binding to cluster-admin": { object: binding("ClusterRole", "cluster-admin"), refused: true },
  "a binding to more, with bind": {
    held: [onRoles("bind", "clusterroles")],
    object: binding("ClusterRole", "cluster-admin"),
  },
  "a new subject of a binding to more": {
    object: binding("Role", "deleter", "friend"),
    oldObject: binding("Role", "deleter"),
    refused: true,
  },
  "an unchanged binding to more": { object: binding("Role", "deleter"), oldObject: binding("Role", "deleter") },
  "an aggregating role": {
    object: object("ClusterRole", "c", { rules: [], aggregationRule: { clusterRoleSelectors: [] } }),
    refused: true,
  },
};
for (const [name, { held = [functions("get")], refused = false, ...write }] of Object.entries(cases)) {
  test(`${name} is ${refused ? "refused" : "let through"}`, async () => {
    const validated = setup(held).validate?.(aWrite(write));
    if (refused) await assert.rejects(async () => validated, isForbidden);
    else await validated;
  });
}

test("the refusal says what is missing, verbs of one resource together", async () => {
  const wanted = role(functions("get", "delete", "watch"), onRoles("get", "roles"));
  await assert.rejects(async () => setup([functions("get")]).validate?.(aWrite({ object: wanted })), {
    message: [
      'roles.rbac.authorization.k8s.io "r" is forbidden: user "tenant" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:',
      '{APIGroups:["compute.functionmesh.io"], Resources:["functions"], Verbs:["delete" "watch"]}',
      '{APIGroups:["rbac.authorization.k8s.io"], Resources:["roles"], Verbs:["get"]}',
    ].join("\n"),
  });
});

test("a binding to a role that does not exist is refused as not found", async () => {
  await assert.rejects(async () => setup([]).validate?.(aWrite({ object: binding("Role", "gone") })), isNotFound);
});

test("other resources are none of its business", async () => {
  const write = aWrite({ object: role(everything) });
  const plugin = setup([]);
  await plugin.validate?.({ ...write, resource: { ...write.resource, group: "apps" } });
  await plugin.validate?.({ ...write, operation: "DELETE", object: undefined });
});
