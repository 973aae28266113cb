/**
 * The OpenAPI v2 document as protobuf (API O-02): the message `openapi.v2.Document` of gnostic, which Go's clients read.
 * Each shape says which JSON member goes into which field; what the shapes don't know is an error, so nothing is lost.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { OpenApiV2Document } from "./build.ts";

/** Writes one value as one field, or several. @throws Error for a value of another type than the field's */
type Field = (writer: BinaryWriter, value: unknown) => void;
type Shape = {
  readonly fields: { readonly [member: string]: Field };
  /** Field of members that start with `x-`. */
  readonly extensions?: number;
};

export function encodeOpenApiV2(document: OpenApiV2Document): Uint8Array {
  const writer = new BinaryWriter();
  content(writer, documentShape, document);
  return writer.finish();
}

function content(writer: BinaryWriter, { fields, extensions }: Shape, value: unknown): void {
  for (const [member, inner] of entries(value)) {
    const field = Object.hasOwn(fields, member) ? fields[member] : undefined;
    if (field !== undefined) field(writer, inner);
    else if (extensions !== undefined && member.startsWith("x-")) extension(extensions)(writer, [member, inner]);
    else throw new Error(`OpenAPI v2 has no field for ${member}`);
  }
}

function entries(value: unknown): [name: string, value: unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not an object");
  return Object.entries(value).filter(([, inner]) => inner !== undefined);
}

const items = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

const text =
  (field: number): Field =>
  (writer, value) => {
    writer.tag(field, WireType.LengthDelimited).string(String(value));
  };
const flag =
  (field: number): Field =>
  (writer, value) => {
    writer.tag(field, WireType.Varint).bool(value === true);
  };
const double =
  (field: number): Field =>
  (writer, value) => {
    writer.tag(field, WireType.Bit64).double(Number(value));
  };
const int64 =
  (field: number): Field =>
  (writer, value) => {
    writer.tag(field, WireType.Varint).int64(Number(value));
  };
const each =
  (field: Field): Field =>
  (writer, value) => {
    for (const item of items(value)) field(writer, item);
  };
/** A message with one field. */
const within =
  (field: number, inner: Field): Field =>
  (writer, value) => {
    writer.tag(field, WireType.LengthDelimited).fork();
    inner(writer, value);
    writer.join();
  };
const message = (field: number, shape: () => Shape): Field =>
  within(field, (writer, value) => content(writer, shape(), value));
/** Members of an object, each a message of its name and its value. */
const named =
  (field: number, value: Field): Field =>
  (writer, object) => {
    for (const entry of entries(object)) {
      within(field, () => {
        text(1)(writer, entry[0]);
        value(writer, entry[1]);
      })(writer, entry);
    }
  };
/** Any value, as the YAML that JSON is. */
const any = (field: number): Field => within(field, (writer, value) => text(2)(writer, JSON.stringify(value)));
const extension =
  (field: number) =>
  (writer: BinaryWriter, [name, value]: readonly [string, unknown]): void =>
    named(field, any(2))(writer, { [name]: value });

const validation = (first: number): Shape["fields"] => ({
  default: any(first),
  maximum: double(first + 1),
  exclusiveMaximum: flag(first + 2),
  minimum: double(first + 3),
  exclusiveMinimum: flag(first + 4),
  maxLength: int64(first + 5),
  minLength: int64(first + 6),
  pattern: text(first + 7),
  maxItems: int64(first + 8),
  minItems: int64(first + 9),
  uniqueItems: flag(first + 10),
  enum: each(any(first + 11)),
  multipleOf: double(first + 12),
});

