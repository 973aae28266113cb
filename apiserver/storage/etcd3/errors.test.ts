import assert from "node:assert/strict";
import { test } from "node:test";
import type { StorageErrorCode } from "../errors.ts";
import { interpretEtcdError } from "./errors.ts";

const cases: readonly (readonly [said: string, code: StorageErrorCode])[] = [
  ["8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded", "Full"],
  ["3 INVALID_ARGUMENT: etcdserver: request is too large", "TooLarge"],
  ["11 OUT_OF_RANGE: etcdserver: mvcc: required revision has been compacted", "Compacted"],
  ["11 OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision", "FutureRevision"],
  ["14 UNAVAILABLE: etcdserver: leader changed", "Unreachable"],
  ["4 DEADLINE_EXCEEDED", "Unreachable"],
];
for (const [said, code] of cases) {
  test(`etcd's "${said}" is ${code}`, () => {
    const cause = new Error(said);
    const error = interpretEtcdError(cause, "/p/a");
    assert.deepEqual([error.code, error.key, error.cause], [code, "/p/a", cause]);
  });
}
