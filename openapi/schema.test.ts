import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../apiserver/apis/meta/v1.ts";
import { choice, flag, freeForm, int32, list, map, object, record, text, textMap, texts } from "./nodes.ts";
import { ref, type ValueOf } from "./schema.ts";

/** `true` only where both are one type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const part = object("A part.", { name: text("Its name."), on: flag("Whether it is on.") }, ["name"]);
const thing = object("A thing.", {
  level: choice(["low", "high"], "How much."),
  count: int32("How many."),
  labels: textMap("Labels."),
  tags: texts("Tags."),
  parts: list(part, "Its parts."),
  byName: map(part, "The same."),
  config: freeForm("Anything."),
  core: ref<{ name: string }>("io.k8s.api.core.v1.Container"),
  unread: ref("io.k8s.api.core.v1.Affinity"),
});
const status = record("What is seen.", { replicas: int32("How many."), note: text<"a" | "b">("Why.") }, ["replicas"]);

type Part = { name?: string; on?: boolean };
const typesAreThoseOfSchemas: {
  readonly part: Same<ValueOf<typeof part>, Part>;
  readonly thing: Same<
    ValueOf<typeof thing>,
    {
      level?: "low" | "high";
      count?: number;
      labels?: { [key: string]: string };
      tags?: string[];
      parts?: Part[];
      byName?: { [key: string]: Part };
      config?: JsonObject;
      core?: { name: string };
      unread?: JsonObject;
    }
  >;
  readonly replicas: Same<ValueOf<typeof status>["replicas"], number>;
  readonly note: Same<ValueOf<typeof status>["note"], "a" | "b" | undefined>;
} = { part: true, thing: true, replicas: true, note: true };

test("the compiler knows the type of what a schema describes, and nothing of that is in the schema", () => {
  assert.ok(typesAreThoseOfSchemas.thing);
  assert.deepEqual(part, {
    type: "object",
    description: "A part.",
    required: ["name"],
    properties: {
      name: { type: "string", description: "Its name." },
      on: { type: "boolean", description: "Whether it is on." },
    },
  });
  assert.deepEqual(Object.getOwnPropertySymbols(thing), []);
  assert.deepEqual(status.required, ["replicas"]);
});
