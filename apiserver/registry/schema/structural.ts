import { metaPackage } from "../../../openapi/core/well-known-types.ts";
import { isRef, resolve, type Schema, type SchemaOrRef, type SchemaSet } from "../../../openapi/schema.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { decodeObjectMeta } from "../../machinery/decode-object-meta.ts";
import { canonicalMicroTime, canonicalTime } from "../../machinery/time.ts";
import { ListNode, ObjectNode, type UndeclaredMembers } from "./container-nodes.ts";
import {
  anyNode,
  type Node,
  newBooleanNode,
  newBytesNode,
  newIntegerNode,
  newIntOrStringNode,
  newNumberNode,
  newQuantityNode,
  newStringNode,
  newTimeNode,
} from "./scalar-nodes.ts";
import { Walk } from "./walk.ts";

/**
 * A kind's schema at work (design D3): one walk over an object drops what the schema doesn't know, drops nulls that mean
 * absence, fills in defaults and checks everything else. Compiled once per kind; walks share nothing.
 */

export type DecodeOptions = {
  /**
   * The stored object that this one replaces. What is wrong with it already is not reported again, so that an object from
   * before a rule stays editable (API CR-25).
   */
  readonly previous?: JsonObject;
};

export type DecodedObject = {
  /** Shares with the input whatever didn't change; treat both as immutable. */
  readonly object: JsonObject;
  /** Paths of what was dropped because it means nothing, sorted, e.g. `spec.foo` (API V-17). */
  readonly unknownFields: string[];
  readonly errors: FieldError[];
  /** Why Go could not decode it: 400 where it must be metadata or of a built-in kind. The rest is decoded nevertheless. */
  readonly malformed?: string;
};

export class StructuralSchema {
  readonly #root: ObjectNode;

  constructor(root: ObjectNode) {
    this.#root = root;
  }

  /** The object, without unknown members that nobody would be told of. */
  cropped(object: JsonObject): JsonObject {
    return this.#root.cropped(object);
  }

  /** @param object  not changed; nothing about it is trusted */
  decode(object: JsonObject, options: DecodeOptions = {}): DecodedObject {
    const walk = new Walk();
    const decoded = this.#root.decodeObject(object, walk);
    return {
      object: decoded,
      unknownFields: walk.unknownFields,
      errors: walk.errorsSince(options.previous, decoded) ?? this.#everyError(object, options.previous),
      ...(walk.malformed !== undefined && { malformed: walk.malformed }),
    };
  }

  /** For an object that was stored with very many mistakes, before they were ones. */
  #everyError(object: JsonObject, previous: JsonObject | undefined): FieldError[] {
    const walk = new Walk(Number.POSITIVE_INFINITY);
    return walk.errorsSince(previous, this.#root.decodeObject(object, walk)) ?? [];
  }
}

export type CompileOptions = {
  /**
   * Go's types of the built-in kinds know no difference between empty and absent: optional lists and maps are absent when
   * they are empty, and a time that is required may be missing, for it is null then.
   */
  readonly omitEmpty?: boolean;
};

/**
 * @param name  component name of a kind, e.g. `io.functionmesh.compute.v1alpha1.Function`
 * @throws Error for a schema that is missing: schemas are ours, so that is found at start-up
 */
export function compileSchema(schemas: SchemaSet, name: string, options: CompileOptions = {}): StructuralSchema {
  const schema = schemas.get(name);
  if (schema === undefined) throw new Error(`no schema for ${name}`);
  return new Compiler(schemas, options).compileKind(schema);
}

/** What every object has at its root, whatever its kind's schema says about it. */
const metadataNode: Node = {
  nullable: true,
  decode(value, walk) {
    const { metadata, unknownFields, malformed } = decodeObjectMeta(value);
    walk.malformed ??= malformed;
    for (const field of unknownFields) walk.reportUnknown(field.slice("metadata.".length));
    return metadata;
  },
};
const rootMembers = new Map([
  ["apiVersion", anyNode],
  ["kind", anyNode],
  ["metadata", metadataNode],
]);

type TimeForm = (text: string) => string | undefined;
/** Times of Kubernetes' own kinds; what our own call a date-time is a string that is checked. */
const timeForms: readonly (readonly [name: string, form: TimeForm])[] = [
  [`${metaPackage}.Time`, canonicalTime],
  [`${metaPackage}.MicroTime`, canonicalMicroTime],
];

