import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { StatusError } from "../errors/status-error.ts";
import { deepEqual, isObject, parseJson, stringifyJson } from "./json.ts";
import { applyMergePatch } from "./merge-patch.ts";
import { applyStrategicMergePatch, type PatchSchema } from "./strategic-merge-patch.ts";

type Facts = { mergeKey?: string; strategy?: "merge" | "replace"; items?: PatchSchema; isMap?: boolean };

function place(facts: Facts = {}, members: { [name: string]: PatchSchema } = {}): PatchSchema {
  return {
    member: (name) => (Object.hasOwn(members, name) ? members[name] : undefined),
    items: facts.items,
    mergeKey: facts.mergeKey,
    strategy: facts.strategy,
    isMap: facts.isMap ?? false,
  };
}

const inner = place({}, { tags: place({ strategy: "merge" }), sub: place() });
const schema = place(
  {},
  {
    things: place({ mergeKey: "name", strategy: "merge", items: inner }),
    ports: place({ mergeKey: "port", strategy: "merge", items: place() }),
    set: place({ strategy: "merge" }),
    atomic: place(),
    keyless: place({ strategy: "merge" }),
    labels: place({ isMap: true }),
    whole: place({ strategy: "replace" }),
    sub: place({}, { things: place({ mergeKey: "name", strategy: "merge", items: inner }) }),
  },
);

