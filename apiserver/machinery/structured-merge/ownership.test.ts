/** Sequences of writes by several managers, and what each owns after them (API S-21 to S-25, S-33). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { thing } from "../../../test/support/field-types.ts";
import { everything, Story, v1 } from "../../../test/support/story.ts";
import type { JsonObject } from "../../apis/meta/v1.ts";
import { isObject } from "../json.ts";
import { fieldsOf } from "./fields-of.ts";
import { ConflictError, type Version, type Versions } from "./ownership.ts";

test("what is applied is owned; what the applier leaves out goes", () => {
  const story = new Story().apply("a", { text: "x", map: { k: { text: "1" }, l: {} } });
  assert.deepEqual(story.owned("a"), [".text", ".map.k", ".map.l", ".map.k.text"]);
  story.apply("a", { map: { l: {} } });
  assert.deepEqual(story.content, { map: { l: {} } });
  assert.deepEqual(story.owned("a"), [".map.l"]);
});

test("an equal value is shared; it goes with its last owner (API S-23, S-24)", () => {
  const story = new Story().apply("a", { text: "x", number: 1 }).apply("b", { text: "x" });
  story.apply("a", { number: 1 });
  assert.deepEqual(story.content, { text: "x", number: 1 });
  story.apply("b", {});
  assert.deepEqual(story.content, { number: 1 });
  assert.deepEqual(story.owned("b"), []);
});

test("a field of another is a conflict that names it; force takes it (API S-22)", () => {
  const story = new Story().apply("a", { text: "x", struct: { text: "y" } }).apply("b", { number: 1 });
  assert.deepEqual(story.conflicts("b", { text: "z", struct: { text: "z" }, number: 2 }), {
    a: [".text", ".struct.text"],
  });
  assert.deepEqual(story.content, { text: "x", struct: { text: "y" }, number: 1 }, "nothing is changed by a refusal");
  story.apply("b", { text: "z" }, { force: true });
  assert.deepEqual([story.owned("a"), story.owned("b")], [[".struct.text"], [".text"]]);
  story.apply("a", { struct: { text: "y" } });
  assert.deepEqual(story.content, { text: "z", struct: { text: "y" } }, "a gave it up without removing it");
});

test("every owner of a field is named", () => {
  const story = new Story().apply("a", { text: "x" }).apply("b", { text: "x" });
  assert.deepEqual(story.conflicts("c", { text: "y" }), { a: [".text"], b: [".text"] });
  assert.deepEqual(story.conflicts("a", { text: "y" }), { b: [".text"] });
});

test("an update takes what it changes and frees what it removes, without conflict (API S-21)", () => {
  const story = new Story().apply("a", { text: "x", number: 1, struct: { text: "y" } });
  story.update("u", { text: "x", number: 2 });
  assert.deepEqual(story.owned("a"), [".text"]);
  assert.deepEqual(story.owned("u"), [".number"]);
  assert.deepEqual(story.conflicts("a", { text: "x", number: 1 }), { u: [".number"] });
  const same = story.owners;
  story.update("other", { text: "x", number: 2 });
  assert.equal(story.owners, same, "nothing changed, so nobody's fields did");
});

test("an updater keeps what it had, as far as it is there", () => {
  const story = new Story().update("u", { text: "x", number: 1 }).update("u", { text: "y", flag: true });
  assert.deepEqual(story.owned("u"), [".flag", ".text"]);
  assert.equal(story.owners.get("u")?.applied, false);
});

test("what an updater owns doesn't go with an applier that gives it up", () => {
  const story = new Story().update("u", { text: "x" }).apply("a", { text: "x", number: 1 }).apply("a", { number: 1 });
  assert.deepEqual(story.content, { text: "x", number: 1 });
});

test("items of keyed lists and members of sets are owned one by one", () => {
  const story = new Story()
    .apply("a", { nested: [{ name: "x" }, { name: "s" }], set: ["x", "s"] })
    .apply("b", { nested: [{ name: "y", text: "1" }, { name: "s" }], set: ["y", "s"] });
  story.apply("a", {});
  assert.deepEqual(story.content, { nested: [{ name: "y", text: "1" }, { name: "s" }], set: ["y", "s"] });
  assert.deepEqual(story.conflicts("a", { nested: [{ name: "y", text: "2" }] }), { b: ['.nested[name="y"].text'] });
});

test("a field in an item of another goes and the item stays", () => {
  const story = new Story()
    .apply("a", { nested: [{ name: "x", nested: [{ name: "p" }] }] })
    .apply("b", { nested: [{ name: "x", text: "1", nested: [{ name: "q" }] }] });
  story.apply("b", { nested: [{ name: "x" }] });
  assert.deepEqual(story.content, { nested: [{ name: "x", nested: [{ name: "p" }] }] });
  story.apply("b", {}).apply("a", {});
  assert.deepEqual(story.content, {});
});

test("what nobody owns survives in an item that its applier keeps, and goes with the item", () => {
  const story = new Story().apply("a", { ports: [{ port: 80, protocol: "TCP" }, { port: 81 }] });
  story.object = {
    ...story.object,
    ports: [
      { port: 80, protocol: "TCP", text: "default" },
      { port: 81, text: "default" },
    ],
  };
  story.apply("a", { ports: [{ port: 80 }] });
  assert.deepEqual(story.content, { ports: [{ port: 80, text: "default" }] });
});

test("a key that has a default may be left out and be named again (API S-31)", () => {
  const story = new Story().apply("a", { ports: [{ port: 80, text: "x" }] });
  assert.deepEqual(story.conflicts("b", { ports: [{ port: 80, protocol: "TCP", text: "y" }] }), {
    a: ['.ports[port=80,protocol="TCP"].text'],
  });
  story.apply("b", { ports: [{ port: 80, protocol: "UDP", text: "y" }] });
  assert.equal(
    JSON.stringify(story.content),
    '{"ports":[{"port":80,"text":"x"},{"port":80,"protocol":"UDP","text":"y"}]}',
  );
});

test("atomics are owned and replaced as a whole", () => {
  const story = new Story().apply("a", { atomicList: [1], atomicMap: { a: 1 } });
  assert.deepEqual(story.owned("a"), [".atomicList", ".atomicMap"]);
  assert.deepEqual(story.conflicts("b", { atomicList: [1, 2], atomicMap: { a: 1, b: 2 } }), {
    a: [".atomicList", ".atomicMap"],
  });
  story.apply("b", { atomicMap: { b: 2 } }, { force: true });
  assert.deepEqual(story.content, { atomicList: [1], atomicMap: { b: 2 } });
  assert.deepEqual(story.owned("a"), [".atomicList"]);
});

test("empty maps and nulls are owned, and kept from others", () => {
  const story = new Story().apply("a", { struct: {}, free: {} });
  assert.deepEqual(story.owned("a"), [".free", ".struct"]);
  story.apply("b", { struct: { text: "x" } });
  assert.deepEqual(story.owned("a"), [".free", ".struct"], "filling it takes nothing away");
  story.apply("a", {});
  assert.deepEqual(story.content, { struct: { text: "x" } });
});

test("free-form values change their shape: the old one is taken from its owner", () => {
  const story = new Story().apply("a", { free: { x: { y: 1 } } });
  assert.deepEqual(story.conflicts("b", { free: { x: 1 } }), { a: [".free.x"] });
  story.apply("b", { free: { x: 1 } }, { force: true });
  assert.deepEqual([story.content, story.owned("a"), story.owned("b")], [{ free: { x: 1 } }, [], [".free.x"]]);
  story.apply("b", { free: { x: [1, 2] } });
  assert.deepEqual(story.content, { free: { x: [1, 2] } });
});

test("lists that hold a key twice are one field of who wrote them", () => {
  const story = new Story().apply("a", { nested: [{ name: "x", text: "1" }] });
  story.update("u", { nested: [{ name: "x", text: "1" }, { name: "x" }] });
  assert.deepEqual([story.owned("a"), story.owned("u")], [[], ['.nested[name="x"]']]);
  assert.deepEqual(story.conflicts("a", { nested: [{ name: "x", text: "1" }] }), { u: ['.nested[name="x"]'] });
});

test("order belongs to who applies: it changes the object and nobody's fields", () => {
  const story = new Story().apply("a", { set: ["a", "b"] });
  story.apply("a", { set: ["b", "a"] });
  assert.deepEqual(story.content, { set: ["b", "a"] });
});

test("fields that an endpoint resets are neither claimed nor compared (API S-28)", () => {
  const withoutText: Version = {
    ...v1,
    writable: (fields) => new Map([...fields].filter(([element]) => element !== "f:text")),
  };
  const versions: Versions = { find: () => withoutText, convert: (object) => object };
  const story = new Story(versions).update("u", { text: "x" });
  story.owners = new Map([["u", { apiVersion: "v1", applied: false, fields: fieldsOf(thing, { text: "x" }) }]]);
  story.apply("a", { text: "y", number: 1 }, { version: withoutText });
  assert.deepEqual([story.owned("a"), story.owned("u")], [[".number"], [".text"]]);
});

/** v2 calls `text` what v1 calls `struct.text`. */
const v2: Version = { apiVersion: "v2", type: thing, writable: everything };
const both: Versions = {
  find: (apiVersion) => ({ v1, v2 })[apiVersion],
  convert(object, { apiVersion }) {
    if (object.apiVersion === apiVersion) return object;
    const { text, struct, ...rest } = object;
    const inner = isObject(struct) ? struct.text : undefined;
    return apiVersion === "v2"
      ? { ...rest, apiVersion, ...(inner !== undefined && { text: inner }) }
      : { ...rest, apiVersion, ...(text !== undefined && { struct: { text } }) };
  },
};

