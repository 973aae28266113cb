/**
 * A schema changes under objects that were merged by the one before: lists get other keys, fields become the server's, and a
 * manager writes in two versions (API S-18, S-28, S-31 to S-33).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyed, numeric, struct, text, thing } from "../../../test/support/field-types.ts";
import { everything, Story, v1 } from "../../../test/support/story.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { isObject } from "../json.ts";
import { fieldSet, without } from "./field-set.ts";
import type { Version } from "./ownership.ts";
import type { ListKey, Type } from "./types.ts";

const item = struct({ name: text, id: numeric, value: numeric });
const listOf = (...keys: readonly ListKey[]): Type => struct({ apiVersion: text, list: keyed(keys, item) });
const byName = listOf({ name: "name" });

type KeyChange = {
  readonly becomes: Type;
  readonly before: readonly JsonObject[];
  readonly after: readonly JsonObject[];
  readonly owned: readonly string[];
};
/** What one manager applies before and after its list gets a second key; what it applied last is what is there. */
const keyChanges: { readonly [name: string]: KeyChange } = {
  "a new key with a default: items that don't name it are those with it": {
    becomes: listOf({ name: "id", default: 1 }, { name: "name" }),
    before: [
      { name: "a", value: 1 },
      { name: "b", value: 1 },
    ],
    after: [
      { name: "a", value: 2 },
      { name: "b", id: 1, value: 2 },
      { name: "b", id: 2, value: 3 },
    ],
    owned: ['.list[id=1,name="a"]', '.list[id=1,name="b"]', '.list[id=2,name="b"]'],
  },
  "a new key without one: an item that doesn't name it is another than those that do": {
    becomes: listOf({ name: "id" }, { name: "name" }),
    before: [{ name: "a", value: 1 }],
    after: [
      { name: "a", value: 2 },
      { name: "a", id: 1, value: 1 },
    ],
    owned: ['.list[id=1,name="a"]', '.list[name="a"]'],
  },
  "a field becomes a key: the item that has it stays one item": {
    becomes: listOf({ name: "id" }, { name: "name" }),
    before: [{ name: "a", id: 1, value: 1 }],
    after: [{ name: "a", id: 1, value: 2 }],
    owned: ['.list[id=1,name="a"]'],
  },
  "a field becomes a key: another value of it is another item": {
    becomes: listOf({ name: "id" }, { name: "name" }),
    before: [{ name: "a", id: 1, value: 1 }],
    after: [
      { name: "a", id: 1, value: 1 },
      { name: "a", id: 2, value: 2 },
    ],
    owned: ['.list[id=1,name="a"]', '.list[id=2,name="a"]'],
  },
};

for (const [name, { becomes, before, after, owned }] of Object.entries(keyChanges)) {
  test(name, () => {
    let version: Version = { ...v1, type: byName };
    const story = new Story({ find: () => version, convert: (object) => object });
    story.apply("a", { list: [...before] }, { version });
    version = { ...version, type: becomes };
    story.reread(becomes).apply("a", { list: [...after] }, { version });
    assert.deepEqual(story.content, { list: after });
    const items = story.owned("a").filter((field) => field.endsWith("]"));
    assert.deepEqual(items.toSorted(), owned);
  });
}

test("a number is one key, however it is written (API S-11)", () => {
  const version = { ...v1, type: listOf({ name: "id", default: 1.0 }, { name: "name" }) };
  const story = new Story({ find: () => version, convert: (object) => object });
  story.apply("a", { list: [{ name: "a", value: 1 }] }, { version });
  story.apply("b", { list: [{ name: "a", id: 1, value: 1 }] }, { version });
  assert.deepEqual(story.content, { list: [{ name: "a", value: 1, id: 1 }] });
});

/** Fields that the server sets, whoever says something else. */
const ignoring = (...path: readonly string[]): Version => {
  const reset = fieldSet(path);
  return { ...v1, type: thing, writable: (fields) => without(fields, reset) };
};
const ignored: { readonly [name: string]: { path: readonly string[]; said: JsonObject; owned: readonly string[] } } = {
  "a field": { path: ["f:number"], said: { number: 1, text: "x" }, owned: [".text"] },
  "a struct with all that is in it": {
    path: ["f:struct"],
    said: { struct: { text: "x", number: 1 }, text: "x" },
    owned: [".text"],
  },
  "a field in a struct": {
    path: ["f:struct", "f:number"],
    said: { struct: { text: "x", number: 1 } },
    owned: [".struct.text"],
  },
};

for (const [name, { path, said, owned }] of Object.entries(ignored)) {
  test(`nobody owns ${name} that is the server's, nor takes it from who had it (API S-28)`, () => {
    const version = ignoring(...path);
    const story = new Story({ find: () => version, convert: (object) => object });
    story.apply("a", said, { version }).update("u", said, version);
    assert.deepEqual(story.owned("a"), owned);
    const before = new Story().update("u", said);
    const taking = new Story({ find: () => version, convert: (object) => object });
    [taking.object, taking.owners] = [before.object, before.owners];
    const had = taking.owned("u");
    taking.apply("a", changed(said), { version, force: true });
    const kept = had.filter((field) => !owned.includes(field));
    assert.deepEqual(
      kept.filter((field) => !taking.owned("u").includes(field)),
      [],
    );
  });
}

/** The same with other texts and numbers. */
function changed(value: JsonObject): JsonObject {
  const other = (item: JsonValue | undefined): JsonValue | undefined => {
    if (typeof item === "number") return item + 1;
    return isObject(item) ? changed(item) : `${item}!`;
  };
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, other(item)]));
}

const v2: Version = { apiVersion: "v2", type: thing, writable: everything };

test("who applies in two versions by turns owns what it said last, in the version it said it in (API S-33)", () => {
  const versions = {
    find: (apiVersion: string) => ({ v1, v2 })[apiVersion],
    convert: (object: JsonObject, { apiVersion }: Version): JsonObject => ({ ...object, apiVersion }),
  };
  const story = new Story(versions).apply("a", { set: ["x", "y"] });
  story.apply("a", { set: ["y", "z"] }, { version: v2 });
  assert.deepEqual(story.content, { set: ["y", "z"] });
  assert.equal(story.owners.get("a")?.apiVersion, "v2");
  story.update("u", { set: ["y", "z", "w"] });
  story.apply("a", { set: ["z"] });
  assert.deepEqual([story.content, story.owned("u")], [{ set: ["z", "w"] }, ['.set[="w"]']]);
});
