/** What roles and bindings may say. A rule or subject that means nothing is refused, not ignored. */
import type { JsonObject, KubeObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, notSupported, path, required } from "../../../errors/field-error.ts";
import { isSet, listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { pathSegmentProblems, subdomainProblems } from "../../../machinery/names.ts";
import { entriesAt, named, selectorErrors, unchanged } from "./checks.ts";

export const rbacGroup = "rbac.authorization.k8s.io";

function ruleErrors(rule: JsonObject, at: string, namespaced: boolean): readonly FieldError[] {
  const errors: FieldError[] = [];
  const has = (field: string) => listOf(rule, field).length > 0;
  if (!has("verbs")) errors.push(required(joinPath(at, "verbs"), ""));
  if (has("nonResourceURLs")) {
    const wrong = (detail: string) =>
      errors.push(invalid(joinPath(at, "nonResourceURLs"), [...listOf(rule, "nonResourceURLs")], detail));
    if (namespaced) wrong("namespaced rules cannot apply to non-resource URLs");
    if (has("apiGroups") || has("resources") || has("resourceNames")) {
      wrong("rules cannot apply to both regular resources and non-resource URLs");
    }
    return errors;
  }
  if (!has("apiGroups")) {
    errors.push(required(joinPath(at, "apiGroups"), "resource rules must supply at least one api group"));
  }
  if (!has("resources")) {
    errors.push(required(joinPath(at, "resources"), "resource rules must supply at least one resource"));
  }
  return errors;
}

const rulesErrors = (role: KubeObject, namespaced: boolean): readonly FieldError[] =>
  entriesAt(listOf(role, "rules"), "rules").flatMap(([rule, at]) => ruleErrors(rule, at, namespaced));

export const validateRole = (role: KubeObject): readonly FieldError[] => rulesErrors(role, true);

export function validateClusterRole(role: KubeObject): readonly FieldError[] {
  return [...rulesErrors(role, false), ...aggregationErrors(role)];
}

function aggregationErrors(role: KubeObject): readonly FieldError[] {
  if (!isSet(role, "aggregationRule")) return [];
  const at = path("aggregationRule", "clusterRoleSelectors");
  const selectors = listOf(objectOf(role, "aggregationRule"), "clusterRoleSelectors");
  if (selectors.length === 0) {
    return [required(at, "at least one clusterRoleSelector required if aggregationRule is non-nil")];
  }
  return entriesAt(selectors, at).flatMap(([selector, selectorAt]) =>
    selectorErrors({ selector }, "selector", "").length === 0
      ? []
      : [invalid(selectorAt, selector, "invalid label selector.")],
  );
}

export const validateRoleBinding = (binding: KubeObject): readonly FieldError[] => [
  ...roleRefErrors(binding, ["Role", "ClusterRole"]),
  ...subjectErrors(binding, true),
];

export const validateClusterRoleBinding = (binding: KubeObject): readonly FieldError[] => [
  ...roleRefErrors(binding, ["ClusterRole"]),
  ...subjectErrors(binding, false),
];

export const validateRoleBindingUpdate = (binding: KubeObject, old: KubeObject): readonly FieldError[] =>
  unchanged(binding, old, ["roleRef"], "");

function roleRefErrors(binding: KubeObject, kinds: readonly string[]): readonly FieldError[] {
  const ref = objectOf(binding, "roleRef");
  const [group, kind, name] = [textOf(ref, "apiGroup"), textOf(ref, "kind"), textOf(ref, "name")];
  return [
    ...(group === rbacGroup ? [] : [notSupported(path("roleRef", "apiGroup"), group, [rbacGroup])]),
    ...(kinds.includes(kind) ? [] : [notSupported(path("roleRef", "kind"), kind, kinds)]),
    ...(name === ""
      ? [required(path("roleRef", "name"), "")]
      : named(name, path("roleRef", "name"), pathSegmentProblems)),
  ];
}

/** @param namespaced  an account that names no namespace is one of the binding's own */
function subjectErrors(binding: KubeObject, namespaced: boolean): readonly FieldError[] {
  return entriesAt(listOf(binding, "subjects"), "subjects").flatMap(([subject, at]) => {
    const [kind, name, group] = [textOf(subject, "kind"), textOf(subject, "name"), textOf(subject, "apiGroup")];
    const errors: FieldError[] = name === "" ? [required(joinPath(at, "name"), "")] : [];
    switch (kind) {
      case "ServiceAccount":
        if (name !== "") errors.push(...named(name, joinPath(at, "name"), subdomainProblems));
        if (group !== "") errors.push(notSupported(joinPath(at, "apiGroup"), group, [""]));
        if (!namespaced && textOf(subject, "namespace") === "") errors.push(required(joinPath(at, "namespace"), ""));
        break;
      case "User":
      case "Group":
        if (group !== rbacGroup) errors.push(notSupported(joinPath(at, "apiGroup"), group, [rbacGroup]));
        break;
      default:
        errors.push(notSupported(joinPath(at, "kind"), kind, ["ServiceAccount", "User", "Group"]));
    }
    return errors;
  });
}
