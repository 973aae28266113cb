/**
 * Situations that those who merge by fields get into: what one applies and another writes below, beside or instead of it, and
 * schemas that change underneath. What comes out is what Kubernetes' own merge makes of them (API S-22 to S-33).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { keyed, struct, text, thing } from "../../../test/support/field-types.ts";
import { everything, Story, v1 } from "../../../test/support/story.ts";
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { extract } from "./remove.ts";
import type { Type } from "./types.ts";
import { typeProblems } from "./validate.ts";

type Write = readonly [by: string, how: "applies" | "takes" | "puts", value: JsonObject];
type Situation = {
  readonly writes: readonly Write[];
  readonly left: JsonValue;
  readonly owned?: { readonly [manager: string]: readonly string[] };
};

const situations: { readonly [name: string]: Situation } = {
  "who gives up a struct leaves in it what an updater put there": {
    writes: [
      ["a", "applies", { struct: { text: "x" } }],
      ["u", "puts", { struct: { text: "x", number: 1 } }],
      ["a", "applies", {}],
    ],
    left: { struct: { number: 1 } },
    owned: { a: [], u: [".struct.number"] },
  },
  "what an updater took over is no longer given up": {
    writes: [
      ["a", "applies", { struct: { text: "x" } }],
      ["u", "puts", { struct: { text: "y" } }],
      ["a", "applies", {}],
    ],
    left: { struct: { text: "y" } },
    owned: { a: [], u: [".struct.text"] },
  },
  "an updater that removes what was applied frees it, and applying brings it back": {
    writes: [
      ["a", "applies", { struct: { text: "x" } }],
      ["u", "puts", {}],
      ["a", "applies", { struct: { text: "x" } }],
    ],
    left: { struct: { text: "x" } },
    owned: { a: [".struct.text"] },
  },
  "items in items: each applier's own go with it, what others have below stays": {
    writes: [
      ["a", "applies", { nested: [{ name: "i", nested: [{ name: "p", text: "x" }] }] }],
      ["b", "applies", { nested: [{ name: "i", nested: [{ name: "q" }] }] }],
      ["a", "applies", {}],
    ],
    left: { nested: [{ name: "i", nested: [{ name: "q" }] }] },
  },
  "an item goes with its last owner, and with it what an updater put into it": {
    writes: [
      ["a", "applies", { nested: [{ name: "i", text: "x" }] }],
      ["u", "puts", { nested: [{ name: "i", text: "x", nested: [{ name: "q" }] }] }],
      ["a", "applies", { text: "y" }],
    ],
    left: { text: "y", nested: null },
  },
  "an item of two appliers keeps what the second says of it": {
    writes: [
      ["a", "applies", { nested: [{ name: "i", text: "x" }, { name: "j" }] }],
      ["b", "applies", { nested: [{ name: "i", text: "x" }] }],
      ["a", "applies", {}],
    ],
    left: { nested: [{ name: "i", text: "x" }] },
    owned: { b: ['.nested[name="i"]', '.nested[name="i"].name', '.nested[name="i"].text'] },
  },
  "members of a set belong to each who names them": {
    writes: [
      ["a", "applies", { set: ["x", "y"] }],
      ["b", "applies", { set: ["y", "z"] }],
      ["a", "applies", { set: ["x"] }],
      ["b", "applies", { set: ["z"] }],
    ],
    left: { set: ["x", "z"] },
    owned: { a: ['.set[="x"]'], b: ['.set[="z"]'] },
  },
  "an atomic list changes hands as a whole": {
    writes: [
      ["a", "applies", { atomicList: [1, 2] }],
      ["b", "takes", { atomicList: [2] }],
      ["a", "applies", {}],
    ],
    left: { atomicList: [2] },
    owned: { a: [], b: [".atomicList"] },
  },
  "free-form members: one by one down to lists, which are whole": {
    writes: [
      ["a", "applies", { free: { n: { x: 1, list: [1] } } }],
      ["b", "applies", { free: { n: { y: { z: 2 } } } }],
      ["a", "applies", {}],
    ],
    left: { free: { n: { y: { z: 2 } } } },
  },
  "null is a value that can be given up": {
    writes: [
      ["a", "applies", { text: null, number: 1 }],
      ["a", "applies", { number: 1 }],
    ],
    left: { number: 1 },
    owned: { a: [".number"] },
  },
  "an empty list of items is nobody's": {
    writes: [["a", "applies", { set: [], nested: [] }]],
    left: { set: [], nested: [] },
    owned: { a: [] },
  },
  "force takes one field and leaves the others of the item": {
    writes: [
      ["a", "applies", { ports: [{ port: 80, text: "x" }] }],
      ["b", "takes", { ports: [{ port: 80, protocol: "TCP", text: "y" }] }],
      ["b", "applies", {}],
    ],
    left: { ports: [{ port: 80 }] },
  },
  "what an updater writes into an applied map stays when the applier adds to it": {
    writes: [
      ["a", "applies", { map: { k: { text: "1" } } }],
      ["u", "puts", { map: { k: { text: "1" }, l: { text: "2" } } }],
      ["a", "applies", { map: { k: { text: "1" }, m: {} } }],
    ],
    left: { map: { k: { text: "1" }, l: { text: "2" }, m: {} } },
  },
  "a value that stands twice in a set is owned once": {
    writes: [["u", "puts", { set: ["x", "x", "y"] }]],
    left: { set: ["x", "x", "y"] },
    owned: { u: [".set", '.set[="x"]', '.set[="y"]'] },
  },
  "who writes a value of a set twice takes it, and who writes it once again too": {
    writes: [
      ["u", "puts", { set: ["x", "y"] }],
      ["v", "puts", { set: ["x", "x", "y"] }],
      ["w", "puts", { set: ["x", "y"] }],
    ],
    left: { set: ["x", "y"] },
    owned: { u: [".set", '.set[="y"]'], v: [], w: ['.set[="x"]'] },
  },
  "an applied value makes one of those that stand twice": {
    writes: [
      ["u", "puts", { set: ["x", "x", "y"] }],
      ["a", "takes", { set: ["x"] }],
    ],
    left: { set: ["x", "y"] },
    owned: { a: ['.set[="x"]'], u: [".set", '.set[="y"]'] },
  },
  "what stands twice stays so beside what is applied": {
    writes: [
      ["u", "puts", { set: ["x", "x", "y"] }],
      ["a", "applies", { set: ["z"] }],
    ],
    left: { set: ["x", "x", "y", "z"] },
    owned: { a: ['.set[="z"]'], u: [".set", '.set[="x"]', '.set[="y"]'] },
  },
  "a change in one of two items of a key is a change of both": {
    writes: [
      ["u", "puts", { nested: [{ name: "i", text: "1" }, { name: "i", text: "2" }, { name: "j" }] }],
      ["v", "puts", { nested: [{ name: "i", text: "1" }, { name: "i", text: "3" }, { name: "j" }] }],
    ],
    left: { nested: [{ name: "i", text: "1" }, { name: "i", text: "3" }, { name: "j" }] },
    owned: { u: [".nested", '.nested[name="j"]', '.nested[name="j"].name'], v: ['.nested[name="i"]'] },
  },
  "an applied item takes the place of two of its key": {
    writes: [
      ["u", "puts", { nested: [{ name: "i", text: "1" }, { name: "i", text: "2" }, { name: "j" }] }],
      ["a", "takes", { nested: [{ name: "i", text: "3" }] }],
    ],
    left: { nested: [{ name: "i", text: "3" }, { name: "j" }] },
    owned: { a: ['.nested[name="i"]', '.nested[name="i"].name', '.nested[name="i"].text'] },
  },
  "two items of a key stay beside one that is applied": {
    writes: [
      [
        "u",
        "puts",
        {
          nested: [
            { name: "i", text: "1" },
            { name: "i", text: "2" },
            { name: "j", text: "1" },
          ],
        },
      ],
      ["a", "takes", { nested: [{ name: "j", text: "2" }] }],
    ],
    left: {
      nested: [
        { name: "i", text: "1" },
        { name: "i", text: "2" },
        { name: "j", text: "2" },
      ],
    },
    owned: { u: [".nested", '.nested[name="i"]', '.nested[name="j"]', '.nested[name="j"].name'] },
  },
  "an item that an updater doubled is not its applier's to give up": {
    writes: [
      [
        "a",
        "applies",
        {
          nested: [
            { name: "i", text: "1" },
            { name: "j", text: "3" },
          ],
        },
      ],
      [
        "u",
        "puts",
        {
          nested: [
            { name: "i", text: "1" },
            { name: "i", text: "2" },
            { name: "j", text: "3" },
          ],
        },
      ],
      ["a", "applies", { nested: [{ name: "j", text: "3" }] }],
    ],
    left: {
      nested: [
        { name: "i", text: "1" },
        { name: "i", text: "2" },
        { name: "j", text: "3" },
      ],
    },
    owned: { u: ['.nested[name="i"]'] },
  },
  "an updater that repeats what was applied doesn't own it": {
    writes: [
      ["a", "applies", { text: "x" }],
      ["u", "puts", { text: "y" }],
      ["a", "takes", { text: "z" }],
      ["u", "puts", { text: "z", number: 1 }],
      ["a", "applies", { flag: true }],
    ],
    left: { number: 1, flag: true },
    owned: { a: [".flag"], u: [".number"] },
  },
  "entries of a map that get another key: the old one goes": {
    writes: [
      ["a", "applies", { map: { k: { text: "1" }, l: { text: "2" } } }],
      ["a", "applies", { map: { m: { text: "1" }, l: { text: "2" } } }],
    ],
    left: { map: { l: { text: "2" }, m: { text: "1" } } },
  },
  "an applier's struct goes, and what another said of it as null stays": {
    writes: [
      ["a", "applies", { struct: { text: "x" } }],
      ["u", "puts", { struct: { text: "x", number: null } }],
      ["a", "applies", {}],
    ],
    left: { struct: { number: null } },
    owned: { u: [".struct.number"] },
  },
  "an atomic map stays with the second who applied it, and is the second's to replace": {
    writes: [
      ["a", "applies", { atomicMap: { k: 1 } }],
      ["b", "applies", { atomicMap: { k: 1 } }],
      ["a", "applies", {}],
      ["b", "takes", { atomicMap: { l: 2 } }],
    ],
    left: { atomicMap: { l: 2 } },
    owned: { a: [], b: [".atomicMap"] },
  },
};

for (const [name, { writes, left, owned = {} }] of Object.entries(situations)) {
  test(name, () => {
    const story = new Story();
    for (const [by, how, value] of writes) {
      if (how === "puts") story.update(by, value);
      else story.apply(by, value, { force: how === "takes" });
    }
    assert.deepEqual(story.content, left);
    for (const [manager, fields] of Object.entries(owned)) assert.deepEqual(story.owned(manager), fields, manager);
  });
}

/** The thing with another type for one of its fields. */
const withField = (field: string, type: Type): Type => ({
  map: { atomic: false, fields: new Map([...(thing.map?.fields ?? []), [field, type]]), element: undefined },
});
const versionOf = (type: Type) => ({ ...v1, type, writable: everything });
const storyOf = (type: Type): Story => {
  const version = versionOf(type);
  return new Story({ find: () => version, convert: (object) => object });
};
const atomicStruct: Type = { map: { atomic: true, fields: new Map([["text", text]]), element: text } };

