/** Which objects a list or watch wants: selectors, and the part of the key space they can be in (API 3.4, L-15, L-16). */

import type { Lookup } from "../../cacher/item-indexes.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import { type FieldSelector, type LabelSelector, requiredValue } from "../../machinery/selectors.ts";
import { fieldIndex, labelIndex, type Selectable } from "./cached-object.ts";

export type Selection = {
  /** Keys begin with this: `""`, `demo/`; or the whole key when `singleKey`. */
  readonly scope: string;
  /** At most the object at `scope` can match. */
  readonly singleKey: boolean;
  /** Everything under `scope` matches. */
  readonly everything: boolean;
  readonly matches: (item: Selectable, key: string) => boolean;
  /** What matches has one of the values in each. */
  readonly lookups: readonly Lookup[];
};

export type Selectors = { readonly labels: LabelSelector; readonly fields: FieldSelector };

export class Selections {
  readonly #namespaced: boolean;
  readonly #fields: readonly string[];

  /** @param selectableFields  of the kind, beyond its name and namespace */
  constructor({ namespaced, selectableFields }: { namespaced: boolean; selectableFields: readonly string[] }) {
    this.#namespaced = namespaced;
    this.#fields = ["metadata.name", ...(namespaced ? ["metadata.namespace"] : []), ...selectableFields];
  }

  /**
   * @param namespace of the URL; `""` for all
   * @throws StatusError 400 for a field that cannot be selected by (API L-35)
   */
  select(namespace: string, { labels, fields }: Selectors): Selection {
    for (const { field } of fields.requirements) {
      if (!this.#fields.includes(field)) throw unknownField(field, this.#fields);
    }
    const place = this.#scope(namespace, fields);
    const lookups = place.singleKey ? [] : lookupsOf({ labels, fields });
    const everything = labels.empty && fields.empty;
    return { ...place, everything, lookups, matches: this.#matcher({ labels, fields }) };
  }

  #scope(namespace: string, fields: FieldSelector): { scope: string; singleKey: boolean } {
    const name = requiredValue(fields, "metadata.name");
    if (!this.#namespaced) return { scope: name ?? "", singleKey: name !== undefined && name !== "" };
    const within = namespace === "" ? requiredValue(fields, "metadata.namespace") : namespace;
    if (within === undefined || within === "") return { scope: "", singleKey: false };
    return { scope: `${within}/${name ?? ""}`, singleKey: name !== undefined && name !== "" };
  }

  #matcher({ labels, fields }: Selectors): Selection["matches"] {
    if (labels.empty && fields.empty) return () => true;
    if (fields.empty) return (item) => labels.matches(item.labels);
    return (item, key) => labels.matches(item.labels) && fields.matches((field) => fieldValue(item, key, field));
  }
}

/** Of the requirements that name the values they want. Names and namespaces are in the key. */
function lookupsOf({ labels, fields }: Selectors): readonly Lookup[] {
  return [
    ...labels.requirements
      .filter(({ operator }) => operator === "=" || operator === "in")
      .map(({ key, values }) => ({ index: labelIndex(key), values })),
    ...fields.requirements
      .filter(({ field, operator }) => operator === "=" && !field.startsWith("metadata."))
      .map(({ field, value }) => ({ index: fieldIndex(field), values: [value] })),
  ];
}

function fieldValue({ fields }: Selectable, key: string, field: string): string {
  if (field === "metadata.name") return key.slice(key.indexOf("/") + 1);
  if (field === "metadata.namespace") return key.slice(0, key.indexOf("/"));
  return fields?.[field] ?? "";
}

function unknownField(field: string, known: readonly string[]) {
  const names = known.map((name) => JSON.stringify(name)).join(", ");
  return newBadRequest(`${JSON.stringify(field)} is not a known field selector: only ${names}`);
}
