/**
 * Roles and bindings in memory, indexed so that a check costs what the asking user has, not what the cluster has.
 *
 * Invariant: what is wrong in one object takes nothing from the others: a subject or rule that cannot be read grants nothing.
 */
import type { JsonObject, JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { serviceAccountUserName } from "../authentication/service-account.ts";
import { stringOf } from "../authentication/user-json.ts";
import type { FollowSink } from "../client/follow.ts";
import { isObject } from "../machinery/json.ts";
import { type LabelSelector, labelSelectorFromObject } from "../machinery/selectors.ts";
import { type PolicyRule, rulesFromJson } from "./rules.ts";

export type RoleRef = { readonly kind: "Role" | "ClusterRole"; readonly name: string };

/** A binding as one of its subjects sees it. */
export type Grant = {
  readonly binding: string;
  readonly roleRef: RoleRef;
  /** The subject through which it is had, as reasons print it: `User "jane"`. */
  readonly subject: string;
};

/** Everything an RBAC decision reads. Answers at once, from memory. */
export interface RbacLister {
  /** Rules of a role; `undefined` when it does not exist. */
  roleRules(namespace: string, name: string): readonly PolicyRule[] | undefined;
  /** Rules of a cluster role, those it aggregates included. */
  clusterRoleRules(name: string): readonly PolicyRule[] | undefined;
  /** Grants of the RoleBindings of a namespace to a subject. */
  grants(namespace: string, subject: SubjectKey): readonly Grant[];
  /** Grants of ClusterRoleBindings to a subject. */
  clusterGrants(subject: SubjectKey): readonly Grant[];
}

/** `User/jane` or `Group/devs`; a service account is the user it authenticates as. */
export type SubjectKey = `User/${string}` | `Group/${string}`;

type ClusterRole = {
  readonly labels: Readonly<Record<string, string>>;
  readonly rules: readonly PolicyRule[];
  readonly aggregates: readonly LabelSelector[];
};

export class RbacPolicy implements RbacLister {
  readonly #roles = new Map<string, readonly PolicyRule[]>();
  readonly #clusterRoles = new Map<string, ClusterRole>();
  /** Aggregated rules by role, made when first asked for; any change of a cluster role may change them. */
  readonly #aggregated = new Map<string, readonly PolicyRule[]>();
  /** Per namespace, `""` for ClusterRoleBindings. */
  readonly #bindings = new Map<string, BindingIndex>();

  roleRules(namespace: string, name: string): readonly PolicyRule[] | undefined {
    return this.#roles.get(`${namespace}/${name}`);
  }

  clusterRoleRules(name: string): readonly PolicyRule[] | undefined {
    const role = this.#clusterRoles.get(name);
    if (role === undefined || role.aggregates.length === 0) return role?.rules;
    let rules = this.#aggregated.get(name);
    if (rules === undefined) {
      rules = [...this.#collect(name, new Set())];
      this.#aggregated.set(name, rules);
    }
    return rules;
  }

  /** `seen` also ends cycles: roles may select each other, or themselves. */
  *#collect(name: string, seen: Set<string>): Iterable<PolicyRule> {
    const role = this.#clusterRoles.get(name);
    if (role === undefined || seen.has(name)) return;
    seen.add(name);
    // What an aggregating role holds itself is what a controller once put together.
    if (role.aggregates.length === 0) yield* role.rules;
    else
      for (const [member, { labels }] of this.#clusterRoles)
        if (role.aggregates.some((selector) => selector.matches(labels))) yield* this.#collect(member, seen);
  }

  grants(namespace: string, subject: SubjectKey): readonly Grant[] {
    return namespace === "" ? [] : (this.#bindings.get(namespace)?.grants(subject) ?? []);
  }

  clusterGrants(subject: SubjectKey): readonly Grant[] {
    return this.#bindings.get("")?.grants(subject) ?? [];
  }

  /** Where the state of each of the four kinds goes; give each to a `Follow`, or call them directly. */
  readonly sinks: { readonly [Kind in RbacKind]: FollowSink } = {
    Role: {
      upsert: (role) => this.#roles.set(keyOf(role), rulesFromJson(role.rules)),
      remove: (role) => this.#roles.delete(keyOf(role)),
    },
    ClusterRole: {
      upsert: (role) => {
        this.#aggregated.clear();
        this.#clusterRoles.set(role.metadata.name ?? "", clusterRoleOf(role));
      },
      remove: (role) => {
        this.#aggregated.clear();
        this.#clusterRoles.delete(role.metadata.name ?? "");
      },
    },
    RoleBinding: {
      upsert: (binding) => this.#putBinding(binding),
      remove: (binding) => this.#dropBinding(binding),
    },
    ClusterRoleBinding: {
      upsert: (binding) => this.#putBinding(binding),
      remove: (binding) => this.#dropBinding(binding),
    },
  };

  #putBinding(binding: KubeObject): void {
    const namespace = binding.metadata.namespace ?? "";
    let index = this.#bindings.get(namespace);
    if (index === undefined) {
      index = new BindingIndex();
      this.#bindings.set(namespace, index);
    }
    index.put(binding);
  }

  #dropBinding(binding: KubeObject): void {
    const namespace = binding.metadata.namespace ?? "";
    const index = this.#bindings.get(namespace);
    index?.drop(binding.metadata.name ?? "");
    if (index?.isEmpty === true) this.#bindings.delete(namespace);
  }
}

export type RbacKind = "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding";

const keyOf = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ""}/${metadata.name ?? ""}`;

function clusterRoleOf(role: KubeObject): ClusterRole {
  const aggregation: JsonValue | undefined = role.aggregationRule;
  const selectors = isObject(aggregation) ? aggregation.clusterRoleSelectors : undefined;
  return {
    labels: role.metadata.labels ?? {},
    rules: rulesFromJson(role.rules),
    aggregates: Array.isArray(selectors) ? selectors.filter(isObject).flatMap(selectorOrNone) : [],
  };
}

function selectorOrNone(selector: JsonObject): readonly LabelSelector[] {
  try {
    return [labelSelectorFromObject(selector)];
  } catch {
    return [];
  }
}

/** The bindings of one namespace by subject. */
class BindingIndex {
  readonly #grants = new Map<SubjectKey, Grant[]>();
  readonly #subjectsOf = new Map<string, readonly SubjectKey[]>();

  grants(subject: SubjectKey): readonly Grant[] {
    return this.#grants.get(subject) ?? [];
  }

  get isEmpty(): boolean {
    return this.#subjectsOf.size === 0;
  }

  put(binding: KubeObject): void {
    const name = binding.metadata.name ?? "";
    this.drop(name);
    const roleRef = roleRefOf(binding);
    if (roleRef === undefined) return;
    const subjects = new Map(subjectsOf(binding).map(({ key, text }) => [key, text]));
    for (const [key, text] of subjects) {
      const grant = { binding: name, roleRef, subject: text };
      const grants = this.#grants.get(key);
      if (grants === undefined) this.#grants.set(key, [grant]);
      else grants.push(grant);
    }
    this.#subjectsOf.set(name, [...subjects.keys()]);
  }

  drop(name: string): void {
    for (const key of this.#subjectsOf.get(name) ?? []) {
      const left = this.grants(key).filter(({ binding }) => binding !== name);
      if (left.length === 0) this.#grants.delete(key);
      else this.#grants.set(key, left);
    }
    this.#subjectsOf.delete(name);
  }
}

/** The role a binding refers to; `undefined` when it refers to nothing that can be a role. */
export function roleRefOf(binding: KubeObject): RoleRef | undefined {
  const reference: JsonValue | undefined = binding.roleRef;
  if (!isObject(reference)) return undefined;
  const kind = reference.kind;
  const name = stringOf(reference.name);
  return kind === "Role" || kind === "ClusterRole" ? { kind, name } : undefined;
}

function subjectsOf(binding: KubeObject): readonly { key: SubjectKey; text: string }[] {
  const subjects: JsonValue | undefined = binding.subjects;
  if (!Array.isArray(subjects)) return [];
  return subjects.filter(isObject).flatMap((subject) => {
    const name = stringOf(subject.name);
    const namespace = stringOf(subject.namespace) || (binding.metadata.namespace ?? "");
    const kind = stringOf(subject.kind);
    if (kind === "User" || kind === "Group")
      return [{ key: `${kind}/${name}` as const, text: `${kind} ${JSON.stringify(name)}` }];
    if (kind !== "ServiceAccount" || namespace === "") return [];
    const account = serviceAccountUserName({ namespace, name });
    return [{ key: `User/${account}` as const, text: `ServiceAccount ${JSON.stringify(`${name}/${namespace}`)}` }];
  });
}
