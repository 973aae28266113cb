/** What Linux lets a program be given: a pod whose command is longer can never start (argo-workflows issue 15471). */
import type { KubeObject } from "../../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../../apiserver/machinery/json.ts";
import { partOf } from "../parts.ts";

/** `MAX_ARG_STRLEN` of Linux, in bytes, less the byte that ends an argument. */
const maxArgumentBytes = 131_071;

/** Absent when every argument of every container of ours is short enough. */
export function argumentProblem(statefulSet: KubeObject): { reason: string; message: string } | undefined {
  const { template } = partOf(statefulSet, "spec");
  const spec = isObject(template) ? template.spec : undefined;
  const containers = isObject(spec) && Array.isArray(spec.containers) ? spec.containers.filter(isObject) : [];
  for (const { name, command } of containers) {
    const longest = Math.max(
      0,
      ...(Array.isArray(command) ? command : []).map((word) => Buffer.byteLength(String(word))),
    );
    if (longest > maxArgumentBytes) {
      const message = `The command of container ${name} has an argument of ${longest} bytes; Linux starts no program with one of more than ${maxArgumentBytes}. Pass large values by a file or a topic instead of the configuration.`;
      return { reason: "ArgumentTooLong", message };
    }
  }
  return undefined;
}
