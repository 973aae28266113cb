import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { qualified } from "../../apiserver/errors/status-error.ts";
import { textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Node } from "./owner-graph.ts";

type NamespaceCondition = {
  readonly type: string;
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
};

/** What kube-controller-manager says of a terminating namespace that still holds `nodes`; types and texts are its own. */
export function contentConditions(nodes: readonly Node[]): readonly NamespaceCondition[] {
  const resources = counted(nodes.map(({ type }) => qualified({ group: type.group, name: type.resource })));
  const finalizers = counted(nodes.flatMap(({ object }) => object.metadata.finalizers ?? []));
  const held = finalizers.length > 0;
  return [
    fine("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    fine(
      "NamespaceDeletionGroupVersionParsingFailure",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    fine(
      "NamespaceDeletionContentFailure",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    {
      type: "NamespaceContentRemaining",
      status: "True",
      reason: "SomeResourcesRemain",
      message: `Some resources are remaining: ${resources.map(([name, count]) => `${name} has ${count} resource instances`).join(", ")}`,
    },
    held
      ? {
          type: "NamespaceFinalizersRemaining",
          status: "True",
          reason: "SomeFinalizersRemain",
          message: `Some content in the namespace has finalizers remaining: ${finalizers.map(([name, count]) => `${name} in ${count} resource instances`).join(", ")}`,
        }
      : fine("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
  ];
}

/** `existing` with `conditions` in place of those of the same type; a time changes only with its status. */
export function withConditions(
  existing: readonly JsonValue[],
  conditions: readonly NamespaceCondition[],
  now: string,
): readonly JsonObject[] {
  const known = new Map(existing.filter(isObject).map((condition) => [textOf(condition, "type"), condition]));
  for (const condition of conditions) {
    const old = known.get(condition.type);
    const since = old !== undefined && old.status === condition.status ? textOf(old, "lastTransitionTime") : now;
    known.set(condition.type, { ...condition, lastTransitionTime: since });
  }
  return [...known.values()];
}

const fine = (type: string, reason: string, message: string): NamespaceCondition => ({
  type,
  status: "False",
  reason,
  message,
});

/** How often each name occurs, by name. */
function counted(names: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}