test("a struct that becomes atomic is owned as a whole by who owned any of it (API S-32)", () => {
  const version = versionOf(withField("struct", atomicStruct));
  const granular = new Story().apply("a", { struct: { text: "x" } }).apply("b", { struct: { number: 1 } });
  const story = storyOf(version.type);
  [story.object, story.owners] = [granular.object, granular.owners];
  story.reread(version.type);
  assert.deepEqual([story.owned("a"), story.owned("b")], [[".struct"], [".struct"]]);
  assert.throws(() => story.apply("a", { struct: { text: "y" } }, { version }));
  story.apply("a", { struct: { text: "y" } }, { version, force: true });
  assert.deepEqual(story.content, { struct: { text: "y" } });
  assert.deepEqual([story.owned("a"), story.owned("b")], [[".struct"], []]);
});

test("of a struct that was atomic its owner owns the name, and others may write into it (API S-32)", () => {
  const before = versionOf(withField("struct", atomicStruct));
  const story = storyOf(thing);
  story.apply("a", { struct: { text: "x" } }, { version: before }).reread(thing);
  assert.deepEqual(story.owned("a"), [".struct"]);
  story.apply("b", { struct: { text: "y" } });
  assert.deepEqual([story.content, story.owned("b")], [{ struct: { text: "y" } }, [".struct.text"]]);
});

