/** What of a container's resources its own pod may be told, in a variable or a file. Texts are kube-apiserver's. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, notSupported, required } from "../../../errors/field-error.ts";
import { isSet, textOf } from "../../../machinery/fields.ts";
import { compareQuantities, parseQuantity } from "../../../machinery/quantity.ts";

const amounts = ["limits", "requests"].flatMap((part) =>
  ["cpu", "memory", "ephemeral-storage"].map((resource) => `${part}.${resource}`),
);
const hugePages = /^(?:limits|requests)\.hugepages-/;

const ofBytes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
const divisors: readonly (readonly [resource: RegExp, name: string, allowed: readonly string[]])[] = [
  [/\.cpu$/, "cpu", ["1m", "1"]],
  [/\.memory$/, "memory", ofBytes],
  [/\.ephemeral-storage$/, "ephemeral-storage", ofBytes],
  [hugePages, "hugepages", ofBytes],
];

export function amountOfContainerErrors(source: JsonObject, at: string): readonly FieldError[] {
  const resource = textOf(source, "resource");
  if (resource === "") return [required(joinPath(at, "resource"), "")];
  return amounts.includes(resource) || hugePages.test(resource)
    ? divisorErrors(source, resource, joinPath(at, "divisor"))
    : [notSupported(joinPath(at, "resource"), resource, amounts)];
}

function divisorErrors(source: JsonObject, resource: string, at: string): readonly FieldError[] {
  const [, name = "", allowed = []] = divisors.find(([pattern]) => pattern.test(resource)) ?? [];
  const divisor = isSet(source, "divisor") ? parseQuantity(source.divisor ?? null) : undefined;
  // Zero stands for none.
  const isOne = ["0", ...allowed].some((text) => {
    const one = parseQuantity(text);
    return divisor !== undefined && one !== undefined && compareQuantities(divisor, one) === 0;
  });
  return divisor === undefined || isOne
    ? []
    : [
        invalid(
          at,
          String(divisor),
          `only divisor's values ${allowed.join(", ")} are supported with the ${name} resource`,
        ),
      ];
}