class Compiler {
  readonly #schemas: SchemaSet;
  readonly #omitEmpty: boolean;
  /** By the schema they are of, so that a type is compiled once and may contain itself. */
  readonly #nodes = new Map<Schema, Node>();
  readonly #timeForms: ReadonlyMap<Schema | undefined, TimeForm>;

  constructor(schemas: SchemaSet, { omitEmpty = false }: CompileOptions) {
    this.#schemas = schemas;
    this.#omitEmpty = omitEmpty;
    this.#timeForms = new Map(timeForms.map(([name, form]) => [schemas.get(name), form]));
  }

  compileKind(schema: Schema): StructuralSchema {
    const root = new ObjectNode(schema);
    this.#complete(root, schema, rootMembers);
    return new StructuralSchema(root);
  }

  #compile(schemaOrRef: SchemaOrRef): Node {
    const schema = resolve(this.#schemas, schemaOrRef);
    const known = this.#nodes.get(schema);
    if (known !== undefined) return known;
    if (!isObjectSchema(schema)) {
      const node = this.#newNode(schema);
      this.#nodes.set(schema, node);
      return node;
    }
    const node = new ObjectNode(schema);
    this.#nodes.set(schema, node);
    this.#complete(node, schema, new Map());
    return node;
  }

  #newNode(schema: Schema): Node {
    const canonical = this.#timeForms.get(schema);
    if (canonical !== undefined) return newTimeNode(schema, canonical);
    if (schema.format === "quantity") return newQuantityNode(schema);
    if (schema["x-kubernetes-int-or-string"] === true) return newIntOrStringNode(schema);
    if (schema.format === "byte") return newBytesNode(schema);
    switch (schema.type) {
      case "array":
        return new ListNode(schema, schema.items === undefined ? anyNode : this.#compile(schema.items));
      case "string":
        return newStringNode(schema);
      case "integer":
        return newIntegerNode(schema);
      case "number":
        return newNumberNode(schema);
      case "boolean":
        return newBooleanNode(schema);
      default:
        return anyNode;
    }
  }

  /** @param replaced  nodes that members of these names get instead of what the schema says */
  #complete(node: ObjectNode, schema: Schema, replaced: ReadonlyMap<string, Node>): void {
    const declared = Object.entries(schema.properties ?? {}).filter(([name]) => !replaced.has(name));
    const compiled = declared.map(([name, property]) => [name, property, this.#compile(property)] as const);
    node.complete({
      properties: new Map([...replaced, ...compiled.map(([name, , child]) => [name, child] as const)]),
      undeclared: this.#undeclared(schema),
      required: this.#required(schema),
      omittedWhenEmpty: new Set(this.#omitEmpty ? this.#optionalCollections(schema) : []),
      defaults: compiled.flatMap(([name, property, child]) => {
        const value = this.#defaultOf(property);
        return value === undefined ? [] : [{ name, value, node: child }];
      }),
    });
  }

  #required({ properties = {}, required = [] }: Schema): readonly string[] {
    const isMissed = (name: string): boolean => {
      const property = properties[name];
      return !this.#omitEmpty || property === undefined || !this.#timeForms.has(resolve(this.#schemas, property));
    };
    return required.filter(isMissed).sort();
  }

  #optionalCollections({ properties = {}, required = [] }: Schema): string[] {
    return Object.entries(properties).flatMap(([name, property]) => {
      const { type, additionalProperties } = resolve(this.#schemas, property);
      const isCollection = type === "array" || typeof additionalProperties === "object";
      return isCollection && !required.includes(name) ? [name] : [];
    });
  }

  /** A reference's own default wins over its target's. */
  #defaultOf(property: SchemaOrRef): JsonValue | undefined {
    if (isRef(property) && property.default !== undefined) return property.default;
    return resolve(this.#schemas, property).default;
  }

  #undeclared(schema: Schema): UndeclaredMembers {
    const { additionalProperties } = schema;
    if (typeof additionalProperties === "object") return this.#compile(additionalProperties);
    if (additionalProperties === true || schema["x-kubernetes-preserve-unknown-fields"] === true) return "keep";
    return schema.properties === undefined && additionalProperties === undefined ? "keep" : "unknown";
  }
}

function isObjectSchema(schema: Schema): boolean {
  return schema.type === "object" || (schema.type === undefined && schema.properties !== undefined);
}
