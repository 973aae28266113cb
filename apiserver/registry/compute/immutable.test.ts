import assert from "node:assert/strict";
import { test } from "node:test";
import { aSpec, aWorkload } from "../../../test/support/workloads.ts";
import type { JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import { validateImmutable } from "./immutable.ts";

const claims = (...names: string[]): JsonValue => names.map((name) => ({ metadata: { name } }));
const withClaims = (volumeClaimTemplates: JsonValue | undefined): KubeObject =>
  aWorkload("Function", aSpec("Function", { volumeClaimTemplates }));

const changes: Record<string, { from: JsonValue | undefined; to: JsonValue | undefined; refused: boolean }> = {
  "another claim": { from: claims("a"), to: claims("b"), refused: true },
  "a claim more": { from: claims("a"), to: claims("a", "b"), refused: true },
  "no claim any more": { from: claims("a"), to: undefined, refused: true },
  "a claim where none was": { from: undefined, to: claims("a"), refused: true },
  "the same": { from: claims("a"), to: claims("a"), refused: false },
  "none and still none": { from: undefined, to: undefined, refused: false },
};
for (const [name, { from, to, refused }] of Object.entries(changes)) {
  test(`validateImmutable: ${name}`, () =>
    assert.deepEqual(
      validateImmutable(withClaims(to), withClaims(from)).map(({ field, body }) => `${field}: ${body}`),
      refused
        ? [
            "spec.volumeClaimTemplates: Forbidden: cannot be changed after creation; delete the object and create it again",
          ]
        : [],
    ));
}

test("validateImmutable: everything else may change", () => {
  const [old, next] = [aSpec("Function"), aSpec("Function", { className: "org.example.Other", replicas: 5 })];
  assert.deepEqual(validateImmutable(aWorkload("Function", next), aWorkload("Function", old)), []);
});