const cases: Record<string, readonly [target: string, patch: string, result: string, reason: string]> = {
  scalars: ['{"a":1,"b":2}', '{"a":3,"c":4}', '{"a":3,"b":2,"c":4}', "P-30: as a merge patch"],
  nulls: ['{"a":1,"b":{"c":1}}', '{"a":null,"b":{"c":null,"d":null}}', '{"b":{}}', "P-30: null deletes"],
  "nulls in what is new": ["{}", '{"a":{"b":null,"c":1}}', '{"a":{"c":1}}', "there is nothing to delete"],
  "other types": ['{"a":[1],"b":{}}', '{"a":{"x":1},"b":[2]}', '{"a":{"x":1},"b":[2]}', "replaced"],
  "an atomic list": ['{"atomic":[1,2]}', '{"atomic":[3]}', '{"atomic":[3]}', "P-30: replace is the default"],
  "a list nobody knows": ['{"x":[{"name":"a"}]}', '{"x":[{"name":"b"}]}', '{"x":[{"name":"b"}]}', "P-30"],
  "a set": ['{"set":["a","b"]}', '{"set":["c","b"]}', '{"set":["c","a","b"]}', "P-30: union, what is new first"],
  "a list by key": [
    '{"things":[{"name":"a","v":1},{"name":"b","v":2}]}',
    '{"things":[{"name":"b","w":3},{"name":"c","x":null}]}',
    '{"things":[{"name":"a","v":1},{"name":"b","v":2,"w":3},{"name":"c"}]}',
    "P-30: merged by name, new ones at the end",
  ],
  "a list in an entry": [
    '{"things":[{"name":"a","tags":["x"]}]}',
    '{"things":[{"name":"a","tags":["y"]}]}',
    '{"things":[{"name":"a","tags":["y","x"]}]}',
    "P-30",
  ],
  "a key that is a number": [
    '{"ports":[{"port":80,"n":"a"},{"port":443}]}',
    '{"ports":[{"port":80,"n":"b"}]}',
    '{"ports":[{"port":80,"n":"b"},{"port":443}]}',
    "P-30",
  ],
  "a deleted map": ['{"labels":{"a":"1"},"b":1}', '{"labels":{"$patch":"delete"}}', '{"b":1}', "P-31"],
  "a deleted struct": ['{"sub":{"a":"1"}}', '{"sub":{"$patch":"delete"}}', '{"sub":{}}', "P-31: Go has an empty one"],
  "a deleted map that isn't there": ["{}", '{"sub":{"$patch":"delete"}}', "{}", "P-31"],
  "a replaced map that isn't there": [
    "{}",
    '{"sub":{"$patch":"replace","a":1}}',
    "{}",
    "P-31: there is nothing to replace",
  ],
  "an order of nothing": [
    '{"things":[{"name":"a"}]}',
    '{"$setElementOrder/things":[],"things":[{"name":"b"}]}',
    '{"things":[{"name":"b"},{"name":"a"}]}',
    "P-34",
  ],
  "a replaced map": ['{"sub":{"a":1,"b":2}}', '{"sub":{"$patch":"replace","c":3}}', '{"sub":{"c":3}}', "P-31"],
  "a replaced object": ['{"a":1,"b":2}', '{"$patch":"replace","c":3}', '{"c":3}', "P-31"],
  "a deleted entry": [
    '{"things":[{"name":"a"},{"name":"b"},{"name":"a"}]}',
    '{"things":[{"name":"a","$patch":"delete"},{"name":"z","$patch":"delete"}]}',
    '{"things":[{"name":"b"}]}',
    "P-31: all that have the key; one that isn't there is no error",
  ],
  "a replaced list": [
    '{"things":[{"name":"a"}]}',
    '{"things":[{"name":"b","sub":{"x":null}},{"$patch":"replace"}]}',
    '{"things":[{"name":"b","sub":{}}]}',
    "P-32",
  ],
  "an emptied list": ['{"things":[{"name":"a"}]}', '{"things":[{"$patch":"replace"}]}', '{"things":[]}', "P-32"],
  "an entry that is replaced": [
    '{"things":[{"name":"a"},{"name":"b"}]}',
    '{"things":[{"name":"b","$patch":"replace"},{"name":"c"}]}',
    '{"things":[{"name":"c"}]}',
    "P-32: it replaces the list",
  ],
  "values deleted": [
    '{"set":["a","b","c"]}',
    '{"$deleteFromPrimitiveList/set":["a","z"],"set":["d"]}',
    '{"set":["d","b","c"]}',
    "P-33",
  ],
  "values deleted from no list": ['{"set":1}', '{"$deleteFromPrimitiveList/set":["a"]}', '{"set":1}', "P-33"],
  "an order of values": [
    '{"set":["a","b","c"]}',
    '{"$setElementOrder/set":["c","d","a"],"set":["d"]}',
    '{"set":["b","c","d","a"]}',
    "P-34: b stands before c on the server",
  ],
  "an order of entries": [
    '{"things":[{"name":"a"},{"name":"s"},{"name":"b"},{"name":"t"}]}',
    '{"$setElementOrder/things":[{"name":"b"},{"name":"n"},{"name":"a"}],"things":[{"name":"n"}]}',
    '{"things":[{"name":"s"},{"name":"b"},{"name":"n"},{"name":"a"},{"name":"t"}]}',
    "P-34: what only the server has keeps its place relative to neighbours",
  ],
  "an order alone": [
    '{"things":[{"name":"a"},{"name":"b"}]}',
    '{"$setElementOrder/things":[{"name":"b"},{"name":"a"}]}',
    '{"things":[{"name":"b"},{"name":"a"}]}',
    "P-34: kubectl apply sends it",
  ],
  "an order with a deletion": [
    '{"things":[{"name":"a"},{"name":"b"},{"name":"c"}]}',
    '{"$setElementOrder/things":[{"name":"a"},{"name":"c"}],"things":[{"name":"b","$patch":"delete"}]}',
    '{"things":[{"name":"a"},{"name":"c"}]}',
    "P-34",
  ],
  "an order with an entry in the place of another": [
    '{"things":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"}]}',
    '{"$setElementOrder/things":[{"name":"n"},{"name":"a"}],"things":[{"name":"b","$patch":"delete"},{"name":"n"}]}',
    '{"things":[{"name":"c"},{"name":"d"},{"name":"n"},{"name":"a"}]}',
    "P-34: as kube-apiserver, for which the new entry stands where the deleted one left room, at the end",
  ],
  "an order of a list that isn't there": ["{}", '{"$setElementOrder/things":[{"name":"b"}]}', "{}", "P-34"],
  "an order of a new list": [
    "{}",
    '{"$setElementOrder/things":[{"name":"b"}],"things":[{"name":"b","sub":{"x":null}}]}',
    '{"things":[{"name":"b","sub":{}}]}',
    "P-34",
  ],
  "retained keys": [
    '{"sub":{"a":1,"b":2}}',
    '{"sub":{"$retainKeys":["b","c"],"c":3,"z":null}}',
    '{"sub":{"b":2,"c":3}}',
    "P-35",
  ],
  "an object that is replaced": ['{"whole":{"a":1}}', '{"whole":{"b":2}}', '{"whole":{"b":2}}', "strategy replace"],
  "directives in what is new": [
    "{}",
    '{"x":{"$retainKeys":["a"],"a":[{"$patch":"delete","name":"b"},{"name":"c"}],"$setElementOrder/a":[]}}',
    '{"x":{"a":[{"name":"c"}]}}',
    "they mean nothing there",
  ],
  "names of Object.prototype": [
    '{"__proto__":{"x":1}}',
    '{"__proto__":{"y":2},"toString":3}',
    '{"__proto__":{"x":1,"y":2},"toString":3}',
    "names are data",
  ],
};
for (const [name, [target, patch, expected, reason]] of Object.entries(cases)) {
  // API P-30, P-31, P-32, P-33, P-34, P-35
  test(`strategic merge: ${name}`, () => {
    const [before, change] = [parseJson(target), parseJson(patch)];
    assert.equal(stringifyJson(applyStrategicMergePatch(before, change, schema)), expected, reason);
    assert.equal(stringifyJson(before), target, "the object is unchanged");
    assert.equal(stringifyJson(change), patch, "the patch is unchanged");
  });
}

