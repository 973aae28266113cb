import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { isRef, refPrefix, resolve, type SchemaOrRef } from "../../openapi/schema.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { componentName } from "../../openapi/schemas/kind.ts";
import { mutationsOf } from "./mutations.ts";
import { admission } from "./random-objects.ts";
import { specimens } from "./specimens.ts";

const schemas = loadSchemas();

/** `type.field` of every field of Kubernetes' own types below `schema`. */
function fieldsOf(schema: SchemaOrRef, seen: Set<string> = new Set()): Set<string> {
  const fields = new Set<string>();
  const visit = (node: SchemaOrRef): void => {
    const type = isRef(node) ? node.$ref.slice(refPrefix.length) : "";
    if (type !== "" && seen.has(type)) return;
    seen.add(type);
    const { properties = {}, items, additionalProperties } = resolve(schemas, node);
    if (items !== undefined) visit(items);
    if (typeof additionalProperties === "object") visit(additionalProperties);
    for (const [name, member] of Object.entries(properties)) {
      if (type !== "") fields.add(`${type.split(".").at(-1)}.${name}`);
      visit(member);
    }
  };
  visit(schema);
  return fields;
}

/** The same of those that `value` sets. */
function fieldsSet(value: JsonValue | undefined, schema: SchemaOrRef, found: Set<string>): void {
  const type = isRef(schema) ? (schema.$ref.split(".").at(-1) ?? "") : "";
  const { properties = {}, items, additionalProperties } = resolve(schemas, schema);
  if (Array.isArray(value)) {
    if (items !== undefined) for (const item of value) fieldsSet(item, items, found);
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      const of = properties[name] ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
      if (type !== "" && properties[name] !== undefined) found.add(`${type}.${name}`);
      if (of !== undefined) fieldsSet(member, of, found);
    }
  }
}

/** Fields that no specimen can set soundly, by the reason. */
const left: readonly (readonly [RegExp, string])[] = [
  [/^(ObjectMeta|OwnerReference|ManagedFieldsEntry)\./, "a template has labels and annotations only"],
  [/^ResourceClaim\.|^ResourceRequirements\.claims$/, "pods of ours have no claims of that kind"],
  [/\.readOnly$/, "a flag that no rule reads"],
  [
    /^(PersistentVolumeClaim|PersistentVolumeClaim(Status|Condition)|VolumeHealth\w+|ModifyVolumeStatus)\./,
    "of claims that exist",
  ],
  [/^TypedObjectReference\.namespace$/, "behind a gate that changes what other fields mean"],
  [/\.(user|defaultUser)$/, "behind a gate, and any number is right"],
];

test("specimens set every field of Kubernetes' types that a spec can have", () => {
  const spec = schemas.get(componentName("Function"))?.properties?.spec ?? assert.fail("Function has a spec");
  const set = new Set<string>();
  for (const specimen of specimens) fieldsSet(specimen.spec, spec, set);
  const missing = [...fieldsOf(spec)].filter(
    (field) => !set.has(field) && !left.some(([pattern]) => pattern.test(field)),
  );
  assert.deepEqual(missing, []);
});

test("specimens are accepted, and many changes of them are not", () => {
  const admit = admission(schemas);
  for (const { name, kind, spec } of specimens) {
    const verdict = (changed: JsonValue) =>
      admit({
        apiVersion: "compute.functionmesh.io/v1alpha1",
        kind,
        metadata: { name: "w", namespace: "demo" },
        spec: isObject(changed) ? changed : {},
      }).errors.map(({ field, body }) => `${field}: ${body}`);
    assert.deepEqual(verdict(spec), [], name);
    const some = mutationsOf(spec).filter((_, index) => index % 50 === 0);
    assert.ok(
      some.some(({ value }) => verdict(value).length > 0),
      name,
    );
  }
});
