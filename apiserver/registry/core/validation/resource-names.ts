/** Names of what a container may ask of its node. Texts are kube-apiserver's. */
import { type FieldError, invalid } from "../../../errors/field-error.ts";
import { qualifiedNameProblems } from "../../../machinery/names.ts";
import { named } from "./checks.ts";

const standard: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const extendedPrefix = "requests.";

export function containerResourceErrors(name: string, at: string): readonly FieldError[] {
  const errors = named(name, at, qualifiedNameProblems);
  if (name.includes("/")) {
    // A quota of it is called `requests.<name>`, which must be a name as well.
    const isExtended = isNative(name) || qualifiedNameProblems(extendedPrefix + name).length === 0;
    return isExtended ? errors : [...errors, invalid(at, name, "doesn't follow extended resource name standard")];
  }
  if (standard.has(name) || name.startsWith("hugepages-")) return errors;
  return [
    ...errors,
    ...(errors.length > 0 ? [] : [invalid(at, name, "must be a standard resource type or fully qualified")]),
    invalid(at, name, "must be a standard resource for containers"),
  ];
}

const isNative = (name: string): boolean => name.includes("kubernetes.io/");
