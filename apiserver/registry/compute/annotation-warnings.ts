/** Annotations of this group that somebody wrote and nobody reads (FM 1.10). */
import { annotations, controllerAnnotations, group } from "../../apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../../apis/meta/v1.ts";
import { joinPath } from "../../errors/field-error.ts";

/** The one value that counts; its opposite says what is so anyway. */
const counts: { readonly [key: string]: { readonly value: string; readonly opposite: string } } = {
  [annotations.managed]: { value: "false", opposite: "true" },
  [annotations.pauseRollout]: { value: "true", opposite: "false" },
  [annotations.needCleanup]: { value: "false", opposite: "true" },
};
/** Those that mean something on a mesh; its members have the others of their own. */
const ofMeshes: ReadonlySet<string> = new Set([annotations.managed]);
const known: ReadonlySet<string> = new Set(Object.values(annotations));
const written: ReadonlySet<string> = new Set(Object.values(controllerAnnotations));

export function annotationWarnings({ metadata }: KubeObject, kind: "workload" | "mesh"): readonly string[] {
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => {
    const why = whyWithoutEffect(key, value, kind);
    return why === undefined ? [] : [`${joinPath("metadata", "annotations", { key })}: has no effect: ${why}`];
  });
}

function whyWithoutEffect(key: string, value: string, kind: "workload" | "mesh"): string | undefined {
  if (!key.startsWith(`${group}/`) || written.has(key)) return undefined;
  if (!known.has(key)) return `the keys that are known are ${[...known].join(", ")}`;
  if (kind === "mesh" && !ofMeshes.has(key)) return "it is read of Functions, Sources and Sinks: put it on the members";
  const meaning = counts[key];
  if (meaning === undefined || value === meaning.value || value === meaning.opposite) return undefined;
  return `only ${JSON.stringify(meaning.value)} has one, and this is ${JSON.stringify(value)}`;
}
