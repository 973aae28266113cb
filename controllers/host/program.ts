/** What the containers of a simulated Job do: nothing runs, but some programs say in a few words how they would end. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf, textsOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";

export type Course = { readonly lastsMs: number; readonly exitCode: number };

const success: Course = { lastsMs: 0, exitCode: 0 };
const endless: Course = { lastsMs: Number.POSITIVE_INFINITY, exitCode: 0 };
/** The image with which Kubernetes keeps a pod open, whatever its registry and tag. */
const pauseImage = /(?:^|\/)pause(?:[:@]|$)/;
const shell = /^(?:\/bin\/)?(?:ba)?sh$/;
/** `sleep 5`, `exit 1`, `sleep 5; exit 1`, where white space is one space. */
const script = /^(?:sleep (?<seconds>\d{1,9}))?(?: ?(?:;|&&)? ?exit (?<exitCode>\d{1,3}))?$/;

/** Of a program that is not known: done at once, and well. */
export function courseOf(container: JsonObject): Course {
  const [program = "", ...words] = [...textsOf(container, "command"), ...textsOf(container, "args")];
  if (program === "") return pauseImage.test(textOf(container, "image")) ? endless : success;
  if (program === "false") return { lastsMs: 0, exitCode: 1 };
  const line = shell.test(program) && words[0] === "-c" ? (words[1] ?? "") : [program, ...words].join(" ");
  const { seconds = "0", exitCode = "0" } = script.exec(line.trim().replace(/\s+/g, " "))?.groups ?? {};
  return { lastsMs: Number(seconds) * 1000, exitCode: Number(exitCode) % 256 };
}

/** A pod has ended when the last of its containers has. */
export const lastingMs = (pod: KubeObject): number =>
  Math.max(
    0,
    ...listOf(objectOf(pod, "spec"), "containers")
      .filter(isObject)
      .map((container) => courseOf(container).lastsMs),
  );
