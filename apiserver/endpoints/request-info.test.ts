import assert from "node:assert/strict";
import { test } from "node:test";
import { namePathProblem, parseRequestInfo, queryBoolean } from "./request-info.ts";

/** `verb group/version namespace resource[/subresource] name`, or `path` of what is no resource. */
function said(method: string, url: string): string {
  const [path = "", rawQuery = ""] = url.split("?");
  const info = parseRequestInfo(method, path, new URLSearchParams(rawQuery));
  if (info === undefined) return "malformed";
  const { isResourceRequest, verb, group, version, namespace, resource, subresource, name } = info;
  if (!isResourceRequest) return `${verb} ${info.path}`;
  return [
    verb,
    `${group}/${version}`,
    namespace || "-",
    subresource === "" ? resource : `${resource}/${subresource}`,
    name || "-",
  ].join(" ");
}

const g = "/apis/g.example/v1";
for (const [method, url, expected] of [
  ["GET", `${g}/things`, "list g.example/v1 - things -"],
  ["GET", `${g}/things/`, "list g.example/v1 - things -"],
  ["GET", `${g}/namespaces/n/things`, "list g.example/v1 n things -"],
  ["GET", `${g}/namespaces/n/things/a`, "get g.example/v1 n things a"],
  ["HEAD", `${g}/namespaces/n/things/a`, "get g.example/v1 n things a"],
  ["POST", `${g}/namespaces/n/things`, "create g.example/v1 n things -"],
  ["PUT", `${g}/namespaces/n/things/a/status`, "update g.example/v1 n things/status a"],
  ["PATCH", `${g}/things/a`, "patch g.example/v1 - things a"],
  ["DELETE", `${g}/things/a`, "delete g.example/v1 - things a"],
  ["DELETE", `${g}/namespaces/n/things`, "deletecollection g.example/v1 n things -"],
  ["GET", `${g}/things?watch`, "watch g.example/v1 - things -"],
  ["GET", `${g}/things?watch=0`, "list g.example/v1 - things -"],
  ["GET", `${g}/namespaces/n/things/a?watch=1`, "get g.example/v1 n things a"],
  ["GET", `${g}/watch/namespaces/n/things/a`, "watch g.example/v1 n things a"],
  ["GET", `${g}/watch`, "list g.example/v1 - watch -"],
  ["GET", `${g}/things?fieldSelector=metadata.name%3Da`, "list g.example/v1 - things a"],
  ["GET", `${g}/things?watch=1&fieldSelector=metadata.name%3Da`, "watch g.example/v1 - things a"],
  ["GET", `${g}/things?fieldSelector=metadata.name!%3Da`, "list g.example/v1 - things -"],
  ["GET", `${g}/things?fieldSelector=metadata.name%3D..`, "list g.example/v1 - things -"],
  ["DELETE", `${g}/things?fieldSelector=metadata.name%3Da`, "deletecollection g.example/v1 - things a"],
  ["POST", `${g}/things?fieldSelector=metadata.name%3Da`, "create g.example/v1 - things -"],
  ["POST", `${g}/watch/things`, "watch g.example/v1 - things -"],
  ["GET", `${g}/things?fieldSelector=%2C%2Cmetadata.name`, "list g.example/v1 - things -"],
  ["GET", "/api/v1/namespaces", "list /v1 - namespaces -"],
  ["GET", "/api/v1/namespaces/n", "get /v1 n namespaces n"],
  ["PUT", "/api/v1/namespaces/n/finalize", "update /v1 n namespaces/finalize n"],
  ["GET", "/api/v1/namespaces/n/pods/p/log", "get /v1 n pods/log p"],
  ["PROPFIND", `${g}/things`, "propfind g.example/v1 - things -"],
  ["GET", "/healthz", "get /healthz"],
  ["POST", "/api/v1", "post /api/v1"],
  ["GET", "/apis/g.example", "get /apis/g.example"],
  ["GET", `${g}/things//a`, `get ${g}/things//a`],
  ["GET", "//apis/g.example/v1/things", "get //apis/g.example/v1/things"],
  ["GET", `${g}/namespaces/n/things/a%2fb`, "get g.example/v1 n things/b a"],
  ["GET", `${g}/things/%e4`, "malformed"],
] as const) {
  // API V-01, V-02, V-03, Z-05, Z-06
  test(`${method} ${url}`, () => assert.equal(said(method, url), expected));
}

// API V-06
test("only 0 and false are false", () => {
  assert.deepEqual(["0", "false", "False", null].map(queryBoolean), [false, false, false, false]);
  assert.deepEqual(["", "1", "no", "00"].map(queryBoolean), [true, true, true, true]);
});

test("names that are no path segment", () => {
  for (const name of [".", "..", "a/b", "a%b"]) assert.notEqual(namePathProblem(name), undefined, name);
  for (const name of ["a", "...", "a.b", "ä"]) assert.equal(namePathProblem(name), undefined, name);
});
