import type { UserInfo } from "../authentication/user.ts";
import { newNotFound } from "../errors/status-error.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";
import type { Grant, RbacLister, RoleRef, SubjectKey } from "./rbac-policy.ts";
import { type PolicyRule, ruleMatches } from "./rules.ts";

/** What a user may do in a namespace, for SelfSubjectRulesReview and the escalation check. */
export interface RuleResolver {
  /** `errors`: roles that could not be resolved; the rules may then be incomplete. */
  rulesFor(user: UserInfo, namespace: string): { rules: readonly PolicyRule[]; errors: readonly string[] };
  /**
   * Rules of the role a binding in `namespace` refers to.
   * @throws StatusError `NotFound`
   */
  roleRules(roleRef: RoleRef, namespace: string): readonly PolicyRule[];
}

const rbacGroup = "rbac.authorization.k8s.io";

/** Role-based access control over the roles and bindings a lister knows. Grants only; it never denies. */
export class RbacAuthorizer implements Authorizer, RuleResolver {
  readonly #lister: RbacLister;

  constructor(lister: RbacLister) {
    this.#lister = lister;
  }

  async authorize(attributes: Attributes): Promise<Decision> {
    const namespace = attributes.resourceRequest ? attributes.namespace : "";
    const missing = new Set<string>();
    for (const { grant, scope } of this.#grantsOf(attributes.user, namespace)) {
      const rules = this.#rulesOf(grant.roleRef, scope);
      if (rules === undefined) missing.add(missingText(grant.roleRef));
      else if (rules.some((rule) => ruleMatches(rule, attributes)))
        return { decision: "allow", reason: grantText(grant, scope) };
    }
    return { decision: "noOpinion", reason: missing.size === 0 ? "" : `RBAC: ${[...missing].join(", ")}` };
  }

  rulesFor(user: UserInfo, namespace: string): { rules: readonly PolicyRule[]; errors: readonly string[] } {
    const rules: (readonly PolicyRule[])[] = [];
    const errors = new Set<string>();
    for (const { grant, scope } of this.#grantsOf(user, namespace)) {
      const found = this.#rulesOf(grant.roleRef, scope);
      if (found === undefined) errors.add(missingText(grant.roleRef));
      else rules.push(found);
    }
    return { rules: rules.flat(), errors: [...errors] };
  }

  roleRules(roleRef: RoleRef, namespace: string): readonly PolicyRule[] {
    const rules = this.#rulesOf(roleRef, namespace);
    if (rules === undefined) throw newNotFound({ group: rbacGroup, resource: resourceOf(roleRef) }, roleRef.name);
    return rules;
  }

  /** Grants of the whole cluster first, then those of the namespace; lazily, as the first that matches decides. */
  *#grantsOf(user: UserInfo, namespace: string): Iterable<{ grant: Grant; scope: string }> {
    const subjects: readonly SubjectKey[] = [
      `User/${user.name}`,
      ...user.groups.map((group): SubjectKey => `Group/${group}`),
    ];
    for (const subject of subjects) for (const grant of this.#lister.clusterGrants(subject)) yield { grant, scope: "" };
    if (namespace === "") return;
    for (const subject of subjects)
      for (const grant of this.#lister.grants(namespace, subject)) yield { grant, scope: namespace };
  }

  #rulesOf({ kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
    if (kind === "ClusterRole") return this.#lister.clusterRoleRules(name);
    return namespace === "" ? undefined : this.#lister.roleRules(namespace, name);
  }
}

const resourceOf = ({ kind }: RoleRef): string => (kind === "Role" ? "roles" : "clusterroles");

const missingText = (roleRef: RoleRef): string =>
  `${roleRef.kind.toLowerCase()}.${rbacGroup} ${JSON.stringify(roleRef.name)} not found`;

function grantText({ binding, roleRef, subject }: Grant, scope: string): string {
  const what =
    scope === ""
      ? `ClusterRoleBinding ${JSON.stringify(binding)}`
      : `RoleBinding ${JSON.stringify(`${binding}/${scope}`)}`;
  return `RBAC: allowed by ${what} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject}`;
}
