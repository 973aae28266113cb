import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createSecureServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { issueOdd, keyPem, nameOf } from "../../test/support/certificates.ts";
import { loadKubeClient } from "./kube-client.ts";

test("a server that offers HTTP/2 is spoken to over HTTP/1.1, whose connections may end at any time", async (context) => {
  const { certificate, key } = issueOdd({ name: nameOf("server") });
  const versions: string[] = [];
  const server = createSecureServer({ cert: certificate, key: keyPem(key), allowHTTP1: true }, (request, response) => {
    versions.push(request.httpVersion);
    response.setHeader("content-type", "application/json");
    response.end('{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"demo"}}');
  });
  const sockets = new Set<{ end(): void }>();
  server.on("secureConnection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const directory = await mkdtemp(join(tmpdir(), "kube-client-"));
  context.after(async () => {
    server.close();
    await rm(directory, { recursive: true });
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const kubeconfig = join(directory, "kubeconfig");
  const cluster = { server: `https://127.0.0.1:${address.port}`, "insecure-skip-tls-verify": true };
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster }],
      users: [{ name: "u", user: { token: "t" } }],
      contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
      "current-context": "x",
    }),
  );
  const client = await loadKubeClient({ kubeconfig });
  const type = { group: "", version: "v1", kind: "Namespace", resource: "namespaces", namespaced: false };
  for (let round = 0; round < 3; round++) {
    assert.equal((await client.get({ type, name: "demo" })).metadata.name, "demo");
    for (const socket of sockets) socket.end();
    sockets.clear();
  }
  assert.deepEqual(versions, ["1.1", "1.1", "1.1"]);
});