test("keyed items that become one atomic list, and back", () => {
  const whole: Type = { list: { relation: "atomic", keys: [], element: struct({ name: text, text }) } };
  const version = versionOf(withField("nested", whole));
  const items = new Story().apply("a", { nested: [{ name: "i", text: "x" }] });
  const story = storyOf(version.type);
  [story.object, story.owners] = [items.object, items.owners];
  story.reread(version.type);
  assert.deepEqual(story.owned("a"), [".nested"]);
  assert.throws(() => story.apply("b", { nested: [{ name: "j" }] }, { version }));
  const back = storyOf(thing);
  [back.object, back.owners] = [story.object, story.owners];
  back.reread(thing).apply("b", { nested: [{ name: "j" }] });
  assert.deepEqual(back.content, { nested: [{ name: "i", text: "x" }, { name: "j" }] });
});

test("a text that becomes a struct gives way to it", () => {
  const story = storyOf(withField("text", struct({ text })));
  const version = versionOf(withField("text", struct({ text })));
  [story.object] = [{ apiVersion: "v1", text: "x" }];
  story.apply("a", { text: { text: "y" } }, { version });
  assert.deepEqual([story.content, story.owned("a")], [{ text: { text: "y" } }, [".text.text"]]);
});

test("a key by default and the same by name are one item, also within one body (API S-29, S-31)", () => {
  const body = { ports: [{ port: 80 }, { port: 80, protocol: "TCP" }] };
  assert.deepEqual(typeProblems(thing, body), ['.ports: duplicate entries for key [port=80,protocol="TCP"]']);
  assert.deepEqual(typeProblems(keyed([{ name: "a", default: 1 }], struct({ a: text, b: text })), [{ b: "x" }]), []);
});

test("what one applier says of an object, extracted and applied again, changes nothing", () => {
  const wanted: JsonObject = {
    text: "t",
    struct: { text: "x" },
    map: { k: { text: "1" }, l: {} },
    set: ["x"],
    nested: [{ name: "i", nested: [{ name: "j", text: "y" }] }],
    ports: [{ port: 80, text: "z" }],
    atomicList: [1],
    atomicMap: { a: 1 },
    free: { n: { m: [1] } },
  };
  const story = new Story().apply("a", wanted);
  story.update("u", { ...wanted, number: 1, set: ["x", "y"], struct: { text: "x", number: 2 } });
  const before = story.content;
  const said = extract(thing, story.object, story.owners.get("a")?.fields ?? new Map());
  assert.ok(typeof said === "object" && said !== null && !Array.isArray(said));
  assert.deepEqual(
    { ...JSON.parse(JSON.stringify(said)), apiVersion: undefined },
    { ...wanted, apiVersion: undefined },
  );
  const owned = story.owned("a");
  story.apply("a", JSON.parse(JSON.stringify(said)));
  assert.deepEqual([story.content, story.owned("a")], [before, owned]);
});
