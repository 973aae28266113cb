import assert from "node:assert/strict";
import { test } from "node:test";
import { refused } from "../../test/support/widgets.ts";
import { assertReadErrorsCount, deleteOptionsOfBody, deleteOptionsOfQuery } from "./delete-options.ts";

const query = (text: string): URLSearchParams => new URLSearchParams(text);

// API X-04
test("delete: the same from a query and from a body", () => {
  const fromQuery = deleteOptionsOfQuery(
    query("dryRun=All&gracePeriodSeconds=5&propagationPolicy=Orphan&uid=u&resourceVersion=3"),
  );
  const { options: fromBody } = deleteOptionsOfBody({
    kind: "DeleteOptions",
    apiVersion: "foreign.example/v9",
    dryRun: ["All"],
    gracePeriodSeconds: 5,
    propagationPolicy: "Orphan",
    preconditions: { uid: "u", resourceVersion: "3" },
  });
  assert.deepEqual(fromQuery, fromBody);
  assert.deepEqual(fromBody, {
    dryRun: true,
    gracePeriodSeconds: 5,
    propagationPolicy: "Orphan",
    preconditions: { uid: "u", resourceVersion: "3" },
  });
  const none = { gracePeriodSeconds: null, preconditions: null, propagationPolicy: null, orphanDependents: null };
  assert.deepEqual(deleteOptionsOfBody(none), { options: { dryRun: false }, unknownFields: [] });
  assert.deepEqual(deleteOptionsOfQuery(query("orphanDependents=false")), { dryRun: false, orphanDependents: false });
});

for (const body of [
  { dryRun: "All" },
  { dryRun: [1] },
  { preconditions: [] },
  { preconditions: { uid: 5 } },
  { orphanDependents: "true" },
  { gracePeriodSeconds: 1.5 },
  { gracePeriodSeconds: JSON.rawJSON("1500.0") },
  { gracePeriodSeconds: JSON.rawJSON("9223372036854775808") },
  { gracePeriodSeconds: [600] },
  { propagationPolicy: {} },
  { kind: 5 },
  { kind: "constructor" },
]) {
  test(`delete options ${JSON.stringify(body)} cannot be decoded`, () => {
    assert.throws(() => deleteOptionsOfBody(body), refused(400, /must be of type|should be|it is a/));
  });
}

test("delete: every int64 is a grace period, from a query as well", () => {
  const most = "9223372036854775807";
  const { options } = deleteOptionsOfBody({ gracePeriodSeconds: JSON.rawJSON(most) });
  assert.deepEqual(options, { dryRun: false, gracePeriodSeconds: Number(most) });
  assert.deepEqual(deleteOptionsOfQuery(query("gracePeriodSeconds=9007199254740993")), {
    dryRun: false,
    gracePeriodSeconds: 2 ** 53,
  });
  for (const text of [most, "+1", "-9223372036854775808", "0000000000000000000000000000000000000000001"])
    assert.equal(
      deleteOptionsOfQuery(new URLSearchParams({ gracePeriodSeconds: text })).gracePeriodSeconds,
      Number(text),
    );
  for (const text of ["9223372036854775808", "-9223372036854775809", "1e3", "0x10", "9".repeat(10_000)])
    assert.throws(
      () => deleteOptionsOfQuery(new URLSearchParams({ gracePeriodSeconds: text })),
      refused(400, /ParseInt/),
    );
});

test("delete: fields that mean nothing are named, inherited ones too", () => {
  const body = { precondition: { uid: "u" }, preconditions: { uuid: "u" }, constructor: 1 };
  assert.deepEqual(deleteOptionsOfBody(body).unknownFields, ["constructor", "precondition", "preconditions.uuid"]);
});

// API X-04: an empty value in a query asks for nothing; an empty member of a body is nobody's uid.
test("delete: empty preconditions", () => {
  assert.deepEqual(deleteOptionsOfQuery(query("uid=&resourceVersion=")), { dryRun: false });
  assert.deepEqual(deleteOptionsOfBody({ preconditions: { uid: "" } }).options.preconditions, { uid: "" });
});

// API X-08
test("delete: a policy that is none beside its legacy form is wrong twice, in the order of kube-apiserver", () => {
  assert.throws(
    () => deleteOptionsOfBody({ propagationPolicy: "x", orphanDependents: true }),
    refused(
      422,
      'DeleteOptions.meta.k8s.io "" is invalid: [propagationPolicy: Invalid value: "x": orphanDependents and deletionPropagation cannot be both set, propagationPolicy: Unsupported value: "x": supported values: "Foreground", "Background", "Orphan", "nil"]',
    ),
  );
});

const ignored = "ignoreStoreReadErrorWithClusterBreakingPotential";

// API X-13
test("delete: ignored read errors exclude what would need the object", () => {
  assert.deepEqual(deleteOptionsOfQuery(query(ignored)), { dryRun: false, ignoresReadErrors: true });
  assert.deepEqual(deleteOptionsOfQuery(query(`${ignored}=0`)), { dryRun: false });
  assert.deepEqual(deleteOptionsOfBody({ [ignored]: false, gracePeriodSeconds: 0 }).options, {
    dryRun: false,
    gracePeriodSeconds: 0,
  });
  const others = {
    propagationPolicy: "Orphan",
    orphanDependents: true,
    gracePeriodSeconds: 0,
    preconditions: { uid: "u" },
  };
  for (const [name, value] of Object.entries(others)) {
    assert.throws(
      () => deleteOptionsOfBody({ [ignored]: true, [name]: value }),
      refused(
        422,
        `DeleteOptions.meta.k8s.io "" is invalid: ${ignored}: Invalid value: true: cannot be set together with .${name}`,
      ),
    );
  }
  assert.throws(
    () => assertReadErrorsCount({ dryRun: false, ignoresReadErrors: true }),
    refused(422, /DELETECOLLECTION/),
  );
});
