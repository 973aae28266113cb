import type { StatusCause } from "../../apis/meta/v1.ts";
import { type StatusError, statusError } from "../../errors/status-error.ts";
import { limits } from "../../limits.ts";
import { describePath, type FieldSet, pathsOf, sizeOf } from "../structured-merge/field-set.ts";
import type { ManagerKey } from "./managers.ts";

/** Fields of each manager that an apply would take. */
export type Conflicts = readonly { readonly manager: ManagerKey; readonly fields: FieldSet }[];

/** 409 that names the fields with their managers, the first hundred at once (API S-26). */
export function newApplyConflict(conflicts: Conflicts): StatusError {
  const causes: StatusCause[] = [];
  const groups: string[] = [];
  let count = 0;
  for (const { manager, fields } of conflicts.toSorted((a, b) => compareManagers(a.manager, b.manager))) {
    const message = `conflict with ${describeManager(manager)}`;
    const paths = firstPaths(fields, limits.maxCauses.value - causes.length);
    count += sizeOf(fields);
    causes.push(...paths.map((field) => ({ reason: "FieldManagerConflict", message, field })));
    const lines = paths.map((path) => `- ${path}`);
    if (lines.length > 0) groups.push([`conflicts with ${describeManager(manager)}:`, ...lines].join("\n"));
  }
  const [only] = causes;
  const text =
    count === 1 && only !== undefined
      ? `1 conflict: ${only.message}: ${only.field}`
      : `${count} conflicts: ${groups.join("\n")}`;
  return statusError(409, "Conflict", `Apply failed with ${text}`, { causes }, { unlisted: count - causes.length });
}

function firstPaths(fields: FieldSet, count: number): string[] {
  return pathsOf(fields).take(count).map(describePath).toArray();
}

export function describeManager({ manager, operation, apiVersion, subresource }: ManagerKey): string {
  const name = JSON.stringify(manager);
  const through = subresource === "" ? name : `${name} with subresource ${JSON.stringify(subresource)}`;
  return operation === "Update" ? `${through} using ${apiVersion}` : through;
}

function compareManagers(a: ManagerKey, b: ManagerKey): number {
  const [left, right] = [sortText(a), sortText(b)];
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

const sortText = ({ manager, operation, apiVersion, subresource }: ManagerKey): string =>
  JSON.stringify([manager, operation, apiVersion, subresource]);
