import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectMeta } from "../../apis/meta/v1.ts";
import { limits } from "../../limits.ts";
import { equalSets, fieldSet } from "../structured-merge/field-set.ts";
import { runAtOnce } from "../turns.ts";
import { readFieldsV1, sharedFieldsV1InSteps, withSharedFields } from "./shared-fields.ts";

const sharedFieldsV1 = (...given: Parameters<typeof sharedFieldsV1InSteps>) =>
  runAtOnce(sharedFieldsV1InSteps(...given));

const stored = (text: string): ObjectMeta => JSON.parse(`{"managedFields":[{"manager":"m","fieldsV1":${text}}]}`);

test("equal sets are one JSON, also those that come from storage", () => {
  const [one, two] = [sharedFieldsV1(fieldSet(["f:a"], ["f:b"])), sharedFieldsV1(fieldSet(["f:b"], ["f:a"]))];
  assert.equal(one, two);
  assert.equal(withSharedFields(stored('{"f:a":{},"f:b":{}}')).managedFields?.[0]?.fieldsV1, one);
  assert.equal(readFieldsV1(one), readFieldsV1(one), "read once");
});

test("what is too large to share is kept per object, and says the same", () => {
  const paths = Array.from({ length: limits.maxSharedFieldsLength.value / 8 }, (_, index) => [`f:${index}`]);
  const [one, two] = [sharedFieldsV1(fieldSet(...paths)), sharedFieldsV1(fieldSet(...paths))];
  assert.notEqual(one, two);
  assert.deepEqual(one, two);
  assert.ok(equalSets(readFieldsV1(one), fieldSet(...paths)));
});

test("more sets than are remembered are still told right", () => {
  const sets = Array.from({ length: limits.maxSharedFieldSets.value * 2 }, (_, index) =>
    sharedFieldsV1(fieldSet([`f:set${index}`])),
  );
  for (const [index, json] of sets.entries()) assert.deepEqual(Object.keys(json), [`f:set${index}`]);
  const [first] = sets;
  assert.ok(first !== undefined && equalSets(readFieldsV1(first), fieldSet(["f:set0"])));
});

test("metadata without managers, or with a garbled list, is left alone", () => {
  const bare: ObjectMeta = { name: "a" };
  assert.equal(withSharedFields(bare), bare);
  const garbled: ObjectMeta = JSON.parse('{"managedFields":"?"}');
  assert.equal(withSharedFields(garbled), garbled);
});
