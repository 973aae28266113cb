/** One model of `@kubernetes/client-node`, as its generated files describe it. */
export type Model = { readonly description: string; readonly fields: readonly ModelField[] };

export type ModelField = {
  /** As on the wire. */
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** `""` when the models don't document the field. */
  readonly description: string;
};

/** A type as the generated code spells it; `format` belongs to the innermost scalar. */
export type FieldType =
  | { readonly is: "scalar"; readonly name: "string" | "number" | "boolean"; readonly format: string }
  | { readonly is: "any" }
  | { readonly is: "model"; readonly name: string }
  | { readonly is: "list"; readonly of: FieldType }
  | { readonly is: "map"; readonly of: FieldType };

/**
 * Reads the text of both files instead of importing them: a few milliseconds for hundreds of models, and only the
 * declarations hold the descriptions and what is required.
 *
 * @param code          the `.js` file: wire names, types and formats in its `attributeTypeMap`
 * @param declarations  the `.d.ts` file
 * @throws Error when either has another form than the one all of the package's models have
 */
export function parseModel(name: string, code: string, declarations: string): Model {
  const table = /attributeTypeMap = (\[[\s\S]*?\]);\n/.exec(code)?.[1];
  const head = /\/\*\*\n\* ([^\n]*)\n\*\/\nexport declare class /.exec(declarations);
  if (table === undefined) throw new Error(`model ${name} has no attribute table`);
  const documented = declaredMembers(declarations);
  const fields = attributes(name, JSON.parse(table)).map((attribute): ModelField => {
    const member = documented.get(attribute.name);
    if (member === undefined) throw new Error(`model ${name} does not declare ${attribute.name}`);
    return { name: attribute.baseName, type: parseType(attribute.type, attribute.format), ...member };
  });
  return { description: unescapeComment(head?.[1] ?? ""), fields };
}

type Attribute = { name: string; baseName: string; type: string; format: string };

function attributes(model: string, value: unknown): Attribute[] {
  if (Array.isArray(value) && value.every(isAttribute)) return value;
  throw new Error(`model ${model} has an attribute table of another form`);
}

function isAttribute(value: unknown): value is Attribute {
  if (typeof value !== "object" || value === null) return false;
  const { name, baseName, type, format } = value as { [key: string]: unknown };
  return [name, baseName, type, format].every((text) => typeof text === "string");
}

function declaredMembers(declarations: string): Map<string, { required: boolean; description: string }> {
  const pattern = /(?: {4}\/\*\*\n {4}\* ([^\n]*)\n {4}\*\/\n)? {4}'([^']+)'(\??):/g;
  const members = new Map<string, { required: boolean; description: string }>();
  for (const [, comment = "", name = "", optional] of declarations.matchAll(pattern)) {
    members.set(name, { required: optional === "", description: unescapeComment(comment) });
  }
  return members;
}

function unescapeComment(text: string): string {
  return text
    .replace(/\\(["'\\])/g, "$1")
    .replaceAll("*_/", "*/")
    .trim();
}

function parseType(text: string, format: string): FieldType {
  const list = /^Array<(.*)>$/.exec(text)?.[1];
  if (list !== undefined) return { is: "list", of: parseType(list, format) };
  const map = /^\{ \[key: string\]: (.*); \}$/.exec(text)?.[1];
  if (map !== undefined) return { is: "map", of: parseType(map, format) };
  switch (text) {
    case "string":
    case "number":
    case "boolean":
      return { is: "scalar", name: text, format };
    case "any":
      return { is: "any" };
    default:
      return { is: "model", name: text };
  }
}
