import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ref, type Schema } from "../../../openapi/schema.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { isObject, parseJson, stringifyJson } from "../../machinery/json.ts";
import { compileSchema } from "./structural.ts";

const text: Schema = { type: "string" };
const schemas = new Map<string, Schema>([
  [
    "Thing",
    {
      type: "object",
      properties: {
        apiVersion: text,
        kind: text,
        metadata: { type: "object" },
        spec: {
          type: "object",
          properties: {
            name: { type: "string", minLength: 2, maxLength: 5 },
            replicas: { type: "integer", format: "int32", minimum: 0 },
            big: { type: "integer", format: "int64" },
            ratio: { type: "number", exclusiveMinimum: true, minimum: 0, maximum: 1, multipleOf: 0.25 },
            auto: { type: "boolean" },
            minReplicas: { type: "integer", default: 1 },
            policy: { type: "object", default: {}, properties: { mode: { type: "string", default: "slow" } } },
            guarantee: { type: "string", enum: ["latest", "earliest"] },
            topics: { type: "array", items: text, minItems: 1, maxItems: 2 },
            mounts: {
              type: "array",
              items: { type: "object", required: ["name", "path"], properties: { name: text, path: text } },
              "x-kubernetes-list-type": "map",
              "x-kubernetes-list-map-keys": ["name"],
            },
            zones: { type: "array", items: text, "x-kubernetes-list-type": "set" },
            secrets: { type: "object", additionalProperties: ref("Secret"), maxProperties: 2 },
            config: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
            cpu: ref("Quantity"),
            port: { "x-kubernetes-int-or-string": true },
            since: { type: "string", format: "date-time" },
            data: { type: "string", format: "byte" },
            code: { type: "string", pattern: "^[a-z]+$" },
            tree: ref("Tree"),
            maybe: { type: "string", nullable: true },
            limit: ref("Limit", { default: 7 }),
          },
        },
        status: { type: "object", properties: { ready: { type: "boolean" } } },
      },
    },
  ],
  ["Open", { type: "object", properties: { spec: text }, "x-kubernetes-preserve-unknown-fields": true }],
  ["Secret", { type: "object", properties: { key: text } }],
  ["Quantity", { format: "quantity", "x-kubernetes-int-or-string": true }],
  ["Limit", { type: "integer", default: 3 }],
  [
    "Tree",
    { type: "object", properties: { value: { type: "integer" }, children: { type: "array", items: ref("Tree") } } },
  ],
]);
const thing = compileSchema(schemas, "Thing");
const defaults = '"minReplicas":1,"policy":{"mode":"slow"},"limit":7';

function decodeSpec(spec: string) {
  const object = parseJson(`{"apiVersion":"v1","kind":"Thing","spec":${spec}}`);
  assert.ok(isObject(object));
  const before = stringifyJson(object);
  const result = thing.decode(object);
  assert.equal(stringifyJson(object), before, "the input is unchanged");
  return result;
}

const wrong = (field: string, actual: string, wanted: string) =>
  `FieldValueTypeInvalid ${field}: Invalid value: "${actual}": ${field} in body must be of type ${wanted}: "${actual}"`;

