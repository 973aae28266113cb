import assert from "node:assert/strict";
import { test } from "node:test";
import { sharesOf } from "./profile.ts";

test("a profile is told by folders, packages and what the engine does, without idle time and trifles", () => {
  const frames = [
    ["(idle)", ""],
    ["list", "file:///x/apiserver/registry/generic/reads.ts"],
    ["write", "file:///x/apiserver/registry/generic/writes.ts"],
    ["verify", "file:///x/node_modules/@scope/jose/index.js"],
    ["(garbage collector)", ""],
    ["onread", "node:internal/stream_base_commons"],
    ["rare", "file:///x/controllers/runtime/informer.ts"],
  ] as const;
  const nodes = frames.map(([functionName, url], id) => ({ id, callFrame: { functionName, url } }));
  const timeDeltas = [900, 30, 30, 20, 11, 8, 1];
  assert.deepEqual(sharesOf({ nodes, samples: nodes.map(({ id }) => id), timeDeltas }), [
    { of: "apiserver/registry/generic", percent: 60 },
    { of: "@scope/jose", percent: 20 },
    { of: "(garbage collector)", percent: 11 },
    { of: "node:internal/stream_base_commons", percent: 8 },
  ]);
});
