/** What a table shows of one object. */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Column } from "../../apiserver/registry/rest/interface.ts";

/** Five minutes into 2026. */
const now = new Date("2026-01-01T00:05:00Z");

/** Cells as `Name=cell`, in order. */
export const rowOf = (columns: readonly Column[], object: KubeObject): readonly string[] =>
  columns.map(({ name, cell }) => {
    const value = cell(object);
    return `${name}=${typeof value === "function" ? value(now) : value}`;
  });

/** Names of the columns that are always shown, or of those that only `-o wide` shows. */
export const namesOf = (columns: readonly Column[], { wide }: { readonly wide: boolean }): readonly string[] =>
  columns.filter(({ priority }) => priority > 0 === wide).map(({ name }) => name);
