/** What outlives a restart, and what is said of a past that is gone (API L-06, L-12, W-10, W-12; design D6, D7, D8). */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { eventually } from "../support/processes.ts";
import { brief } from "./support/client.ts";
import { assertFailure } from "./support/failures.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { noControllers, startServer } from "./support/server.ts";

const directory = await mkdtemp(join(tmpdir(), "functionmesh-http-"));
after(() => rm(directory, { recursive: true, force: true }));

const functions = pathOf("history", "functions");
/** Values that a double cannot hold, or would be printed otherwise. */
const digits = '{"big":10000000000000000000,"long":12345678901234567890123456789,"tiny":1.10,"exp":1E400,"neg":-0}';
const withDigits = (name: string): string =>
  JSON.stringify(aFunction(name, { spec: { funcConfig: {} } })).replace('"funcConfig":{}', `"funcConfig":${digits}`);
const kept = `"funcConfig":${digits}`;

test("numbers are kept digit for digit, wherever an object passes through, and watches go on after a restart", async () => {
  let seenUpTo = "";
  {
    await using server = await startServer(directory);
    const { admin } = server;
    await createNamespace(admin, "history");
    await using watch = await admin.watch(`${functions}?watch=1`);
    const created = ok(await admin.post(functions, withDigits("numbers")), 201);
    assert.ok(created.text.includes(kept), created.text);
    assert.ok(ok(await admin.get(`${functions}/numbers`)).text.includes(kept));
    assert.ok(ok(await admin.get(functions)).text.includes(kept));
    assert.match(
      ok(await admin.get(`${functions}/numbers`, { accept: "application/yaml" })).text,
      /big: 10000000000000000000\n[\s\S]*tiny: 1\.10\n/,
    );
    const patched = ok(await admin.patch(`${functions}/numbers`, "merge", '{"spec":{"replicas":2}}'));
    assert.ok(patched.text.includes(kept), patched.text);
    const big = '[{"op":"test","path":"/spec/funcConfig/big","value":10000000000000000000}]';
    ok(await admin.patch(`${functions}/numbers`, "json", big));
    const put = ok(
      await admin.send("PUT", `${functions}/numbers`, { body: patched.text.replace('"replicas":2', '"replicas":3') }),
    );
    assert.ok(put.text.includes(kept), put.text);
    const [added, modified] = await watch.take(2);
    assert.ok(added?.line.includes(kept) && modified?.line.includes(kept));
    seenUpTo = String(patched.at("metadata", "resourceVersion"));
    assert.deepEqual(server.errors, []);
  }
  await using server = await startServer(directory);
  const { admin } = server;
  const stored = ok(await admin.get(`${functions}/numbers`));
  assert.ok(stored.text.includes(kept), stored.text);
  assert.equal(stored.at("metadata", "generation"), 3);
  await using resumed = await admin.watch(`${functions}?watch=1&resourceVersion=${seenUpTo}`);
  const [missed] = await resumed.take(1);
  assert.equal(missed && brief(missed), "MODIFIED numbers");
  assert.ok(missed?.line.includes(kept));
});

test("what compaction took away is Expired, and a page says where to go on", async () => {
  let token = "";
  let first = "";
  {
    await using server = await startServer(directory);
    const { admin } = server;
    for (const name of ["page-1", "page-2", "page-3"]) ok(await admin.post(functions, aFunction(name)), 201);
    const page = ok(await admin.get(`${functions}?limit=2`));
    token = String(page.at("metadata", "continue"));
    first = String(page.at("metadata", "resourceVersion"));
    ok(await admin.delete(`${functions}/page-1`));
  }
  await using server = await startServer(directory, [...noControllers, "--etcd-compaction-interval", "300ms"]);
  const { admin } = server;
  const next = `${functions}?limit=2&continue=${token}`;
  const expired = await eventually(async () => {
    const reply = await admin.get(next);
    assert.equal(reply.status, 410);
    return reply;
  }, 10_000);
  assertFailure(expired, {
    code: 410,
    reason: "Expired",
    message: /^The provided continue parameter is too old to display a consistent list result\. /,
  });
  const fresh = String(expired.at("metadata", "continue"));
  const rest = ok(await admin.get(`${functions}?limit=2&continue=${fresh}`));
  assert.equal(rest.at("items", 0, "metadata", "name"), "page-2");
  assertFailure(await admin.get(`${functions}?resourceVersion=${first}&resourceVersionMatch=Exact`), {
    code: 410,
    reason: "Expired",
    message: "The resourceVersion for the provided list is too old.",
  });
  await using watch = await admin.watch(`${functions}?watch=1&resourceVersion=1`);
  const [error, ...more] = await watch.rest();
  assert.equal(error && brief(error), "ERROR 410");
  assert.equal(error?.object.reason, "Expired");
  assert.deepEqual(more, []);
  assert.deepEqual(server.errors, []);
});
