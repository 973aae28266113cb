import assert from "node:assert/strict";
import { test } from "node:test";
import { refused } from "../../test/support/widgets.ts";
import { runAtOnce } from "../machinery/turns.ts";
import { listOptionsInSteps, watchOptionsInSteps, writeOptions } from "./query-options.ts";

const watchOptions = (...given: Parameters<typeof watchOptionsInSteps>) => runAtOnce(watchOptionsInSteps(...given));

const listOptions = (...given: Parameters<typeof listOptionsInSteps>) => runAtOnce(listOptionsInSteps(...given));

const query = (text: string): URLSearchParams => new URLSearchParams(text);

test("list: nothing given is everything, at the newest state", () => {
  const { labels, fields, ...rest } = listOptions(query(""));
  assert.deepEqual(rest, { limit: 0, continue: "", resourceVersion: "", resourceVersionMatch: "" });
  assert.ok(labels.empty && fields.empty);
});

test("list: what is given, in its terms", () => {
  const { labels, fields, ...rest } = listOptions(
    query("labelSelector=a%3Db&fieldSelector=metadata.name%3Dx&limit=5&resourceVersion=7&resourceVersionMatch=Exact"),
  );
  assert.deepEqual(rest, { limit: 5, continue: "", resourceVersion: "7", resourceVersionMatch: "Exact" });
  assert.ok(labels.matches({ a: "b" }) && !labels.matches({}));
  assert.ok(fields.matches(() => "x"));
  assert.equal(listOptions(query("limit=-3")).limit, 0);
  assert.equal(listOptions(query("resourceVersion=&continue=&labelSelector=")).limit, 0);
});

// API W-40
test("watch: how long it lives", () => {
  const timeoutMs = (text: string, random: number) => watchOptions(query(text), 1000, () => random).timeoutMs;
  assert.equal(timeoutMs("timeoutSeconds=3", 0.5), 3000);
  assert.deepEqual(
    [timeoutMs("", 0), timeoutMs("timeoutSeconds=0", 0.5), timeoutMs("timeoutSeconds=-1", 0.999)],
    [1000, 1500, 1999],
  );
});

test("watch: initial events are asked for, refused, or left to the position", () => {
  const sends = (text: string) => watchOptions(query(text), 1000).sendInitialEvents;
  assert.equal(sends(""), undefined);
  assert.equal(sends("sendInitialEvents=true&resourceVersionMatch=NotOlderThan"), true);
  assert.equal(sends("sendInitialEvents&resourceVersionMatch=NotOlderThan"), true);
  assert.equal(sends("sendInitialEvents=0&resourceVersionMatch=NotOlderThan"), false);
});

test("writes: dry run, validation and the manager's name", () => {
  assert.deepEqual(writeOptions(query(""), "CreateOptions"), {
    dryRun: false,
    fieldValidation: "Warn",
    fieldManager: "",
    force: false,
  });
  assert.deepEqual(
    writeOptions(query("dryRun=All&dryRun=All&fieldValidation=Strict&fieldManager=m"), "UpdateOptions"),
    {
      dryRun: true,
      fieldValidation: "Strict",
      fieldManager: "m",
      force: false,
    },
  );
  for (const manager of ["a\u0000", "a\u200b", "a\u00a0", "é".repeat(65)]) {
    const given = new URLSearchParams({ fieldManager: manager });
    assert.throws(() => writeOptions(given, "PatchOptions"), refused(422, /fieldManager: /), JSON.stringify(manager));
  }
  for (const manager of ["kubectl client", "é".repeat(64), "名"]) {
    assert.doesNotThrow(() => writeOptions(new URLSearchParams({ fieldManager: manager }), "CreateOptions"), manager);
  }
  const all = query("dryRun=x&fieldValidation=y&force=true");
  assert.throws(() => writeOptions(all, "PatchOptions"), refused(422, /dryRun: .*fieldValidation: .*force: /));
});

// API V-07, G-06, W-15
test("numbers are what Go takes for them", () => {
  const wrong: Record<string, string> = {
    "limit=": 'strconv.ParseInt: parsing "": invalid syntax',
    "timeoutSeconds=": 'strconv.ParseInt: parsing "": invalid syntax',
    "limit=1.5": 'strconv.ParseInt: parsing "1.5": invalid syntax',
    "limit=9223372036854775808": 'strconv.ParseInt: parsing "9223372036854775808": value out of range',
    "resourceVersion=-1": 'resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax',
    "resourceVersion=18446744073709551616":
      'resourceVersion: Invalid value: "18446744073709551616": strconv.ParseUint: parsing "18446744073709551616": value out of range',
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => listOptions(query(text)), refused(400, message));
    assert.throws(() => watchOptions(query(text), 1000), refused(400, message));
  }
  for (const text of ["00", "007", "9007199254740993", "18446744073709549568"]) {
    assert.equal(listOptions(query(`resourceVersion=${text}`)).resourceVersion, text);
  }
});

// API L-05, W-25, W-26, W-28: what contradicts itself is told of all its contradictions, in the order of kube-apiserver.
test("matches that contradict the rest", () => {
  const forbidden = (why: string): string => `resourceVersionMatch: Forbidden: ${why}`;
  const unsupported = (value: string): string =>
    `resourceVersionMatch: Unsupported value: "${value}": supported values: "NotOlderThan"`;
  const needsMatch = forbidden("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  const noContinue = forbidden("resourceVersionMatch is forbidden when continue is provided");
  const lists: Record<string, string[]> = {
    "resourceVersionMatch=Exact&continue=x": [
      forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"),
      noContinue,
    ],
    sendInitialEvents: ["sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"],
  };
  const watches: Record<string, string[]> = {
    sendInitialEvents: [needsMatch],
    "sendInitialEvents=false": [needsMatch],
    "sendInitialEvents&resourceVersionMatch=Exact": [needsMatch, unsupported("Exact")],
    "sendInitialEvents&resourceVersionMatch=NotOlderThan&continue=x": [noContinue],
    "resourceVersionMatch=NotOlderThan": [
      forbidden("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ],
    "continue=x": [noContinue],
    "continue=x&resourceVersion=0": [noContinue],
  };
  const textOf = (errors: string[]): string => (errors.length === 1 ? (errors[0] ?? "") : `[${errors.join(", ")}]`);
  const message = (errors: string[]): string => `ListOptions.meta.k8s.io "" is invalid: ${textOf(errors)}`;
  for (const [text, errors] of Object.entries(lists)) {
    assert.throws(() => listOptions(query(text)), refused(422, message(errors)), text);
  }
  for (const [text, errors] of Object.entries(watches)) {
    assert.throws(() => watchOptions(query(text), 1000), refused(422, message(errors)), text);
  }
  assert.equal(watchOptions(query("continue=x&resourceVersion=5"), 1000).resourceVersion, "5");
});
