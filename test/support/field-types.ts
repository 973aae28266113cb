/** A type with one field of every sort, for tests of structured merge. */
import {
  freeFormType,
  type ListType,
  type MapType,
  type Type,
} from "../../apiserver/machinery/structured-merge/types.ts";

export const text: Type = { scalar: "string" };
export const numeric: Type = { scalar: "numeric" };
const flag: Type = { scalar: "boolean" };

export function struct(fields: Readonly<Record<string, Type>>): Type & { readonly map: MapType } {
  return { map: { atomic: false, fields: new Map(Object.entries(fields)), element: undefined } };
}
export const map = (element: Type): Type => ({ map: { atomic: false, fields: new Map(), element } });
export const atomic = (element: Type): Type => ({ list: { relation: "atomic", keys: [], element } });
export const set = (element: Type): Type => ({ list: { relation: "set", keys: [], element } });
export const keyed = (keys: ListType["keys"], element: Type): Type => ({ list: { relation: "keyed", keys, element } });

const item: { map?: MapType } = {};
const nested = keyed([{ name: "name" }], item);
item.map = struct({ name: text, text, nested }).map;

export const thing = struct({
  apiVersion: text,
  kind: text,
  metadata: struct({ name: text, labels: map(text) }),
  text,
  number: numeric,
  flag,
  struct: struct({ text, number: numeric }),
  map: map(struct({ text })),
  set: set(text),
  nested,
  ports: keyed(
    [{ name: "port" }, { name: "protocol", default: "TCP" }],
    struct({ port: numeric, protocol: text, text }),
  ),
  atomicList: atomic(numeric),
  atomicMap: { map: { atomic: true, fields: new Map(), element: numeric } },
  free: freeFormType,
});
