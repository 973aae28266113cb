import type { JsonObject } from "../../apis/meta/v1.ts";
import { listOf, objectOf } from "../../machinery/fields.ts";
import { isObject } from "../../machinery/json.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../machinery/quantity.ts";

const zero = Quantity.of(0n);
const computeResources = ["cpu", "memory"] as const;

/**
 * How a node treats a pod when it runs short: `Guaranteed` when every container is limited in cpu and memory and asks for
 * as much, `BestEffort` when none asks for any, else `Burstable`.
 */
export function qosClassOf(spec: JsonObject | undefined): "Guaranteed" | "Burstable" | "BestEffort" {
  const containers = ["containers", "initContainers"].flatMap((field) => listOf(spec, field)).filter(isObject);
  const amounts = containers.flatMap((container) => {
    const resources = objectOf(container, "resources");
    return computeResources.map((name) => ({
      limit: positive(objectOf(resources, "limits"), name),
      // What isn't requested is as much as the limit.
      request: positive(objectOf(resources, "requests"), name) ?? positive(objectOf(resources, "limits"), name),
    }));
  });
  if (amounts.every(({ limit, request }) => limit === undefined && request === undefined)) return "BestEffort";
  const guaranteed = amounts.every(
    ({ limit, request }) => limit !== undefined && request !== undefined && compareQuantities(limit, request) === 0,
  );
  return guaranteed ? "Guaranteed" : "Burstable";
}

function positive(amounts: JsonObject | undefined, name: string): Quantity | undefined {
  const quantity = parseQuantity(amounts?.[name] ?? "");
  return quantity !== undefined && compareQuantities(quantity, zero) > 0 ? quantity : undefined;
}
