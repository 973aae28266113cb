/**
 * The roles and bindings every cluster starts with, as far as this host serves what they are about. Names, labels and
 * rules are those of kube-apiserver, so that bindings, Helm charts and people find what they expect.
 *
 * `admin`, `edit` and `view` aggregate others by label; their rules are put together when they are evaluated.
 */
import { group } from "../../apis/compute/v1alpha1/group.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import { authenticatedGroup, mastersGroup } from "../../authentication/user.ts";
import type { RbacKind } from "../../authorization/rbac-policy.ts";

const rbacGroup = "rbac.authorization.k8s.io";
const unauthenticatedGroup = "system:unauthenticated";

const readVerbs = ["get", "list", "watch"];
const writeVerbs = ["create", "delete", "deletecollection", "patch", "update"];

type Rule = JsonObject;
const rule = (verbs: string[], apiGroup: string, resources: string[]): Rule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
});
const paths = (...nonResourceURLs: string[]): Rule => ({ nonResourceURLs, verbs: ["get"] });

/** What the tenants of a namespace work with, by group: read by `view`, written by `edit`. */
const tenantResources: { readonly [group: string]: readonly string[] } = {
  "": ["configmaps", "persistentvolumeclaims", "pods", "serviceaccounts", "services"],
  apps: ["statefulsets", "statefulsets/scale"],
  autoscaling: ["horizontalpodautoscalers"],
  "autoscaling.k8s.io": ["verticalpodautoscalers"],
  batch: ["jobs"],
  [group]: [
    "backendconfigs",
    "functionmeshes",
    "functions",
    "functions/scale",
    "sinks",
    "sinks/scale",
    "sources",
    "sources/scale",
  ],
};

/** Written by controllers or by nobody, so `view` and `edit` both only read it. */
const observedResources: { readonly [group: string]: readonly string[] } = {
  "": ["events", "namespaces", "persistentvolumeclaims/status", "pods/log", "pods/status", "services/status"],
  apps: ["controllerrevisions", "statefulsets/status"],
  autoscaling: ["horizontalpodautoscalers/status"],
  batch: ["jobs/status"],
  "events.k8s.io": ["events"],
  [group]: ["functionmeshes/status", "functions/status", "sinks/status", "sources/status"],
};

const perGroup = (verbs: string[], resources: { readonly [group: string]: readonly string[] }): Rule[] =>
  Object.entries(resources).map(([group, names]) => rule(verbs, group, [...names]));

type RoleRow = {
  readonly name: string;
  readonly rules: readonly Rule[];
  /** The role that collects this one, and with it all that this one collects. */
  readonly partOf?: string;
  /** This role collects those that are part of it. */
  readonly aggregates?: boolean;
  /** Groups that have the role everywhere. */
  readonly grantedTo?: readonly string[];
};

const everyone = [authenticatedGroup, unauthenticatedGroup];

const roles: readonly RoleRow[] = [
  {
    name: "cluster-admin",
    rules: [rule(["*"], "*", ["*"]), { nonResourceURLs: ["*"], verbs: ["*"] }],
    grantedTo: [mastersGroup],
  },
  {
    name: "system:discovery",
    rules: [
      paths(
        "/api",
        "/api/*",
        "/apis",
        "/apis/*",
        "/healthz",
        "/livez",
        "/openapi",
        "/openapi/*",
        "/readyz",
        "/version",
        "/version/",
      ),
    ],
    grantedTo: [authenticatedGroup],
  },
  {
    name: "system:public-info-viewer",
    rules: [paths("/healthz", "/livez", "/readyz", "/version", "/version/")],
    grantedTo: everyone,
  },
  {
    name: "system:basic-user",
    rules: [
      rule(["create"], "authorization.k8s.io", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]),
      rule(["create"], "authentication.k8s.io", ["selfsubjectreviews"]),
    ],
    grantedTo: [authenticatedGroup],
  },
  {
    name: "system:auth-delegator",
    rules: [
      rule(["create"], "authentication.k8s.io", ["tokenreviews"]),
      rule(["create"], "authorization.k8s.io", ["subjectaccessreviews"]),
    ],
  },
  { name: "admin", rules: [], aggregates: true },
  { name: "edit", rules: [], partOf: "admin", aggregates: true },
  { name: "view", rules: [], partOf: "edit", aggregates: true },
  {
    name: "system:aggregate-to-admin",
    rules: [
      rule(["create"], "authorization.k8s.io", ["localsubjectaccessreviews"]),
      rule([...writeVerbs, ...readVerbs], rbacGroup, ["rolebindings", "roles"]),
    ],
    partOf: "admin",
  },
  {
    name: "system:aggregate-to-edit",
    rules: [
      ...perGroup(writeVerbs, tenantResources),
      rule([...writeVerbs, ...readVerbs], "", ["secrets"]),
      rule([...writeVerbs, ...readVerbs], "coordination.k8s.io", ["leases"]),
      rule(["create"], "", ["serviceaccounts/token"]),
      rule(["impersonate"], "", ["serviceaccounts"]),
    ],
    partOf: "edit",
  },
  {
    name: "system:aggregate-to-view",
    rules: [...perGroup(readVerbs, tenantResources), ...perGroup(readVerbs, observedResources)],
    partOf: "view",
  },
];

const metadata = (name: string, labels: Record<string, string> = {}): KubeObject["metadata"] => ({
  name,
  annotations: { "rbac.authorization.kubernetes.io/autoupdate": "true" },
  labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
});
const aggregationLabel = (role: string): string => `${rbacGroup}/aggregate-to-${role}`;

function clusterRoleOf({ name, rules, partOf, aggregates = false }: RoleRow): KubeObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRole",
    metadata: metadata(name, partOf === undefined ? {} : { [aggregationLabel(partOf)]: "true" }),
    ...(aggregates
      ? { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [aggregationLabel(name)]: "true" } }] } }
      : {}),
    rules: [...rules],
  };
}

function bindingOf(role: string, groups: readonly string[]): KubeObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: metadata(role),
    roleRef: { apiGroup: rbacGroup, kind: "ClusterRole", name: role },
    subjects: groups.map((name) => ({ apiGroup: rbacGroup, kind: "Group", name })),
  };
}

/** Objects to create at start when they are missing; existing ones belong to whoever changed them. */
export const bootstrapRbac: readonly (KubeObject & { readonly kind: RbacKind })[] = roles.flatMap((row) => [
  { ...clusterRoleOf(row), kind: "ClusterRole" as const },
  ...(row.grantedTo === undefined
    ? []
    : [{ ...bindingOf(row.name, row.grantedTo), kind: "ClusterRoleBinding" as const }]),
]);
