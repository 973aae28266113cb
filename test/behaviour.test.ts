/**
 * What apiserver/BEHAVIOUR.md and controllers/BEHAVIOUR.md say is held by tests, and what comments and tests cite is there.
 * A fact is cited as `API D-01`, a section as `FM 4.17`, a weakness of the operator as `FM W-43`; lists (`API D-01, D-03`) and
 * ranges (`API D-01…D-04`) go on in the same family.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repository } from "./support/readme.ts";

const read = (file: string): string => readFileSync(join(repository, file), "utf8");
const apiDocument = read("apiserver/BEHAVIOUR.md");
const controllerDocument = read("controllers/BEHAVIOUR.md");

type Fact = { readonly id: string; readonly priority: string; readonly text: string };
const facts: readonly Fact[] = [...apiDocument.matchAll(/^- \*\*([A-Z]{1,2}-\d+)\*\* (P\d): (.+)$/gm)].map(
  ([, id = "", priority = "", text = ""]) => ({ id, priority, text }),
);
const headings = (document: string): ReadonlySet<string> =>
  new Set([...document.matchAll(/^#{2,4} (\d+(?:\.\d+)*)\.? /gm)].map(([, number = ""]) => number));
const weaknesses = new Set([...controllerDocument.matchAll(/^\| \*\*(W-\d+)\*\* \|/gm)].map(([, id = ""]) => id));

/** Facts without a test of this repository that would fail without them, and why. A line that says "Not here" needs none. */
const untested: readonly { readonly ids: string; readonly reason: string }[] = [
  {
    ids: "K-08 K-17",
    reason:
      "what kube-aggregator does with the answers; the end-to-end suites run behind a real one and need all of it",
  },
  {
    ids: "W-41 KC-18 KC-21 KC-22 KC-23 KC-25 KC-16",
    reason: "what another program does; it needs what other facts promise",
  },
  { ids: "R-06", reason: "a write that outlives its answer is nobody's promise; the 504 is (V-12)" },
  { ids: "R-09 AD-06", reason: "the listener is opened last; there is no moment at which a test could ask" },
  { ids: "AD-35", reason: "says what is not here, as AD-33 and AD-34 do" },
  {
    ids: "AD-01",
    reason: "which plugins there are is one line of apiserver/admission/plugins.ts; each has tests of its own",
  },
  {
    ids: "T-10",
    reason:
      "needs three members of an etcd that loses its majority; storage/etcd3/client.ts asks for a leader in each watch",
  },
  {
    ids: "T-19",
    reason: "which key a health check reads nobody outside can tell; that it tells of a lost etcd is R-17",
  },
  {
    ids: "KB-33 KB-34",
    reason: "only for kinds that kubectl knows, or as apply: it sends requests that other facts hold",
  },
  {
    ids: "CR-01 CR-02 CR-05 CR-09 CR-10 CR-29 CR-30 CR-31 CR-32 CR-33",
    reason: "sums up other facts, each with its test",
  },
];
const reasons = new Map(untested.flatMap(({ ids, reason }) => ids.split(" ").map((id) => [id, reason] as const)));

const notHere = ({ text }: Fact): boolean => /^(?:Not here|Belongs to)/.test(text);

const id = String.raw`[A-Z]{1,2}-\d+`;
const more = `(?:(?: ?… ?| to |, (?:and )?| and )${id})*`;
const citation = new RegExp(String.raw`\b(API|FM)\s(${id}${more})`, "g");
const step = /(… ?| to )?([A-Z]{1,2})-(\d+)/g;

type Cited = { readonly family: string; readonly id: string; readonly file: string };

/** Ids of a list such as `S-10 to S-12, S-16`, ranges filled in. */
function idsOf(list: string): readonly string[] {
  const ids: string[] = [];
  let last = 0;
  for (const [, range, letters = "", digits = ""] of list.matchAll(step)) {
    const number = Number(digits);
    for (let between = last + 1; range !== undefined && between < number; between++) {
      const filled = `${letters}-${String(between).padStart(2, "0")}`;
      if (facts.some((fact) => fact.id === filled)) ids.push(filled);
    }
    ids.push(`${letters}-${digits}`);
    last = number;
  }
  return ids;
}

const citedIn = (file: string, text: string): readonly Cited[] =>
  [...text.matchAll(citation)].flatMap(([, family = "", list = ""]) =>
    idsOf(list).map((each) => ({ family, id: each, file })),
  );