const schemaShape: Shape = {
  fields: {
    $ref: text(1),
    format: text(2),
    title: text(3),
    description: text(4),
    default: any(5),
    multipleOf: double(6),
    maximum: double(7),
    exclusiveMaximum: flag(8),
    minimum: double(9),
    exclusiveMinimum: flag(10),
    maxLength: int64(11),
    minLength: int64(12),
    pattern: text(13),
    maxItems: int64(14),
    minItems: int64(15),
    uniqueItems: flag(16),
    maxProperties: int64(17),
    minProperties: int64(18),
    required: each(text(19)),
    enum: each(any(20)),
    additionalProperties: within(21, (writer, value) =>
      (typeof value === "boolean" ? flag(2) : schema(1))(writer, value),
    ),
    type: within(22, each(text(1))),
    items: within(23, each(message(1, () => schemaShape))),
    allOf: each(message(24, () => schemaShape)),
    properties: within(
      25,
      named(
        1,
        message(2, () => schemaShape),
      ),
    ),
    discriminator: text(26),
    readOnly: flag(27),
    example: any(30),
  },
  extensions: 31,
};
const schema = (field: number): Field => message(field, () => schemaShape);

const bodyShape: Shape = {
  fields: { description: text(1), name: text(2), in: text(3), required: flag(4), schema: schema(5) },
  extensions: 6,
};
const placed = { required: flag(1), in: text(2), description: text(3), name: text(4) };
const queryShape: Shape = {
  fields: { ...placed, allowEmptyValue: flag(5), type: text(6), format: text(7), ...validation(10) },
  extensions: 23,
};
const pathOrHeaderShape: Shape = {
  fields: { ...placed, type: text(5), format: text(6), ...validation(9) },
  extensions: 22,
};
const parametersByPlace: ReadonlyMap<unknown, Field> = new Map([
  ["body", message(1, () => bodyShape)],
  [
    "header",
    within(
      2,
      message(1, () => pathOrHeaderShape),
    ),
  ],
  [
    "query",
    within(
      2,
      message(3, () => queryShape),
    ),
  ],
  [
    "path",
    within(
      2,
      message(4, () => pathOrHeaderShape),
    ),
  ],
]);
const parameter = (field: number): Field =>
  within(field, (writer, value) => {
    const place = entries(value).find(([member]) => member === "in")?.[1];
    const encode = parametersByPlace.get(place);
    if (encode === undefined) throw new Error(`OpenAPI v2 has no parameters in ${JSON.stringify(place)}`);
    encode(writer, value);
  });
const referenceShape: Shape = { fields: { $ref: text(1), description: text(2) } };
const parameterOrReference = (field: number): Field =>
  within(field, (writer, value) => {
    const isReference = entries(value).some(([member]) => member === "$ref");
    (isReference ? message(2, () => referenceShape) : parameter(1))(writer, value);
  });

const responseShape: Shape = { fields: { description: text(1), schema: within(2, schema(1)) }, extensions: 5 };
const securityRequirement = (field: number): Field => within(field, named(1, within(2, each(text(1)))));
const operationShape: Shape = {
  fields: {
    tags: each(text(1)),
    summary: text(2),
    description: text(3),
    operationId: text(5),
    produces: each(text(6)),
    consumes: each(text(7)),
    parameters: each(parameterOrReference(8)),
    responses: within(
      9,
      named(
        1,
        within(
          2,
          message(1, () => responseShape),
        ),
      ),
    ),
    schemes: each(text(10)),
    deprecated: flag(11),
    security: each(securityRequirement(12)),
  },
  extensions: 13,
};
const operation = (field: number): Field => message(field, () => operationShape);
const pathShape: Shape = {
  fields: {
    get: operation(2),
    put: operation(3),
    post: operation(4),
    delete: operation(5),
    options: operation(6),
    head: operation(7),
    patch: operation(8),
    parameters: each(parameterOrReference(9)),
  },
  extensions: 10,
};
const apiKeyShape: Shape = { fields: { type: text(1), name: text(2), in: text(3), description: text(4) } };

const documentShape: Shape = {
  fields: {
    swagger: text(1),
    info: message(2, () => ({ fields: { title: text(1), version: text(2), description: text(3) } })),
    paths: within(
      8,
      named(
        2,
        message(2, () => pathShape),
      ),
    ),
    definitions: within(9, named(1, schema(2))),
    parameters: within(10, named(1, parameter(2))),
    security: each(securityRequirement(12)),
    securityDefinitions: within(
      13,
      named(
        1,
        within(
          2,
          message(2, () => apiKeyShape),
        ),
      ),
    ),
  },
  extensions: 16,
};
