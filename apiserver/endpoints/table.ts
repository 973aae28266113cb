/** Tables and PartialObjectMetadata: objects as kubectl and metadata clients ask for them (API 7.3). */
import type { JsonObject, ListMeta } from "../apis/meta/v1.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { memberBytes } from "../machinery/json-members.ts";
import { ageColumn, nameColumn } from "../registry/rest/columns.ts";
import type { Column, EncodedObject, TimedCell } from "../registry/rest/interface.ts";
import type { ApiRequest } from "./api-handler.ts";
import { utf8 } from "./bytes.ts";
import type { MetaVersion } from "./negotiation.ts";

/** Columns of kinds that define none, as custom resources have them (API N-35). */
export const defaultColumns: readonly Column[] = [nameColumn, ageColumn];

export type IncludeObject = "Metadata" | "Object" | "None";
const includeObjects: readonly IncludeObject[] = ["Metadata", "Object", "None"];

/** @throws StatusError 400 (API N-33) */
export function includeObjectOf(request: ApiRequest): IncludeObject {
  const asked = request.query.get("includeObject") ?? "";
  const include = asked === "" ? "Metadata" : includeObjects.find((value) => value === asked);
  if (include !== undefined) return include;
  throw newBadRequest(
    `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`,
  );
}

const emptyObject = utf8("{}");
const close = utf8("}");
const nullBytes = utf8("null");
const partialPrefixes: Readonly<Record<MetaVersion, Uint8Array>> = {
  v1: utf8('{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":'),
  v1beta1: utf8('{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1beta1","metadata":'),
};

/** The object with nothing but its metadata, cut out of the bytes it has already. */
export function partialObjectParts(
  item: Pick<EncodedObject, "json" | "metadataJson">,
  version: MetaVersion,
): Uint8Array[] {
  const metadata = item.metadataJson ?? memberBytes(item.json, "metadata") ?? emptyObject;
  return [partialPrefixes[version], metadata, close];
}

/** Definitions of the columns as a Table has them (API N-31). */
export function columnDefinitions(columns: readonly Column[]): JsonObject[] {
  return columns.map(({ name, type, format = "", description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

export type TableOptions = {
  readonly columns: readonly Column[];
  readonly include: IncludeObject;
  readonly version: MetaVersion;
};

/** JSON of cells and of those that change with time, in order; commas are with the text. */
type Cells = readonly (string | TimedCell)[];

/** Of the objects that were shown, as long as they are there: an object is decoded for its first row alone. */
const keptCells = new WeakMap<EncodedObject, { readonly columns: readonly Column[]; readonly cells: Cells }>();

function cellsOf(item: EncodedObject, columns: readonly Column[]): Cells {
  const kept = keptCells.get(item);
  if (kept?.columns === columns) return kept.cells;
  const { object } = item;
  const cells: (string | TimedCell)[] = [];
  let texts: string[] = [];
  for (const { cell } of columns) {
    const value = cell(object);
    if (typeof value !== "function") {
      texts.push(JSON.stringify(value));
      continue;
    }
    // One text takes less memory than its parts.
    cells.push([...texts, ""].join(","), value);
    texts = [""];
  }
  cells.push(texts.join(","));
  keptCells.set(item, { columns, cells });
  return cells;
}

function cellsText(cells: Cells, now: Date): string {
  let text = "";
  for (const cell of cells) text += typeof cell === "string" ? cell : JSON.stringify(cell(now));
  return text;
}

/** One row: `{"cells":[…],"object":…}`. */
export function rowParts(item: EncodedObject, { columns, include, version }: TableOptions, now: Date): Uint8Array[] {
  const start = utf8(`{"cells":[${cellsText(cellsOf(item, columns), now)}],"object":`);
  if (include === "None") return [start, nullBytes, close];
  if (include === "Object") return [start, item.json, close];
  return [start, ...partialObjectParts(item, version), close];
}

/**
 * What stands before the row of a Table that is an event; `]}` ends it.
 * @param definitions  JSON; `null` in all but the first event of a watch (API W-51)
 */
export function tableHeader(metadata: ListMeta, version: MetaVersion, definitions: string): Uint8Array {
  return utf8(
    `{"kind":"Table","apiVersion":"meta.k8s.io/${version}","metadata":${JSON.stringify(metadata)},"columnDefinitions":${definitions},"rows":[`,
  );
}
