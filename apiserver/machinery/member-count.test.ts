import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { isObject } from "./json.ts";
import { checkBodyParts, checkObjectSize, partsOf, TooManyPartsError } from "./member-count.ts";
import { runAtOnce } from "./turns.ts";

const check = (...objects: Parameters<typeof checkObjectSize>): void => runAtOnce(checkObjectSize(...objects));

const maxBody = limits.maxBodyMembers.value;
const maxItems = limits.maxBodyItems.value;
const maxObject = limits.maxObjectMembers.value;
const members = (count: number): string => Array.from({ length: count }, (_, i) => `"k${i}":0`).join();
const objectOf = (count: number) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: {},
  data: Object.fromEntries(Array.from({ length: count - 4 }, (_, i) => [`k${i}`, ""])),
});

test("a body has as many members as the limit says, and no more", () => {
  checkBodyParts(`{${members(maxBody)}}`);
  assert.throws(() => checkBodyParts(`{${members(maxBody + 1)}}`), TooManyPartsError);
});

test("lists of a body have as many items as the limit says; numbers and booleans are free", () => {
  const bodyOf = (item: string, count: number): string =>
    `{"a": 1, "list": [${Array(count).fill(item).join(", ")}], "b": null}`;
  for (const item of ["{}", "[]", '""', "null", '{"a":[1]}']) {
    checkBodyParts(bodyOf(item, maxItems));
    assert.throws(() => checkBodyParts(bodyOf(item, maxItems + 1)), /more than 50000 items of all lists/, item);
  }
  checkBodyParts(bodyOf("0", 4 * maxItems));
  checkBodyParts(bodyOf("true", 4 * maxItems));
});

test("what nests too deep is left to the parser", () => {
  checkBodyParts('{"a":'.repeat(maxBody + 1));
});

test("colons within texts and names are no members", () => {
  checkBodyParts(JSON.stringify({ "::": ":".repeat(2 * maxBody), text: `"${'":"'.repeat(2 * maxBody)}` }));
});

test("members are counted at every depth, those of managedFields and owners are not", () => {
  const managedFields = [{ manager: "m", fieldsV1: { "f:data": {} } }];
  const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "b" }];
  assert.deepEqual(
    partsOf({ metadata: { name: "a", managedFields, ownerReferences }, list: [{ a: [{ b: 1 }] }, [{ c: null }]] }),
    { members: 8, entries: 3 },
  );
  let deep = {};
  for (let i = 0; i < 10_000; i++) deep = { a: [deep] };
  assert.equal(partsOf(deep).members, 10_000);
});

test("an object that has too many may only lose some", () => {
  check(objectOf(maxObject), undefined);
  assert.throws(() => check(objectOf(maxObject + 1), undefined), {
    message: `Request entity too large: the object has ${maxObject + 1} members in all of its maps, at most ${maxObject} are allowed`,
  });
  assert.throws(() => check(objectOf(maxObject + 1), objectOf(maxObject)));
  check(objectOf(maxObject + 1), objectOf(maxObject + 1));
});

const { value: maxEntries } = limits.maxObjectEntries;
const { value: maxMetadata } = limits.maxMetadataEntries;
const configMap = { apiVersion: "v1", kind: "ConfigMap" };
const setOf = (count: number): JsonObject => ({
  ...configMap,
  metadata: {},
  spec: { template: { containers: [{ env: Array.from({ length: count - 1 }, () => ({})) }] } },
});
const stored = (object: JsonObject): KubeObject => ({
  ...object,
  ...configMap,
  metadata: { ...(isObject(object.metadata) ? object.metadata : {}) },
});
const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, "v"]));
const metadataOf = (member: string, value: JsonValue): JsonObject => ({ ...configMap, metadata: { [member]: value } });

for (const { what, max, make, message } of [
  {
    what: "objects in its lists",
    max: maxEntries,
    make: setOf,
    message: /5001 objects in all of its lists, at most 5000 /,
  },
  ...["labels", "annotations"].map((member) => ({
    what: member,
    max: maxMetadata,
    make: (count: number) => metadataOf(member, keys(count)),
    message: new RegExp(`5001 entries in metadata\\.${member}, at most 5000 `),
  })),
  ...["finalizers"].map((member) => ({
    what: member,
    max: maxMetadata,
    make: (count: number) => metadataOf(member, Array(count).fill("a/b")),
    message: new RegExp(`5001 entries in metadata\\.${member}, at most 5000 `),
  })),
]) {
  test(`an object has as many ${what} as the limit says; one that has more may only lose some`, () => {
    const [most, more] = [make(max), make(max + 1)];
    check(most, undefined);
    assert.throws(() => check(more, undefined), { message });
    assert.throws(() => check(more, stored(most)), { message });
    check(more, stored(more));
    check(most, stored(more));
  });
}
