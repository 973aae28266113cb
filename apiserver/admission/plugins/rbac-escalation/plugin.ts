import type { JsonValue, KubeObject } from "../../../apis/meta/v1.ts";
import type { UserInfo } from "../../../authentication/user.ts";
import { resourceAttributes } from "../../../authorization/attributes.ts";
import type { Authorizer } from "../../../authorization/authorizer.ts";
import { uncovered } from "../../../authorization/covering.ts";
import type { RuleResolver } from "../../../authorization/rbac.ts";
import { roleRefOf } from "../../../authorization/rbac-policy.ts";
import { type PolicyRule, rulesFromJson, ruleToJson } from "../../../authorization/rules.ts";
import { quoteValue } from "../../../errors/abridge.ts";
import { newForbidden } from "../../../errors/status-error.ts";
import { deepEqual, isObject } from "../../../machinery/json.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "../../interface.ts";

const rbacGroup = "rbac.authorization.k8s.io";
const allRights: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"], resourceNames: [], nonResourceURLs: [] },
  { verbs: ["*"], apiGroups: [], resources: [], resourceNames: [], nonResourceURLs: ["*"] },
];

/**
 * Nobody grants what they do not have. Who writes a role must hold all of its rules, unless verb `escalate` on it is
 * theirs; who writes a binding must hold the rules of its role, unless verb `bind` on that role is. Writes that change
 * no grant are let through.
 *
 * Behaviour of kube-apiserver's RBAC storage; here it is admission, as the registry knows nothing of authorization.
 */
export function rbacEscalationPlugin(dependencies: { authorizer: Authorizer; rules: RuleResolver }): AdmissionPlugin {
  return {
    name: "RBACEscalation",
    validate: async (attributes) => {
      const { resource, subresource, object, operation } = attributes;
      const check = resource.group === rbacGroup && subresource === "" ? checks[resource.resource] : undefined;
      if (check === undefined || object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
      await check({ ...attributes, object }, dependencies);
    },
  };
}

type Dependencies = { readonly authorizer: Authorizer; readonly rules: RuleResolver };
type Write = AdmissionAttributes & { readonly object: KubeObject };
type Check = (write: Write, dependencies: Dependencies) => Promise<void>;

const checks: { readonly [resource: string]: Check | undefined } = {
  roles: checkRole,
  clusterroles: checkRole,
  rolebindings: checkBinding,
  clusterrolebindings: checkBinding,
};

async function checkRole(write: Write, { authorizer, rules }: Dependencies): Promise<void> {
  const { object, oldObject, user, namespace, name, resource } = write;
  if (oldObject !== undefined && sameFields(object, oldObject, ["rules", "aggregationRule"])) return;
  if (await isAllowed(authorizer, write, { verb: "escalate", resource: resource.resource, namespace, name })) return;
  const aggregation: JsonValue | undefined = object.aggregationRule;
  // What a selector will collect tomorrow cannot be known, so only who has everything may write one.
  const wanted = isObject(aggregation) ? allRights : rulesFromJson(object.rules);
  requireHeld(write, rules.rulesFor(user, namespace).rules, wanted);
}

async function checkBinding(write: Write, { authorizer, rules }: Dependencies): Promise<void> {
  const { object, oldObject, user, namespace } = write;
  if (oldObject !== undefined && sameFields(object, oldObject, ["roleRef", "subjects"])) return;
  const roleRef = roleRefOf(object);
  if (roleRef === undefined) return;
  const resource = roleRef.kind === "Role" ? "roles" : "clusterroles";
  if (await isAllowed(authorizer, write, { verb: "bind", resource, namespace, name: roleRef.name })) return;
  requireHeld(write, rules.rulesFor(user, namespace).rules, rules.roleRules(roleRef, namespace));
}

function sameFields(a: KubeObject, b: KubeObject, fields: readonly string[]): boolean {
  return fields.every((field) => {
    const [left, right]: (JsonValue | undefined)[] = [a[field], b[field]];
    return deepEqual(left ?? null, right ?? null);
  });
}

async function isAllowed(
  authorizer: Authorizer,
  { user, signal }: Write,
  what: { verb: string; resource: string; namespace: string; name: string },
): Promise<boolean> {
  const attributes = resourceAttributes({ user, group: rbacGroup, version: "*", ...what });
  return (await authorizer.authorize(attributes, signal)).decision === "allow";
}

function requireHeld(write: Write, held: readonly PolicyRule[], wanted: readonly PolicyRule[]): void {
  const { first, count, tooComplex } = uncovered(held, wanted);
  if (count === 0 && !tooComplex) return;
  const { resource, name, user } = write;
  const who = `user ${describeUser(user)}`;
  if (tooComplex) {
    throw newForbidden(
      resource,
      name,
      `${who} is attempting to grant more RBAC permissions at once than can be compared with those held: write several smaller roles`,
    );
  }
  const list = compact(first).map(describeRule).sort().join("\n");
  const others = count - first.length;
  const ending = others === 0 ? "" : `\nand ${others} more`;
  throw newForbidden(
    resource,
    name,
    `${who} is attempting to grant RBAC permissions not currently held:\n${list}${ending}`,
  );
}

/** Rules that differ in their verbs only, as one. */
function compact(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const byTarget = Map.groupBy(rules, ({ verbs: _, ...target }) => JSON.stringify(target));
  return [...byTarget.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, verbs: [first, ...others].flatMap(({ verbs }) => verbs) }],
  );
}

const quoted = (value: JsonValue): string => quoteValue(value);
const maxShownGroups = 20;

const describeUser = ({ name, groups }: UserInfo): string =>
  `${quoted(name)} (groups=[${groups.slice(0, maxShownGroups).map(quoted).join(" ")}])`;

/** Wire names of a rule's members, as kube-apiserver titles them. */
const titles: Readonly<Record<string, string>> = {
  apiGroups: "APIGroups",
  resources: "Resources",
  resourceNames: "ResourceNames",
  nonResourceURLs: "NonResourceURLs",
  verbs: "Verbs",
};

function describeRule(rule: PolicyRule): string {
  const members = ruleToJson(rule);
  const parts = Object.entries(titles).flatMap(([field, title]) => {
    const values = members[field];
    return Array.isArray(values) ? [`${title}:[${values.map(quoted).join(" ")}]`] : [];
  });
  return `{${parts.join(", ")}}`;
}
