import assert from "node:assert/strict";
import { test } from "node:test";
import { aRequest } from "../../test/support/requests.ts";
import { refused } from "../../test/support/widgets.ts";
import { acceptedContentType, contentType } from "./body.ts";

test("the content type is what stands before its parameters, in lower case", () => {
  const typeOf = (value: string) => contentType(aRequest({ headers: { "content-type": value } }));
  assert.equal(typeOf(" Application/YAML ; charset=utf-8"), "application/yaml");
  assert.equal(contentType(aRequest()), "");
  assert.equal(typeOf(";"), ";");
});

test("a content type that is not accepted is 415 and told those that are; none at all means JSON", () => {
  const accepted = ["application/json", "application/yaml"];
  const protobuf = aRequest({ headers: { "content-type": "application/vnd.kubernetes.protobuf" } });
  assert.throws(() => acceptedContentType(protobuf, accepted), refused(415, /application\/json, application\/yaml$/));
  assert.equal(acceptedContentType(aRequest(), accepted), "");
  assert.throws(() => acceptedContentType(aRequest(), ["application/merge-patch+json"]), refused(415, /merge-patch/));
});
