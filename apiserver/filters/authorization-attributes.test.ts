import assert from "node:assert/strict";
import { test } from "node:test";
import type { UserInfo } from "../authentication/user.ts";
import { parseRequestInfo } from "../endpoints/request-info.ts";
import { attributesOf } from "./authorization.ts";

const user: UserInfo = { name: "jane", groups: [] };
/** On every request below: a selector that names an object, which only verbs that select may be authorized by. */
const rawQuery = "fieldSelector=metadata.name%3Dmine&labelSelector=a%3Db&name=mine&namespace=other&resourceVersion=1";
const selectors = { labelSelector: "a=b", fieldSelector: "metadata.name=mine" };
const noSelectors = { labelSelector: "", fieldSelector: "" };

type Expected = Readonly<Record<"verb" | "namespace" | "resource" | "subresource" | "name", string>>;
type Row = readonly [method: string, path: string, expected: string, selects?: "selects"];

/** `verb namespace resource/subresource name`, `-` for what is empty. */
const rows: readonly Row[] = [
  // Collections: only what selects objects takes a name from the selector (API V-02).
  ["GET", "/namespaces/n/things", "list n things/- mine", "selects"],
  ["HEAD", "/namespaces/n/things", "list n things/- mine", "selects"],
  ["DELETE", "/namespaces/n/things", "deletecollection n things/- mine", "selects"],
  ["POST", "/namespaces/n/things", "create n things/- -"],
  ["PUT", "/namespaces/n/things", "update n things/- -"],
  ["PATCH", "/namespaces/n/things", "patch n things/- -"],
  ["OPTIONS", "/namespaces/n/things", "options n things/- -"],
  ["GET", "/things", "list - things/- mine", "selects"],
  ["DELETE", "/things", "deletecollection - things/- mine", "selects"],
  ["POST", "/things", "create - things/- -"],
  // Items and their subresources: the name of the path, whatever is selected.
  ["GET", "/namespaces/n/things/a", "get n things/- a"],
  ["HEAD", "/namespaces/n/things/a", "get n things/- a"],
  ["POST", "/namespaces/n/things/a", "create n things/- a"],
  ["PUT", "/namespaces/n/things/a", "update n things/- a"],
  ["PATCH", "/namespaces/n/things/a", "patch n things/- a"],
  ["DELETE", "/namespaces/n/things/a", "delete n things/- a"],
  ["GET", "/namespaces/n/things/a/status", "get n things/status a"],
  ["POST", "/namespaces/n/things/a/token", "create n things/token a"],
  ["PUT", "/namespaces/n/things/a/scale", "update n things/scale a"],
  ["PATCH", "/namespaces/n/things/a/status", "patch n things/status a"],
  ["DELETE", "/namespaces/n/things/a/status", "delete n things/status a"],
  ["PUT", "/things/a/status", "update - things/status a"],
  // A Namespace is in itself.
  ["GET", "/namespaces", "list - namespaces/- mine", "selects"],
  ["DELETE", "/namespaces", "deletecollection - namespaces/- mine", "selects"],
  ["POST", "/namespaces", "create - namespaces/- -"],
  ["GET", "/namespaces/n", "get n namespaces/- n"],
  ["DELETE", "/namespaces/n", "delete n namespaces/- n"],
  ["PUT", "/namespaces/n/finalize", "update n namespaces/finalize n"],
  ["PATCH", "/namespaces/n/status", "patch n namespaces/status n"],
  // The deprecated prefix is a watch, whose selectors authorization does not see (API V-03).
  ["GET", "/watch/namespaces/n/things", "watch n things/- mine"],
  ["GET", "/watch/namespaces/n/things/a", "watch n things/- a"],
  ["POST", "/watch/namespaces/n/things", "watch n things/- mine"],
  ["DELETE", "/watch/namespaces/n/things/a", "watch n things/- a"],
];

for (const root of ["/api/v1", "/apis/g.example/v1"]) {
  for (const [method, path, expected, selects] of rows) {
    // API V-02, Z-05
    test(`${method} ${root}${path} is authorized as ${expected}`, () => {
      const query = new URLSearchParams(rawQuery);
      const info = parseRequestInfo(method, root + path, query);
      assert.ok(info);
      assert.deepEqual(attributesOf({ info, user, query }), {
        user,
        resourceRequest: true,
        group: root === "/api/v1" ? "" : "g.example",
        version: "v1",
        ...parsed(expected),
        ...(selects === undefined ? noSelectors : selectors),
      });
    });
  }
}

function parsed(expected: string): Expected {
  const [verb = "", namespace = "", resource = "", subresource = "", name = ""] = expected
    .split(/[ /]/)
    .map((part) => (part === "-" ? "" : part));
  return { verb, namespace, resource, subresource, name };
}

test("a watch of a collection is authorized with its selectors", () => {
  const query = new URLSearchParams(`${rawQuery}&watch=1`);
  const info = parseRequestInfo("GET", "/api/v1/namespaces/n/things", query);
  assert.ok(info);
  const attributes = attributesOf({ info, user, query });
  assert.ok(attributes.resourceRequest);
  const { verb, name, labelSelector, fieldSelector } = attributes;
  assert.deepEqual({ verb, name, labelSelector, fieldSelector }, { verb: "watch", name: "mine", ...selectors });
});
