/** Which objects a list or watch wants: selectors, and the part of the key space they can be in (API 3.4, L-15, L-16). */
import type { KubeObject } from "../../apis/meta/v1.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import { type FieldSelector, type LabelSelector, requiredValue } from "../../machinery/selectors.ts";
import type { EncodedObject } from "../rest/interface.ts";
import type { ResourceDefinition } from "../rest/strategy.ts";

export type Selection = {
  /** Keys begin with this: `""`, `demo/`; or the whole key when `singleKey`. */
  readonly scope: string;
  /** At most the object at `scope` can match. */
  readonly singleKey: boolean;
  /** Everything under `scope` matches. */
  readonly everything: boolean;
  readonly matches: (item: EncodedObject) => boolean;
};

export type Selectors = { readonly labels: LabelSelector; readonly fields: FieldSelector };

type FieldValues = (object: KubeObject, field: string) => string;

export class Selections {
  readonly #namespaced: boolean;
  readonly #fieldValue: FieldValues;
  readonly #fields: readonly string[];

  constructor({ namespaced, selectableFields }: Pick<ResourceDefinition, "namespaced" | "selectableFields">) {
    this.#namespaced = namespaced;
    const values = new Map<string, (object: KubeObject) => string>([
      ["metadata.name", ({ metadata }) => metadata.name ?? ""],
      ...(namespaced ? [["metadata.namespace", namespaceOf] as const] : []),
      ...Object.entries(selectableFields),
    ]);
    this.#fields = [...values.keys()];
    this.#fieldValue = (object, field) => values.get(field)?.(object) ?? "";
  }

  /**
   * @param namespace of the URL; `""` for all
   * @throws StatusError 400 for a field that cannot be selected by (API L-35)
   */
  select(namespace: string, { labels, fields }: Selectors): Selection {
    for (const { field } of fields.requirements) {
      if (!this.#fields.includes(field)) throw unknownField(field, this.#fields);
    }
    const everything = labels.empty && fields.empty;
    return { ...this.#scope(namespace, fields), everything, matches: this.#matcher({ labels, fields }) };
  }

  #scope(namespace: string, fields: FieldSelector): { scope: string; singleKey: boolean } {
    const name = requiredValue(fields, "metadata.name");
    if (!this.#namespaced) return { scope: name ?? "", singleKey: name !== undefined && name !== "" };
    const within = namespace === "" ? requiredValue(fields, "metadata.namespace") : namespace;
    if (within === undefined || within === "") return { scope: "", singleKey: false };
    return { scope: `${within}/${name ?? ""}`, singleKey: name !== undefined && name !== "" };
  }

  #matcher({ labels, fields }: Selectors): (item: EncodedObject) => boolean {
    if (labels.empty && fields.empty) return () => true;
    if (fields.empty) return ({ object }) => labels.matches(object.metadata.labels);
    const fieldValue = this.#fieldValue;
    return ({ object }) =>
      labels.matches(object.metadata.labels) && fields.matches((field) => fieldValue(object, field));
  }
}

const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? "";

function unknownField(field: string, known: readonly string[]) {
  const names = known.map((name) => JSON.stringify(name)).join(", ");
  return newBadRequest(`${JSON.stringify(field)} is not a known field selector: only ${names}`);
}
