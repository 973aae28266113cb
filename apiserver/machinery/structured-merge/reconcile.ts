import { type FieldNode, type FieldSet, mapNodes, newNode, noFields } from "./field-set.ts";
import { fieldName } from "./path-element.ts";
import type { Type } from "./types.ts";

/**
 * A set that was recorded under an older schema, as this one has it (API S-32): who owned fields of what is one field now
 * owns that. The other way round a set stays as it is: who owned the whole owns that until they write again.
 */
export function reconcile(type: Type, fields: FieldSet): FieldSet {
  return mapNodes(fields, (node, element) => reconcileNode(typeOf(type, element), node));
}

function reconcileNode(type: Type | undefined, node: FieldNode): FieldNode | undefined {
  if (type === undefined || node.below.size === 0) return node;
  if (isAtomic(type)) return newNode(true, noFields);
  const below = reconcile(type, node.below);
  return below === node.below ? node : newNode(node.owned, below);
}

function typeOf({ map, list }: Type, element: string): Type | undefined {
  const name = fieldName(element);
  if (name === undefined) return list?.element;
  return map?.fields.get(name) ?? map?.element;
}

/** Types of several shapes have no schema, so none that changed. */
function isAtomic({ scalar, map, list }: Type): boolean {
  if (scalar !== undefined) return false;
  return map?.atomic === true || list?.relation === "atomic";
}