test("owners in another version keep what they own, under its name there (API S-33)", () => {
  const story = new Story(both).apply("a", { struct: { text: "x" }, number: 1 });
  story.apply("b", { text: "x" }, { version: v2 });
  assert.deepEqual([story.owned("a"), story.owned("b")], [[".number", ".struct.text"], [".text"]]);
  story.object = both.convert(story.object, v2);
  assert.throws(() => story.apply("b", { text: "y" }, { version: v2 }), ConflictError);
  story.apply("b", { text: "y" }, { version: v2, force: true });
  assert.deepEqual(story.owned("a"), [".number"]);
  assert.deepEqual(story.content, { text: "y", number: 1 });
});

test("an applier that comes back in another version gives up what it had in the first", () => {
  const story = new Story(both).apply("a", { struct: { text: "x" }, number: 1 });
  story.apply("a", { number: 1 }, { version: v2 });
  assert.deepEqual([story.content, story.owned("a")], [{ number: 1 }, [".number"]]);
});

test("owners in a version that is gone are forgotten, and what they applied stays (API S-18)", () => {
  const story = new Story().apply("b", { number: 1 });
  story.owners = new Map([
    ...story.owners,
    ["old", { apiVersion: "v0", applied: true, fields: fieldsOf(thing, { number: 1 }) }],
  ]);
  story.apply("b", { number: 2 });
  assert.deepEqual([...story.owners.keys()], ["b"]);
});

