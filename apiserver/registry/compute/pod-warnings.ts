/** What of a pod is legal and will hardly be what its author wants. */
import type { JsonObject } from "../../apis/meta/v1.ts";
import { joinPath } from "../../errors/field-error.ts";
import { isTrue, listOf, objectOf, textOf } from "../../machinery/fields.ts";
import { entriesAt } from "../core/validation/checks.ts";

export const podWarnings = (spec: JsonObject, at: string): readonly string[] => [
  ...privilegeWarnings(spec, at),
  ...variableWarnings(spec, at),
  ...hidingWarnings(spec, at),
];

/** A cluster decides that for itself, and not every one lets anybody. */
const privilegeWarnings = (spec: JsonObject, at: string): readonly string[] =>
  (["sidecars", "initContainers"] as const).flatMap((list) =>
    entriesAt(listOf(objectOf(spec, "pod"), list), joinPath(at, "pod", list)).flatMap(([container, containerAt]) =>
      isTrue(objectOf(container, "securityContext"), "privileged")
        ? [
            `${joinPath(containerAt, "securityContext", "privileged")}: works where kube-apiserver runs with --allow-privileged and the namespace's Pod Security Standard is privileged; elsewhere the cluster refuses the pods`,
          ]
        : [],
    ),
  );

/** The command of an instance needs it as the pod's name (FM 4.4). */
const ourVariable = "POD_NAME";

const isPodName = (variable: JsonObject): boolean =>
  textOf(objectOf(objectOf(variable, "valueFrom"), "fieldRef"), "fieldPath") === "metadata.name";

const variableWarnings = (spec: JsonObject, at: string): readonly string[] =>
  entriesAt(listOf(objectOf(spec, "pod"), "env"), joinPath(at, "pod", "env")).flatMap(([variable, variableAt]) =>
    textOf(variable, "name") === ourVariable && !isPodName(variable)
      ? [`${variableAt}: has no effect: ${ourVariable} is the pod's name, by which an instance knows its number`]
      : [],
  );

/** Where the images of all runtimes have what an instance is started from. */
const startedFrom: ReadonlySet<string> = new Set(["/", "/pulsar", "/pulsar/instances", "/pulsar/lib", "/pulsar/conf"]);

/** Of a single file there is no harm. */
const hidingWarnings = (spec: JsonObject, at: string): readonly string[] =>
  entriesAt(listOf(spec, "volumeMounts"), joinPath(at, "volumeMounts")).flatMap(([mount, mountAt]) => {
    const path = textOf(mount, "mountPath");
    return startedFrom.has(path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path)
      ? [`${joinPath(mountAt, "mountPath")}: ${path} hides what the image has there, from which instances are started`]
      : [];
  });