const refused: Record<string, readonly [target: string, patch: string, code: number, message: RegExp]> = {
  "no object": ["{}", "[]", 400, /must be a JSON object/],
  "an unknown directive": ["{}", '{"$patch":"frob","a":"1"}', 400, /^unknown patch type: frob in map: /],
  "merge in a map": ['{"sub":{}}', '{"sub":{"$patch":"merge"}}', 400, /^unknown patch type: merge in map: /],
  "merge in an entry": [
    '{"things":[]}',
    '{"things":[{"name":"a","$patch":"merge"}]}',
    400,
    /^merging lists cannot yet be specified in the patch$/,
  ],
  "an entry without its key": [
    '{"ports":[{"port":80}]}',
    '{"ports":[{"name":"x"}]}',
    400,
    /^map: \{"name":"x"\} does not contain declared merge key: port$/,
  ],
  "objects without a key": ['{"keyless":[{}]}', '{"keyless":[{}]}', 400, /without a merge key/],
  "entries of two types": ['{"set":["a"]}', '{"set":[{}]}', 400, /^list element types are not identical$/],
  "lists of lists": ['{"set":[[1]]}', '{"set":[[2]]}', 422, /^lists of lists are not supported$/],
  "values to delete that are no list": [
    '{"set":["a"]}',
    '{"$deleteFromPrimitiveList/set":"a"}',
    400,
    /^invalid patch format of primitive list$/,
  ],
  "retained keys that are no list": [
    '{"sub":{}}',
    '{"sub":{"$retainKeys":1}}',
    400,
    /^invalid patch format of retainKeys$/,
  ],
  "a key that isn't retained": [
    '{"sub":{}}',
    '{"sub":{"$retainKeys":["a"],"b":1}}',
    400,
    /^invalid patch format of retainKeys: .*"b"/,
  ],
  "an order that is no list": [
    '{"things":[]}',
    '{"$setElementOrder/things":"x"}',
    400,
    /^invalid patch format of setElementOrder list$/,
  ],
  "an order that lacks an entry": [
    '{"ports":[{"port":80}]}',
    '{"$setElementOrder/ports":[{"port":80}],"ports":[{"port":443}]}',
    400,
    /doesn't match \$setElementOrder list/,
  ],
  "an order that the entries don't have": [
    '{"things":[]}',
    '{"$setElementOrder/things":[{"name":"a"},{"name":"b"}],"things":[{"name":"b"},{"name":"a"}]}',
    400,
    /doesn't match \$setElementOrder list/,
  ],
};
for (const [name, [target, patch, code, message]] of Object.entries(refused)) {
  test(`strategic merge refuses ${name} (API P-36, P-37)`, () => {
    assert.throws(
      () => applyStrategicMergePatch(parseJson(target), parseJson(patch), schema),
      (error) => error instanceof StatusError && error.status.code === code && message.test(error.message),
    );
  });
}