const invalidSpecs: Record<string, string[]> = {
  '"x"': [wrong("spec", "string", "object")],
  "[]": [wrong("spec", "array", "object")],
  '{"name":5}': [wrong("spec.name", "integer", "string")],
  '{"name":1.5}': [wrong("spec.name", "number", "string")],
  '{"name":true}': [wrong("spec.name", "boolean", "string")],
  '{"name":"a"}': [
    'FieldValueInvalid spec.name: Invalid value: "a": spec.name in body should be at least 2 chars long',
  ],
  '{"name":"abcdef"}': ["FieldValueTooLong spec.name: Too long: may not be more than 5 bytes"],
  '{"replicas":"1"}': [wrong("spec.replicas", "string", "integer")],
  '{"replicas":1.5}': [wrong("spec.replicas", "number", "integer")],
  '{"replicas":1.0}': [wrong("spec.replicas", "number", "integer")],
  '{"replicas":1e0}': [wrong("spec.replicas", "number", "integer")],
  '{"replicas":-1}': [
    "FieldValueInvalid spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0",
  ],
  '{"replicas":2147483648}': [
    "FieldValueInvalid spec.replicas: Invalid value: 2147483648: spec.replicas in body should be less than or equal to 2147483647",
  ],
  '{"big":9223372036854775808}': [
    "FieldValueInvalid spec.big: Invalid value: 9223372036854775808: spec.big in body should be less than or equal to 9223372036854775807",
  ],
  '{"ratio":0}': ["FieldValueInvalid spec.ratio: Invalid value: 0: spec.ratio in body should be greater than 0"],
  '{"ratio":1.5}': [
    "FieldValueInvalid spec.ratio: Invalid value: 1.5: spec.ratio in body should be less than or equal to 1",
  ],
  '{"ratio":0.3}': [
    "FieldValueInvalid spec.ratio: Invalid value: 0.3: spec.ratio in body should be a multiple of 0.25",
  ],
  '{"auto":"yes"}': [wrong("spec.auto", "string", "boolean")],
  '{"guarantee":"x"}': [
    'FieldValueNotSupported spec.guarantee: Unsupported value: "x": supported values: "latest", "earliest"',
  ],
  '{"topics":"x"}': [wrong("spec.topics", "string", "array")],
  '{"topics":["ok",1]}': [wrong("spec.topics[1]", "integer", "string")],
  '{"topics":[null]}': [wrong("spec.topics[0]", "null", "string")],
  '{"topics":[]}': [
    "FieldValueInvalid spec.topics: Invalid value: []: spec.topics in body should have at least 1 items",
  ],
  '{"topics":["a","b","c"]}': ["FieldValueTooMany spec.topics: Too many: 3: must have at most 2 items"],
  '{"mounts":[{}]}': [
    "FieldValueRequired spec.mounts[0].name: Required value",
    "FieldValueRequired spec.mounts[0].path: Required value",
  ],
  '{"mounts":[{"name":"a","path":"x"},{"name":"a","path":null}]}': [
    "FieldValueRequired spec.mounts[1].path: Required value",
    'FieldValueDuplicate spec.mounts[1]: Duplicate value: {"name":"a"}',
  ],
  '{"zones":["a","b","a"]}': ['FieldValueDuplicate spec.zones[2]: Duplicate value: "a"'],
  '{"secrets":{"a":5}}': [wrong("spec.secrets.a", "integer", "object")],
  '{"secrets":{"a":{},"b":{},"c":{}}}': ["FieldValueTooMany spec.secrets: Too many: 3: must have at most 2 items"],
  '{"config":"x"}': [wrong("spec.config", "string", "object")],
  '{"config":[1]}': [wrong("spec.config", "array", "object")],
  '{"cpu":true}': [wrong("spec.cpu", "boolean", "string")],
  '{"port":1.5}': [wrong("spec.port", "number", "integer,string")],
  '{"since":"yesterday"}': [
    'FieldValueTypeInvalid spec.since: Invalid value: "yesterday": spec.since in body must be of type date-time: "yesterday"',
  ],
  '{"data":"a?"}': [
    'FieldValueTypeInvalid spec.data: Invalid value: "a?": spec.data in body must be of type byte: "a?"',
  ],
  '{"code":"A"}': ["FieldValueInvalid spec.code: Invalid value: \"A\": spec.code in body should match '^[a-z]+$'"],
  '{"tree":{"children":[{"children":[{"value":"x"}]}]}}': [
    wrong("spec.tree.children[0].children[0].value", "string", "integer"),
  ],
};
for (const [spec, errors] of Object.entries(invalidSpecs)) {
  // API E-14, E-15, CR-20
  test(`invalid: ${spec}`, () => {
    const texts = decodeSpec(spec).errors.map(({ type, field, body }) => `${type} ${field}: ${body}`);
    assert.deepEqual(texts, errors);
  });
}

