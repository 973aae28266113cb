/**
 * Text that would end a line, begin another header, or make a terminal do things, in every place where a stranger or a tenant
 * may write some: the answer says so, in one header block and with the text escaped. What is logged of it is
 * `apiserver/observability/log.test.ts`'s.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "./support/client.ts";
import { aFunction, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin, anonymous } = await serverForFile();
const configMaps = "/api/v1/namespaces/default/configmaps";
const dryRun = `${configMaps}?dryRun=All`;
const json = { "content-type": "application/json" };
const evil = 'a\r\nX-Evil: 1\u001b[2J\u0085\u202e"\\';
const inQuery = encodeURIComponent(evil);
/** As a header may carry it: bytes of UTF-8 without those that no header has. */
const inHeader = Buffer.from("a\u0085\u009b2J\u202e").toString("latin1");

type Case = {
  readonly where: string;
  readonly client?: Client;
  readonly method?: string;
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: string;
  readonly code: number;
};
const object = (members: object, metadata: object = {}): string =>
  JSON.stringify({ metadata: { name: "x", ...metadata }, ...members });
const cases: readonly Case[] = [
  { where: "a field that nobody knows", path: dryRun, body: object({ [evil]: 1 }), code: 201 },
  { where: "such a field, strictly", path: `${dryRun}&fieldValidation=Strict`, body: object({ [evil]: 1 }), code: 400 },
  {
    where: "a field of a Function that nobody knows",
    path: `${pathOf("default", "functions")}?dryRun=All`,
    body: JSON.stringify({ ...aFunction("x"), spec: { ...Object(aFunction("x").spec), [evil]: 1 } }),
    code: 201,
  },
  {
    where: "a member that is given twice",
    path: dryRun,
    body: `{"metadata":{"name":"x"},"data":{${JSON.stringify(evil)}:"1",${JSON.stringify(evil)}:"2"}}`,
    code: 422,
  },
  {
    where: "a key of YAML",
    path: dryRun,
    headers: { "content-type": "application/yaml" },
    body: 'metadata: {name: x}\n"a\\r\\nX-Evil: 1\\e[2J": 1\n',
    code: 201,
  },
  { where: "a name", path: dryRun, body: object({}, { name: evil }), code: 422 },
  { where: "a finalizer", path: dryRun, body: object({}, { finalizers: [evil] }), code: 422 },
  { where: "a label", path: dryRun, body: object({}, { labels: { [evil]: evil } }), code: 422 },
  { where: "a field manager", path: `${dryRun}&fieldManager=${inQuery}`, body: object({}), code: 422 },
  { where: "a way to validate", path: `${dryRun}&fieldValidation=${inQuery}`, body: object({}), code: 422 },
  { where: "a limit", method: "GET", path: `${configMaps}?limit=${inQuery}`, code: 400 },
  { where: "a continue token", method: "GET", path: `${configMaps}?limit=1&continue=${inQuery}`, code: 400 },
  { where: "a resource version", method: "GET", path: `${configMaps}?resourceVersion=${inQuery}`, code: 400 },
  { where: "a label selector", method: "GET", path: `${configMaps}?labelSelector=${inQuery}`, code: 400 },
  { where: "a field selector", method: "GET", path: `${configMaps}?fieldSelector=${inQuery}`, code: 400 },
  { where: "a name in a path", method: "GET", path: `${configMaps}/${inQuery}`, code: 404 },
  { where: "a stranger's timeout", client: anonymous, method: "GET", path: `/livez?timeout=${inQuery}`, code: 400 },
  {
    where: "a stranger's namespace",
    client: anonymous,
    method: "GET",
    path: `/api/v1/namespaces/${inQuery}/secrets`,
    code: 403,
  },
  { where: "a stranger's path", client: anonymous, method: "GET", path: `/${inQuery}`, code: 403 },
  { where: "a stranger's method", client: anonymous, method: "PROPFIND", path: "/api", code: 403 },
  {
    where: "a stranger's token",
    client: anonymous,
    method: "GET",
    path: configMaps,
    headers: { authorization: `Bearer ${inHeader}` },
    code: 401,
  },
  { where: "an audit ID", method: "GET", path: "/api", headers: { "audit-id": inHeader }, code: 200 },
  {
    where: "somebody to be",
    method: "GET",
    path: configMaps,
    headers: { "impersonate-user": inHeader },
    code: 403,
  },
  { where: "a media type", path: dryRun, headers: { "content-type": `a/${inHeader}` }, body: "{}", code: 415 },
  { where: "a user agent", path: dryRun, headers: { ...json, "user-agent": inHeader }, body: object({}), code: 201 },
];

for (const { where, client = admin, method = "POST", path, headers = json, body, code } of cases) {
  test(`hostile text in ${where}: ${code}, and it is text`, async () => {
    const reply = await client.send(method, path, { headers, ...(body === undefined ? {} : { body }) });
    assert.equal(reply.status, code, reply.text.slice(0, 500));
    assert.equal(reply.headers["x-evil"], undefined);
    const fields = Object.values(reply.headers).flat().join("");
    assert.doesNotMatch(fields, /\p{Cc}/u, "no header has a control character");
    // JSON escapes the controls of ASCII; the message itself has them as Go quotes them.
    const isEscaped = [...reply.text.replace(/\n$/, "")].every(
      (character) => character >= " " && character !== "\u007f",
    );
    assert.ok(isEscaped, reply.text);
  });
}
