import type { StatusCause } from "../../apis/meta/v1.ts";
import { type StatusError, statusError } from "../../errors/status-error.ts";
import { describePath, type FieldSet, pathsOf } from "../structured-merge/field-set.ts";
import type { ManagerKey } from "./managers.ts";

/** Fields of each manager that an apply would take. */
export type Conflicts = readonly { readonly manager: ManagerKey; readonly fields: FieldSet }[];

/** Conflicts that are named, and bytes of their paths: beyond that only their number is told. */
const maxNamed = 1000;
const maxPathBytes = 256 * 1024;

/** 409 that names every field with its manager (API S-26). */
export function newApplyConflict(conflicts: Conflicts): StatusError {
  const causes: StatusCause[] = [];
  const groups: string[] = [];
  let [count, bytes] = [0, 0];
  for (const { manager, fields } of conflicts.toSorted((a, b) => compareManagers(a.manager, b.manager))) {
    const name = describeManager(manager);
    const paths: string[] = [];
    for (const path of pathsOf(fields)) {
      count++;
      if (count > maxNamed || bytes > maxPathBytes) continue;
      const field = describePath(path);
      bytes += field.length;
      paths.push(field);
      causes.push({ reason: "FieldManagerConflict", message: `conflict with ${name}`, field });
    }
    if (paths.length > 0) groups.push([`conflicts with ${name}:`, ...paths.map((path) => `- ${path}`)].join("\n"));
  }
  const [only] = causes;
  const text =
    count === 1 && only !== undefined
      ? `1 conflict: ${only.message}: ${only.field}`
      : `${count} conflicts: ${groups.join("\n")}`;
  return statusError(409, "Conflict", `Apply failed with ${text}`, { causes });
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
