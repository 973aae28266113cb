import assert from "node:assert/strict";
import { test } from "node:test";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { buildOpenApiV2, type OpenApiResource } from "./build.ts";
import { encodeOpenApiV2 } from "./protobuf.ts";
import { loadSchemas } from "./schemas/index.ts";

const functions: OpenApiResource = {
  group: "compute.functionmesh.io",
  version: "v1alpha1",
  kind: "Function",
  resource: "functions",
  namespaced: true,
  schemaName: "io.functionmesh.compute.v1alpha1.Function",
  verbs: ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
  patchTypes: ["application/merge-patch+json"],
  subresources: [],
};
const document = buildOpenApiV2(loadSchemas(), [functions]);

/** Contents of the fields of a message with this number. */
function fieldsOf(bytes: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(bytes);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === wanted && type === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(type, field);
  }
  return found;
}

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** Follows a path of field numbers; of several fields the first that leads on. */
function at(bytes: Uint8Array, ...path: readonly number[]): Uint8Array[] {
  return path.reduce<Uint8Array[]>((found, field) => found.flatMap((each) => fieldsOf(each, field)), [bytes]);
}

const encoded = encodeOpenApiV2(document);
const definitions = at(encoded, 9, 1);
const definitionOf = (name: string): Uint8Array => {
  const found = definitions.find((each) => text(fieldsOf(each, 1)[0]) === name);
  assert.ok(found, name);
  return fieldsOf(found, 2)[0] ?? new Uint8Array();
};

test("the message has every path and every definition of the document, by name and in order", () => {
  assert.equal(text(at(encoded, 1)[0]), "2.0");
  assert.deepEqual(at(encoded, 8, 2, 1).map(text), Object.keys(document.paths));
  assert.deepEqual(
    definitions.map((each) => text(fieldsOf(each, 1)[0])),
    Object.keys(document.definitions),
  );
});

test("a definition has its description, its properties, their references and the kind it is of", () => {
  const definition = definitionOf("io.functionmesh.compute.v1alpha1.Function");
  assert.deepEqual(at(definition, 22, 1).map(text), ["object"]);
  const properties = at(definition, 25, 1);
  assert.deepEqual(properties.map((each) => text(fieldsOf(each, 1)[0])).toSorted(), [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "status",
  ]);
  const kinds = fieldsOf(definition, 31).find(
    (each) => text(fieldsOf(each, 1)[0]) === "x-kubernetes-group-version-kind",
  );
  assert.deepEqual(JSON.parse(text(at(kinds ?? new Uint8Array(), 2, 2)[0])), [
    { group: "compute.functionmesh.io", kind: "Function", version: "v1alpha1" },
  ]);
  const metadata = properties.find((each) => text(fieldsOf(each, 1)[0]) === "metadata") ?? new Uint8Array();
  assert.match([...at(metadata, 2, 1), ...at(metadata, 2, 24, 1)].map(text).join(), /#\/definitions\/.*ObjectMeta/);
});

test("an operation has its parameters, in place or by reference, and its answers", () => {
  const item = at(encoded, 8, 2).find((each) => text(fieldsOf(each, 1)[0]).endsWith("/functions/{name}"));
  const put = at(item ?? new Uint8Array(), 2, 3);
  assert.deepEqual(at(put[0] ?? new Uint8Array(), 5).map(text), [
    "replaceComputeFunctionmeshIoV1alpha1NamespacedFunction",
  ]);
  assert.deepEqual(at(put[0] ?? new Uint8Array(), 8, 1, 1, 2).map(text), ["body"]);
  assert.ok(
    at(put[0] ?? new Uint8Array(), 8, 1, 2, 3, 4)
      .map(text)
      .includes("dryRun"),
  );
  assert.ok(at(put[0] ?? new Uint8Array(), 8, 2, 1).length > 0);
  assert.ok(
    at(put[0] ?? new Uint8Array(), 9, 1, 1)
      .map(text)
      .includes("200"),
  );
});

test("what the message cannot say is an error, not lost", () => {
  assert.throws(
    () => encodeOpenApiV2({ ...document, definitions: { a: { oneOf: [] } } }),
    /OpenAPI v2 has no field for oneOf/,
  );
});
