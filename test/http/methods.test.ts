/** Over HTTP/2 any token is a method: none of them may be taken for something that every object inherits. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { test } from "node:test";
import { createNamespace } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const server = await serverForFile();
const { admin } = server;
await createNamespace(admin, "methods");

for (const method of [
  "constructor",
  "__proto__",
  "toString",
  "valueOf",
  "get",
  "WATCH",
  "LIST",
  "CREATE",
  "DELETECOLLECTION",
  "x",
]) {
  for (const path of ["/api/v1/namespaces/methods/configmaps", "/api/v1/namespaces/methods/configmaps/a", "/version"]) {
    test(`${method} ${path} is no method that is served`, async () => {
      const socket = await admin.connect({ ALPNProtocols: ["h2"] });
      const session = connect(server.url, { createConnection: () => socket });
      const stream = session.request({ ":method": method, ":path": path });
      const [headers] = await once(stream, "response");
      const status = Number(headers[":status"]);
      // 400: no name of a method; 404 and 405: none that is served there.
      assert.ok([400, 404, 405].includes(status), String(status));
      stream.destroy();
      session.destroy();
    });
  }
}
