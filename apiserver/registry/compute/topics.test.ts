import assert from "node:assert/strict";
import { test } from "node:test";
import { joinPath } from "../../errors/field-error.ts";
import { inputTopics, locationProblem, topicProblem } from "./topics.ts";

const topics: readonly (readonly [topic: string, good: boolean])[] = [
  ["t", true],
  ["any thing", true],
  ["a/b/c", true],
  ["persistent://a/b/c", true],
  ["non-persistent://a-1/b.2/c=3:4_5", true],
  ["persistent://a/b/c/with/slashes", true],
  ["kafka://whatever", false],
  ["://a", false],
  ["", false],
  ["a/b", false],
  ["a/b/c/d", false],
  ["a/b/", false],
  ["a b/c/d", false],
  ["persistent://a/b", false],
  ["persistent://a/b/", false],
  ["persistent://a!/b/c", false],
  ["persistent://", false],
];
for (const [topic, good] of topics) {
  test(`topicProblem: ${JSON.stringify(topic)} is ${good ? "" : "no "}topic`, () =>
    assert.equal(topicProblem(topic) === undefined, good));
}

const locations: readonly (readonly [location: string, good: boolean])[] = [
  ["http://x", true],
  ["HTTPS://x", true],
  ["function://a/b/c", true],
  ["sink://a/b/c@1", true],
  ["Source://a/b/c@v1.2", true],
  ["public/default/c", false],
  ["file:///a.jar", false],
  ["function://a/b", false],
  ["function://a/b/c/d", false],
  ["function://a/b/c@1@2", false],
  ["function://a/b/c://d", false],
];
for (const [location, good] of locations) {
  test(`locationProblem: ${location} is ${good ? "" : "no "}location`, () =>
    assert.equal(locationProblem(location) === undefined, good));
}

test("inputTopics: every way to name one, in order, with its path", () => {
  const input = {
    topics: ["a", "b"],
    topicPattern: "c.*",
    customSerdeSources: { d: "X" },
    customSchemaSources: { e: "Y" },
    sourceSpecs: { f: {} },
  };
  assert.deepEqual(
    inputTopics({ input }).map(({ topic, path }) => `${topic} ${joinPath("spec.input", ...path)}`),
    [
      "a spec.input.topics[0]",
      "b spec.input.topics[1]",
      "c.* spec.input.topicPattern",
      "d spec.input.customSerdeSources[d]",
      "e spec.input.customSchemaSources[e]",
      "f spec.input.sourceSpecs[f]",
    ],
  );
  assert.deepEqual(inputTopics({}), []);
});
