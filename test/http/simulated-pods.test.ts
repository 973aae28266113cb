/** A laptop's pods run nothing, and say so to whoever wants to look into one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Client } from "./support/client.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin, clientFor } = await serverForFile();
const pods = "/api/v1/namespaces/look/pods";
await createNamespace(admin, "look");
ok(await admin.post(pods, { metadata: { name: "p" }, spec: { containers: [{ name: "main", image: "i:1" }] } }), 201);

const sentences: { readonly [subresource: string]: RegExp } = {
  log: /^pod p is simulated on this laptop: nothing runs in it, so it has no logs$/,
  exec: /simulated.*no command can be run in it$/,
  attach: /simulated.*there is nothing to attach to$/,
  portforward: /simulated.*none of its ports answers$/,
};
const ways = {
  "a plain request": {},
  "an offer of SPDY": { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io" },
  "an offer of WebSocket": {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "v5.channel.k8s.io",
  },
} as const;

const message = (body: unknown): string => (isObject(body) ? String(body.message) : "");

for (const [subresource, sentence] of Object.entries(sentences)) {
  for (const [way, headers] of Object.entries(ways)) {
    test(`${subresource} by ${way} is refused with a sentence`, async () => {
      const reply = await admin.send("GET", `${pods}/p/${subresource}?container=main`, { headers });
      assert.equal(reply.status, 400, reply.text);
      assert.match(message(reply.body), sentence);
    });
  }
}

test("a POST, as kubectl sends it without a body, gets the same; a pod that isn't there is not found", async () => {
  const reply = await admin.send("POST", `${pods}/p/exec?command=ls`, { headers: ways["an offer of SPDY"] });
  assert.equal(reply.status, 400, reply.text);
  assert.match(message(reply.body), sentences.exec ?? /./);
  assert.equal((await admin.get(`${pods}/nope/log`)).status, 404);
});

test("only who may look into pods is told", async () => {
  const jane: Client = await clientFor("jane");
  assert.equal((await jane.get(`${pods}/p/log`)).status, 403);
  assert.equal((await jane.send("POST", `${pods}/p/exec`, {})).status, 403);
});