test("quantities that are none name the pattern", () => {
  const [error] = decodeSpec('{"cpu":"x"}').errors;
  assert.match(error?.body ?? "", /^Invalid value: "x": spec\.cpu in body should match '\^\(\\\+\|-\)\?/);
});

const validSpecs: Record<string, { spec: string; result?: string; unknown?: string[] }> = {
  empty: { spec: "{}", result: `{${defaults}}` },
  "unknown members are dropped and listed in order": {
    spec: `{"tree":{"zz":1},"foo":1,"mounts":[{"name":"a","path":"b","x":{}}],${defaults}}`,
    result: `{"tree":{},"mounts":[{"name":"a","path":"b"}],${defaults}}`,
    unknown: ["spec.foo", "spec.mounts[0].x", "spec.tree.zz"],
  },
  "nulls are absent": {
    spec: '{"name":null,"minReplicas":null,"secrets":{"a":null}}',
    result: `{"secrets":{},${defaults}}`,
  },
  "nullable members keep null": { spec: `{"maybe":null,${defaults}}` },
  "defaults inside an object that is there": {
    spec: '{"minReplicas":2,"policy":{},"limit":1}',
    result: '{"minReplicas":2,"policy":{"mode":"slow"},"limit":1}',
  },
  "free-form content is kept as it is": {
    spec: `{"config":{"a":null,"n":1.0,"big":123456789012345678901,"__proto__":{}},${defaults}}`,
  },
  "big integers within int64": { spec: `{"big":-9223372036854775808,${defaults}}` },
  "quantities keep their spelling": { spec: `{"cpu":"1000m",${defaults}}` },
  "numbers are quantities": { spec: `{"cpu":1.50,${defaults}}` },
  "ports are numbers or names": { spec: `{"port":"http",${defaults}}` },
  "characters are counted, not units": { spec: `{"name":"😀😀😀😀😀",${defaults}}` },
  "special names are unknown members": {
    spec: `{"__proto__":{"x":1},"toString":1,${defaults}}`,
    result: `{${defaults}}`,
    unknown: ["spec.__proto__", "spec.toString"],
  },
  "keys of maps are data": { spec: `{"secrets":{"__proto__":{"key":"a"},"constructor":{"key":"b"}},${defaults}}` },
};
for (const [name, { spec, result = spec, unknown = [] }] of Object.entries(validSpecs)) {
  // API O-52, N-20, CR-21, CR-22
  test(`valid: ${name}`, () => {
    const decoded = decodeSpec(spec);
    assert.deepEqual(decoded.errors, []);
    assert.equal(stringifyJson(decoded.object), `{"apiVersion":"v1","kind":"Thing","spec":${result}}`);
    assert.deepEqual(decoded.unknownFields, unknown);
  });
}

test("members beside spec: unknown, or kept where the schema says so", () => {
  const object = { apiVersion: "v1", kind: "Thing", zoo: { a: null } };
  assert.deepEqual(thing.decode(object).unknownFields, ["zoo"]);
  const open = compileSchema(schemas, "Open").decode(object);
  assert.deepEqual(open, { object, unknownFields: [], errors: [] });
});

// API CR-23
test("metadata is decoded by the rules of every kind", () => {
  const { object, unknownFields } = thing.decode({ metadata: { name: "a", labels: null, clusterName: "c" } });
  assert.deepEqual(object.metadata, { name: "a" });
  assert.deepEqual(unknownFields, ["metadata.clusterName"]);
  assert.match(thing.decode({ metadata: { name: 5 } }).malformed ?? "", /cannot unmarshal number .* metadata\.name/);
});

// API CR-25
test("what was wrong before and didn't change is not reported again", () => {
  const previous = { spec: { code: "A", mounts: [{ name: "a" }], replicas: 1 } };
  const errorsOf = (spec: JsonObject) => thing.decode({ spec }, { previous }).errors.map(({ field }) => field);
  assert.deepEqual(errorsOf({ ...previous.spec, replicas: 2 }), []);
  assert.deepEqual(errorsOf({ ...previous.spec, replicas: -2 }), ["spec.replicas"]);
  assert.deepEqual(
    errorsOf({ ...previous.spec, code: "B", mounts: [{ name: "b" }] }),
    ["spec.mounts[0].path", "spec.code"].toSorted(),
  );
});

test("where empty is as good as absent, optional lists and maps are absent; objects and what is required stay", () => {
  const typed = new Map<string, Schema>([
    [
      "Typed",
      {
        type: "object",
        properties: {
          spec: {
            type: "object",
            required: ["items"],
            properties: {
              items: { type: "array", items: text },
              names: { type: "array", items: text },
              data: { type: "object", additionalProperties: text },
              policy: { type: "object", properties: { names: { type: "array", items: text } } },
            },
          },
        },
      },
    ],
  ]);
  const spec = { items: [], names: [], data: {}, policy: { names: [] } };
  const decoded = (options: { omitEmpty?: boolean }) =>
    compileSchema(typed, "Typed", options).decode({ spec }).object.spec;
  assert.deepEqual(decoded({ omitEmpty: true }), { items: [], policy: {} });
  assert.deepEqual(decoded({}), spec);
});

test("a time that Go's types cannot leave out may be missing or null; in our own kinds it is required", () => {
  const time: Schema = { type: "string", format: "date-time" };
  const timed = new Map<string, Schema>([
    ["io.k8s.apimachinery.pkg.apis.meta.v1.Time", time],
    [
      "Timed",
      {
        type: "object",
        required: ["since", "name"],
        properties: { since: ref("io.k8s.apimachinery.pkg.apis.meta.v1.Time"), name: text },
      },
    ],
  ]);
  const wrong = (object: JsonObject, options: { omitEmpty?: boolean }) =>
    compileSchema(timed, "Timed", options)
      .decode(object)
      .errors.map(({ field }) => field);
  assert.deepEqual(wrong({ since: null }, { omitEmpty: true }), ["name"]);
  assert.deepEqual(wrong({}, {}), ["name", "since"]);
});

test("an object that needs no change is handed on as it is", () => {
  const object = parseJson(`{"spec":{"mounts":[{"name":"a","path":"b"}],${defaults}}}`);
  assert.ok(isObject(object));
  assert.equal(thing.decode(object).object, object);
});

test("property: decoding is idempotent, whatever comes in", () => {
  const names = [
    "name",
    "replicas",
    "topics",
    "mounts",
    "secrets",
    "config",
    "cpu",
    "port",
    "tree",
    "children",
    "policy",
    "x",
    "__proto__",
  ];
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<JsonValue>(null, true, 1, -1, 1.5, "a", "abc", "1Gi"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (spec) => {
      const once = thing.decode({ spec });
      const twice = thing.decode(once.object);
      assert.deepEqual(twice.unknownFields, []);
      assert.equal(twice.object, once.object);
      assert.deepEqual(twice.errors, once.errors);
    }),
  );
});

test("of many mistakes the first are told, all are counted, and unknown members are told up to a hundred", () => {
  const items = Array(50_000).fill(1).join(",");
  const { errors } = decodeSpec(`{"topics":[${items}]}`);
  assert.equal(errors.length, 50_001);
  assert.equal(errors[0]?.field, "spec.topics[0]");
  const unknown = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`u${i}`, 1]));
  assert.equal(decodeSpec(JSON.stringify(unknown)).unknownFields.length, 100);
});

test("old mistakes hide no new one, however many there are (API CR-25)", () => {
  const object = (topics: readonly JsonValue[], replicas: number): JsonObject => ({
    apiVersion: "v1",
    kind: "Thing",
    spec: { topics: [...topics], replicas },
  });
  const old = Array(5000).fill(1);
  const { errors } = thing.decode(object(old, -1), { previous: object(old, 1) });
  assert.deepEqual(
    errors.map(({ field }) => field),
    ["spec.replicas"],
  );
});