test("what nests as deep as a body may is merged, and nothing deeper is made (API N-17)", () => {
  const nested = (levels: number, inner: string) =>
    parseJson(`${'{"sub":'.repeat(levels)}${inner}${"}".repeat(levels)}`);
  const deep = nested(9_990, '{"a":[null,{"$patch":"delete"},{"b":null,"c":1}]}');
  for (const target of [{}, nested(9_990, '{"d":1}')]) {
    const merged = stringifyJson(applyStrategicMergePatch(target, deep, undefined));
    assert.match(merged, /\{("d":1,)?"a":\[null,\{"c":1\}\]\}\}+$/);
  }
  const deeper = { sub: nested(10_000, "1") };
  assert.throws(() => applyStrategicMergePatch({}, deeper, undefined), { message: "exceeded max depth" });
});

/** The bound of a request (design D10) on a machine with company; quadratic work would take minutes. */
const boundMs = 2_000;

test("lists merge in linear time", () => {
  const entries = (start: number) => Array.from({ length: 50_000 }, (_, i) => ({ name: `n${start + i}`, v: i }));
  const elapsedMs = cpuClock();
  const result = applyStrategicMergePatch(
    { things: entries(0), set: entries(0).map(({ name }) => name) },
    {
      "$setElementOrder/things": entries(25_000).map(({ name }) => ({ name })),
      things: entries(25_000),
      set: entries(25_000).map(({ name }) => name),
    },
    schema,
  );
  assert.ok(isObject(result) && Array.isArray(result.things) && result.things.length === 75_000);
  assert.ok(elapsedMs() < boundMs);
});

test("errors don't repeat what was sent", () => {
  const patch = { ports: [{ name: "x".repeat(100_000) }] };
  assert.throws(
    () => applyStrategicMergePatch({ ports: [] }, patch, schema),
    (error) => String(error).length < 500,
  );
});

const names = fc.constantFrom("a", "b", "things", "sub", "set", "atomic", "labels", "name", "tags", "__proto__");
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<JsonValue>(null, true, 1, "a", "b"),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 4 }),
  ),
}));
const object = fc.dictionary(names, value, { maxKeys: 5 });

test("property: without a schema it is a merge patch, but for nulls in lists", () => {
  const withoutLists = (item: JsonValue | undefined): JsonValue | undefined => {
    if (Array.isArray(item)) return [];
    if (!isObject(item)) return item;
    return Object.fromEntries(Object.entries(item).map(([name, child]) => [name, withoutLists(child)]));
  };
  fc.assert(
    fc.property(object, object, (target, change) => {
      const [before, patch] = [
        parseJson(JSON.stringify(withoutLists(target))),
        parseJson(JSON.stringify(withoutLists(change))),
      ];
      assert.ok(deepEqual(applyStrategicMergePatch(before, patch, undefined), applyMergePatch(before, patch)));
    }),
  );
});

test("property: anything gives an object or a StatusError", () => {
  const directives = fc.constantFrom(
    "$patch",
    "$retainKeys",
    "$setElementOrder/things",
    "$deleteFromPrimitiveList/set",
  );
  const patches = fc.dictionary(fc.oneof(names, directives), value, { maxKeys: 5 });
  const apply = (target: JsonObject, patch: JsonObject): JsonValue | undefined => {
    try {
      return applyStrategicMergePatch(target, patch, schema);
    } catch (error) {
      assert.ok(error instanceof StatusError, String(error));
      return undefined;
    }
  };
  fc.assert(
    fc.property(object, patches, (target, patch) => {
      const once = apply(target, patch);
      assert.ok(once === undefined || isObject(once));
    }),
  );
});
