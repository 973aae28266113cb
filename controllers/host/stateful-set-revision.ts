import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { statefulSetType } from "../../apiserver/client/resource-types.ts";
import { numberOf, objectOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual, stringifyJson } from "../../apiserver/machinery/json.ts";
import { hashName } from "./hash-name.ts";
import { textMap } from "./pods.ts";
import { controllerReference } from "./requests.ts";

/** How many revisions no pod uses are kept when the StatefulSet doesn't say. */
const defaultHistoryLimit = 10;

const revisionOf = (revision: KubeObject): number => numberOf(revision, "revision") ?? 0;

/** The ControllerRevision's content: a patch that puts the template back. */
function revisionData(set: KubeObject): JsonObject {
  return { spec: { template: { ...objectOf(objectOf(set, "spec"), "template"), $patch: "replace" } } };
}

/** The pod template a revision stands for. */
export const templateOf = (revision: KubeObject): JsonObject | undefined =>
  objectOf(objectOf(objectOf(revision, "data"), "spec"), "template");

/** The revision of the set's present template: one of `existing`, or one still to be created or renumbered. */
export function updateRevision(set: KubeObject, existing: readonly KubeObject[], collisionCount: number): KubeObject {
  const data = revisionData(set);
  const latest = Math.max(0, ...existing.map(revisionOf));
  const equal = existing.find((revision) => deepEqual(objectOf(revision, "data"), data));
  if (equal !== undefined) return revisionOf(equal) === latest ? equal : { ...equal, revision: latest + 1 };

  const hash = hashName(stringifyJson(data) + (collisionCount === 0 ? "" : String(collisionCount)));
  const { name = "", namespace = "" } = set.metadata;
  const selector = objectOf(objectOf(objectOf(set, "spec"), "selector"), "matchLabels");
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...textMap(selector), "controller.kubernetes.io/hash": hash },
      ownerReferences: [controllerReference(statefulSetType, set)],
    },
    data,
    revision: latest + 1,
  };
}

/** Revisions beyond the history limit that nothing uses, oldest first. */
export function expiredRevisions(
  set: KubeObject,
  existing: readonly KubeObject[],
  used: ReadonlySet<string>,
): readonly KubeObject[] {
  const limit = numberOf(objectOf(set, "spec"), "revisionHistoryLimit") ?? defaultHistoryLimit;
  const unused = existing
    .filter(({ metadata }) => !used.has(metadata.name ?? ""))
    .sort((a, b) => revisionOf(a) - revisionOf(b));
  return unused.slice(0, Math.max(0, unused.length - limit));
}