const letter = fc.constantFrom("a", "b", "c");
// Nothing is empty: what is emptied goes, and is there again, empty, with the next apply.
const inner = fc.record({ text: letter });
const wantedThing = fc.record(
  {
    text: letter,
    struct: inner,
    map: fc.dictionary(letter, inner, { minKeys: 1 }),
    set: fc.uniqueArray(letter, { minLength: 1 }),
    nested: fc.uniqueArray(fc.record({ name: letter, text: letter }, { requiredKeys: ["name"] }), {
      selector: ({ name }) => name,
      minLength: 1,
    }),
    atomicList: fc.array(fc.integer()),
    free: fc.dictionary(letter, fc.oneof(fc.integer(), letter, fc.array(letter)), { minKeys: 1 }),
  },
  { requiredKeys: [] },
);
const writes = fc.array(fc.tuple(fc.constantFrom("apply", "force", "update"), letter, wantedThing), { maxLength: 12 });

test("after any writes: owners own what is there, a repeated apply changes nothing, and appliers have what they want", () => {
  fc.assert(
    fc.property(writes, (steps) => {
      const story = new Story();
      for (const [verb, writer, value] of steps) {
        const wanted: JsonObject = JSON.parse(JSON.stringify(value));
        if (verb === "update") {
          story.update(`u${writer}`, wanted);
          continue;
        }
        const before = [story.object, story.owners] as const;
        try {
          story.apply(writer, wanted, { force: verb === "force" });
        } catch (error) {
          assert.ok(error instanceof ConflictError && verb === "apply");
          assert.deepEqual([story.object, story.owners], before);
          continue;
        }
        const { object } = story;
        story.apply(writer, wanted);
        assert.equal(story.object, object, "the same apply again");
      }
      for (const [writer, { fields }] of story.owners) {
        assert.ok(fields.size > 0, "nobody owns nothing");
        const absent = [...fields.keys()].filter((element) => !Object.hasOwn(story.object, element.slice(2)));
        assert.deepEqual(absent, [], `${writer} owns what isn't there`);
      }
    }),
  );
});
