/** Puts together the rules of ClusterRoles that select others by label; rules of their own they don't keep. */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { clusterRoleType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import { isSet, listOf, objectOf, textOf, textsOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual, isObject, stringifyJson } from "../../apiserver/machinery/json.ts";
import { type LabelSelector, labelSelectorFromObject } from "../../apiserver/machinery/selectors.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { keyOf, type ObjectKey } from "../runtime/object-key.ts";
import { done, type ReconcileContext, type Reconciler, type Result } from "../runtime/reconciler.ts";
import { mapped } from "../runtime/triggers.ts";
import { isTerminating, textMap } from "./pods.ts";

const aggregatingIndex = "aggregating";

export class ClusterRoleAggregation implements Reconciler {
  readonly #client: ResourceClient;
  readonly #roles: Informer;

  constructor(deps: { client: ResourceClient; roles: Informer }) {
    this.#client = deps.client;
    this.#roles = deps.roles;
    this.#roles.addIndex(aggregatingIndex, (role) => (isSet(role, "aggregationRule") ? ["true"] : []));
  }

  /** Any role may be one that others select: aggregating ones are few. */
  triggers(): readonly Trigger[] {
    return [mapped(this.#roles, () => this.#roles.lister.byIndex(aggregatingIndex, "true").map(keyOf))];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<Result> {
    const role = this.#roles.lister.get(key);
    if (role === undefined || isTerminating(role) || !isSet(role, "aggregationRule")) return done;
    const rules = collectedRules(role, this.#roles.lister.list());
    if (deepEqual(rules, [...listOf(role, "rules")])) return done;
    await unlessGone(this.#client.update(clusterRoleType, { ...role, rules }, { signal }));
    return done;
  }
}

/** Rules of the selected roles in order of their names, each once. */
export function collectedRules(role: KubeObject, roles: readonly KubeObject[]): JsonValue[] {
  const selectors = listOf(objectOf(role, "aggregationRule"), "clusterRoleSelectors").filter(isObject).map(selectorOf);
  const selected = roles
    .filter(({ metadata }) => metadata.name !== role.metadata.name)
    .filter(({ metadata }) => selectors.some((selector) => selector.matches(metadata.labels ?? {})))
    .sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
  const rules = new Map<string, JsonValue>();
  for (const { rules: own } of selected) {
    for (const rule of Array.isArray(own) ? own : []) rules.set(stringifyJson(rule), rule);
  }
  return [...rules.values()];
}

function selectorOf(selector: JsonObject): LabelSelector {
  return labelSelectorFromObject({
    matchLabels: textMap(objectOf(selector, "matchLabels")),
    matchExpressions: listOf(selector, "matchExpressions")
      .filter(isObject)
      .map((expression) => ({
        key: textOf(expression, "key"),
        operator: textOf(expression, "operator"),
        values: textsOf(expression, "values"),
      })),
  });
}
