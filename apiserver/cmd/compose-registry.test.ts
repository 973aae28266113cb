import assert from "node:assert/strict";
import { test } from "node:test";
import { cachesLoaded } from "./compose-registry.ts";

test("a server is ready when each of its caches was whole once, and stays so while one is made anew", () => {
  const whole = { functions: false, sinks: false };
  const endpointOf = (name: keyof typeof whole) => ({
    storedSize: () => (whole[name] ? { objects: 1, bytes: 1 } : undefined),
  });
  const loaded = cachesLoaded([endpointOf("functions"), endpointOf("sinks")]);
  assert.equal(loaded(), false);
  whole.functions = true;
  assert.equal(loaded(), false);
  whole.sinks = true;
  assert.equal(loaded(), true);
  whole.functions = false;
  assert.equal(loaded(), true);
});
