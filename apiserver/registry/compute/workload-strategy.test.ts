import assert from "node:assert/strict";
import { test } from "node:test";
import { aSpec, aWorkload } from "../../../test/support/workloads.ts";
import type { KubeObject } from "../../apis/meta/v1.ts";
import { objectOf } from "../../machinery/fields.ts";
import { workloadStrategy } from "./workload-strategy.ts";

for (const kind of ["Function", "Source", "Sink"] as const) {
  const strategy = workloadStrategy(kind);
  const workload = (changes = {}) => aWorkload(kind, aSpec(kind, changes));

  test(`${kind}: what its strategy defaults, it accepts without a warning`, () => {
    const defaulted = strategy.default?.(workload()) ?? assert.fail("it defaults");
    assert.equal(objectOf(defaulted, "spec")?.name, "w");
    assert.deepEqual(strategy.validate?.(defaulted), []);
    assert.deepEqual(strategy.validateUpdate?.(defaulted, defaulted), []);
    assert.deepEqual(strategy.warnings?.(defaulted, undefined), []);
  });

  test(`${kind}: its component is called as the object, also when that name was generated`, () => {
    const nameOf = (object: KubeObject | undefined) => objectOf(object, "spec")?.name;
    const generated = aWorkload(kind, aSpec(kind), { name: "", generateName: "w-" });
    const defaulted = strategy.default?.(generated) ?? assert.fail("it defaults");
    assert.equal(nameOf(defaulted), undefined);
    assert.equal(nameOf(strategy.prepareForCreate?.({ ...defaulted, metadata: { name: "w-x7k2p" } })), "w-x7k2p");
    assert.equal(nameOf(strategy.prepareForCreate?.(workload({ name: "own" }))), "own");
  });

  test(`${kind}: its strategy refuses, forbids and warns`, () => {
    const fields = (errors: readonly { field: string }[] = []) => errors.map(({ field }) => field);
    assert.deepEqual(fields(strategy.validate?.(workload({ pulsar: {} }))), ["spec.pulsar.pulsarConfig"]);
    assert.deepEqual(fields(strategy.validateUpdate?.(workload({ volumeClaimTemplates: [{}] }), workload())), [
      "spec.volumeClaimTemplates",
    ]);
    assert.equal(strategy.warnings?.(workload({ runtimeFlags: "-x" }), undefined).length, 1);
  });
}
