/** Columns that many kinds share, and short ways to make more. */
import { humanAge } from "../../machinery/human-duration.ts";
import type { Column, TimedCell } from "./interface.ts";

export const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name of the object, unique in its namespace.",
  priority: 0,
  cell: (object) => object.metadata.name ?? "",
};

/** Shown as a duration: kubectl prints cells as they are (API N-35). */
export const ageColumn: Column = {
  name: "Age",
  type: "date",
  description: "Time since the object was created.",
  priority: 0,
  cell: ({ metadata }) => ago(metadata.creationTimestamp),
};

/** Time since an RFC 3339 timestamp. */
export function ago(timestamp: string | undefined): TimedCell {
  const sinceMs = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return (now) => humanAge(sinceMs, now);
}

export function column(name: string, description: string, cell: Column["cell"]): Column {
  return { name, type: "string", description, priority: 0, cell };
}

/** A column that only `-o wide` shows. */
export function wideColumn(name: string, description: string, cell: Column["cell"]): Column {
  return { ...column(name, description, cell), priority: 1 };
}
