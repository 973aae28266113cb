import assert from "node:assert/strict";
import { test } from "node:test";
import { attributesOf } from "../../test/support/admission.ts";
import { aWidget } from "../../test/support/objects.ts";
import type { ObjectMeta } from "../apis/meta/v1.ts";
import { newForbidden } from "../errors/status-error.ts";
import { AdmissionChain } from "./chain.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "./interface.ts";

const attributes = attributesOf({ object: aWidget("a") });

function labelling(name: string): AdmissionPlugin {
  return {
    name,
    admit: async ({ object }) => object && { ...object, metadata: labelled(object.metadata, name) },
  };
}

const labelled = (meta: ObjectMeta, name: string): ObjectMeta => ({
  ...meta,
  labels: { ...meta.labels, [name]: "yes" },
});

test("each plugin sees what those before it made", async () => {
  const chain = new AdmissionChain([labelling("one"), { name: "idle" }, labelling("two")]);
  assert.deepEqual((await chain.admit(attributes))?.metadata.labels, { one: "yes", two: "yes" });
  assert.equal(await new AdmissionChain([{ name: "idle" }]).admit(attributes), undefined, "nothing changed");
});

test("what a plugin throws fails the request, and is told when it is neither a refusal nor the client's leaving", async () => {
  const told: unknown[] = [];
  const throwing = (error: Error): AdmissionPlugin => ({
    name: "broken",
    admit: () => Promise.reject(error),
    validate: () => {
      throw error;
    },
  });
  const bug = new TypeError("a bug");
  const outcomes = async (error: Error, more: Partial<AdmissionAttributes> = {}) => {
    const chain = new AdmissionChain([throwing(error)], {
      onFailure: (plugin, err) => told.push([plugin, err]),
    });
    await assert.rejects(chain.admit({ ...attributes, ...more }), error);
    await assert.rejects(chain.validate({ ...attributes, ...more }), error);
  };
  await outcomes(newForbidden({ group: "", resource: "widgets" }, "a", "no"));
  await outcomes(bug, { signal: AbortSignal.abort() });
  assert.deepEqual(told, []);
  await outcomes(bug);
  assert.deepEqual(told, [
    ["broken", bug],
    ["broken", bug],
  ]);
});

test("the first refusal ends the chain", async () => {
  const calls: string[] = [];
  const refusing = (name: string, refuse: boolean): AdmissionPlugin => ({
    name,
    validate: async () => {
      calls.push(name);
      if (refuse) throw new Error(name);
    },
  });
  const chain = new AdmissionChain([refusing("a", false), refusing("b", true), refusing("c", false)]);
  await assert.rejects(chain.validate(attributes), { message: "b" });
  assert.deepEqual(calls, ["a", "b"]);
});
