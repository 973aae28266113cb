/**
 * Policy rules: what they look like, and which requests they match. Pure; semantics of
 * `rbac.authorization.k8s.io/v1` as kube-apiserver evaluates it.
 */
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { stringsOf } from "../authentication/user-json.ts";
import { isObject } from "../machinery/json.ts";
import type { Attributes } from "./authorizer.ts";

/** One rule of a role: about resources, or about paths, never both. */
export type PolicyRule = {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** Empty: every name, and none at all. */
  readonly resourceNames: readonly string[];
  readonly nonResourceURLs: readonly string[];
};

export const everything = "*";

export function ruleMatches(rule: PolicyRule, attributes: Attributes): boolean {
  if (!hasOrAll(rule.verbs, attributes.verb)) return false;
  if (!attributes.resourceRequest) return rule.nonResourceURLs.some((pattern) => matchesPath(pattern, attributes.path));
  return (
    hasOrAll(rule.apiGroups, attributes.group) &&
    matchesResource(rule.resources, attributes) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(attributes.name))
  );
}

/** `functions/*` grants nothing: only the resource may be a wildcard, never the subresource (API 17). */
function matchesResource(
  resources: readonly string[],
  { resource, subresource }: { readonly resource: string; readonly subresource: string },
): boolean {
  if (subresource === "") return hasOrAll(resources, resource);
  return hasOrAll(resources, `${resource}/${subresource}`) || resources.includes(`*/${subresource}`);
}

/** A path pattern is the path itself, or a prefix that ends in `*`. */
export const matchesPath = (pattern: string, path: string): boolean =>
  pattern === path || (pattern.endsWith(everything) && path.startsWith(pattern.slice(0, -1)));

const hasOrAll = (values: readonly string[], value: string): boolean =>
  values.includes(everything) || values.includes(value);

export function rulesFromJson(value: JsonValue | undefined): readonly PolicyRule[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).map((rule) => ({
    verbs: stringsOf(rule.verbs),
    apiGroups: stringsOf(rule.apiGroups),
    resources: stringsOf(rule.resources),
    resourceNames: stringsOf(rule.resourceNames),
    nonResourceURLs: stringsOf(rule.nonResourceURLs),
  }));
}

/** As it is on the wire: members without values are absent. */
export function ruleToJson(rule: PolicyRule): JsonObject {
  const { verbs, ...others } = rule;
  const given = Object.entries(others).filter(([, values]) => values.length > 0);
  return { verbs: [...verbs], ...Object.fromEntries(given.map(([name, values]) => [name, [...values]])) };
}