const own = "test/behaviour.test.ts";
const sources = globSync("{apiserver,controllers,openapi,deploy,test}/**/*.ts", { cwd: repository })
  .filter((file) => file !== own)
  .map((file) => ({ file, text: read(file) }));
const isTest = (file: string): boolean => file.startsWith("test/") || file.endsWith(".test.ts");
const citations = sources.flatMap(({ file, text }) => citedIn(file, text));

test("citations are found alone, in lists, and in ranges", () => {
  const ids = (text: string) => citedIn("", text).map((cited) => `${cited.family} ${cited.id}`);
  assert.deepEqual(ids("as it must be (API D-01)"), ["API D-01"]);
  assert.deepEqual(ids("// API L-06, L-12 and W-10; design D6"), ["API L-06", "API L-12", "API W-10"]);
  assert.deepEqual(ids("(API S-10 to S-12, S-16; FM W-43)"), [
    "API S-10",
    "API S-11",
    "API S-12",
    "API S-16",
    "FM W-43",
  ]);
  assert.deepEqual(ids("P-10 … P-14 of API P-10 … P-12"), ["API P-10", "API P-11", "API P-12"]);
});

test("every fact has a number of its own", () => {
  assert.ok(facts.length > 600);
  assert.equal(new Set(facts.map((fact) => fact.id)).size, facts.length);
  assert.deepEqual(
    [...weaknesses],
    Array.from({ length: 67 }, (_, index) => `W-${index + 1}`),
  );
});

test("every fact that is cited exists", () => {
  const known = { API: new Set(facts.map((fact) => fact.id)), FM: weaknesses };
  const unknown = citations.filter(({ family, id: cited }) => !known[family === "FM" ? "FM" : "API"].has(cited));
  assert.deepEqual(unknown, []);
});

test("every section that is cited exists", () => {
  const known = { API: headings(apiDocument), FM: headings(controllerDocument) };
  const pattern = /\b(API|FM) (?:sections? )?(\d+(?:\.\d+)*)/g;
  const unknown = sources.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].flatMap(([cited, family, number = ""]) =>
      known[family === "FM" ? "FM" : "API"].has(number) ? [] : [`${cited} in ${file}`],
    ),
  );
  assert.deepEqual(
    unknown.filter((each) => !each.startsWith("API 3.0")),
    [],
  );
});

test("every fact of priority P0 or P1 has a test that cites it, or a reason why not", () => {
  const held = new Set(
    citations.filter(({ family, file }) => family === "API" && isTest(file)).map((cited) => cited.id),
  );
  const bare = facts.filter(
    (fact) => fact.priority !== "P2" && !held.has(fact.id) && !reasons.has(fact.id) && !notHere(fact),
  );
  assert.deepEqual(
    bare.map((fact) => `${fact.id}: ${fact.text}`),
    [],
  );
});

test("the list of facts without a test has no other", () => {
  const held = new Set(
    citations.filter(({ family, file }) => family === "API" && isTest(file)).map((cited) => cited.id),
  );
  const stale = [...reasons.keys()].filter((each) => {
    const fact = facts.find((one) => one.id === each);
    return fact === undefined || fact.priority === "P2" || held.has(each) || notHere(fact);
  });
  assert.deepEqual(stale, []);
});

test("what is said to come with later work is held by no test yet", () => {
  const coming = new Set(facts.filter(({ text }) => text.startsWith("Not here yet")).map((fact) => fact.id));
  assert.deepEqual(
    citations.filter(({ family, id: cited, file }) => family === "API" && isTest(file) && coming.has(cited)),
    [],
  );
});

test("a weakness that is named alone is one of the operator's, or a fact of watches", () => {
  const known = new Set([...weaknesses, ...facts.map((fact) => fact.id)]);
  const named = sources.flatMap(({ file, text }) =>
    [...text.matchAll(/\bW-\d+\b/g)].map(([one]) => ({ file, id: one })),
  );
  assert.ok(named.length > 50);
  assert.deepEqual(
    named.filter((one) => !known.has(one.id)),
    [],
  );
});

test("what one document says of another fact leads to one", () => {
  const known = new Set(facts.map((fact) => fact.id));
  const mentioned = facts.flatMap(({ text }) =>
    [...text.matchAll(/\b((?:KB|KC|AD|AU|MT|CR|[A-Z])-\d\d)\b/g)].map(([one = ""]) => one),
  );
  const foreign = new Set(["SHA-25", "UTF-16"]);
  assert.deepEqual(
    mentioned.filter((one) => !known.has(one) && !foreign.has(one)),
    [],
  );
});
