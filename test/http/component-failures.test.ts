/** Exceptions nobody foresaw, in a plugin, a controller and a handler of an informer: seen in health, metrics and log. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Profile } from "../../apiserver/cmd/profile.ts";
import { standaloneFoundation } from "../../apiserver/cmd/standalone.ts";
import { systemClock } from "../../apiserver/machinery/clock.ts";
import { Controller } from "../../controllers/runtime/controller.ts";
import { silentLogger } from "../../controllers/runtime/logger.ts";
import { eventually } from "../support/processes.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { startServer } from "./support/server.ts";

/** The standalone server with parts that throw where an object is called `boom`. */
const broken: typeof standaloneFoundation = async (parts) => {
  const foundation = await standaloneFoundation(parts);
  return { ...foundation, profile: async (built) => withBugs(await foundation.profile(built)) };
};

function withBugs(profile: Profile): Profile {
  const type = { group: "", version: "v1", resource: "configmaps", kind: "ConfigMap", namespaced: true };
  return {
    ...profile,
    admission: [
      ...profile.admission,
      {
        name: "Broken",
        validate: async ({ name }) => {
          if (name === "boom") throw new TypeError("a bug of the plugin");
        },
      },
    ],
    controllers: (parts) => {
      const trigger = {
        informer: parts.own.informer(type),
        keysOf: ({ metadata }: KubeObject) => {
          if (metadata.name === "handled") throw new TypeError("a bug of the handler");
          return [];
        },
      };
      return [
        ...profile.controllers(parts),
        new Controller(
          { name: "broken", triggers: [trigger], reconciler: { reconcile: async () => ({}) } },
          { clock: systemClock, log: silentLogger },
        ),
      ];
    },
  };
}

const directory = await mkdtemp(join(tmpdir(), "functionmesh-failures-"));
const server = await startServer(directory, [], broken);
after(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
const { admin } = server;
await createNamespace(admin, "failures");
const configMaps = "/api/v1/namespaces/failures/configmaps";

async function told(what: {
  ready: number;
  verbose: RegExp;
  metrics: readonly RegExp[];
  logged: RegExp;
}): Promise<void> {
  assert.equal((await server.anonymous.get("/readyz")).status, what.ready);
  assert.equal((await server.anonymous.get("/livez")).status, 200);
  assert.match((await admin.get("/readyz?verbose")).text, what.verbose);
  const { text } = ok(await admin.get("/metrics"));
  for (const line of what.metrics) assert.match(text, line);
  assert.match(server.errors.join("\n"), what.logged);
}

test("a plugin that throws fails the request it was asked about and no other; nobody is sent away for it", async () => {
  for (let i = 0; i < 3; i++) {
    const reply = await admin.post(configMaps, { metadata: { name: "boom" } });
    assert.deepEqual([reply.status, /a bug/.test(reply.text)], [500, false]);
  }
  assert.equal((await admin.get(`${configMaps}/boom`)).status, 404);
  ok(await admin.post(configMaps, { metadata: { name: "fine" } }), 201);
  await told({
    ready: 200,
    verbose: /^warn: admission Broken met an exception lately: see the log$/m,
    metrics: [
      /^functionmesh_component_failures_total\{component="admission Broken"\} 3$/m,
      /^functionmesh_component_failing\{component="admission Broken"\} 0$/m,
    ],
    logged: /a bug of the plugin/,
  });
});

test("a handler that throws has lost an event: the server is alive and not ready, and says which it was", async () => {
  ok(await admin.post(configMaps, { metadata: { name: "handled" } }), 201);
  await eventually(() =>
    told({
      ready: 500,
      verbose: /^\[-\]controllers failed: reason withheld$/m,
      metrics: [
        /^functionmesh_component_failures_total\{component="handler of informer configmaps"\} 1$/m,
        /^functionmesh_component_failing\{component="handler of informer configmaps"\} 1$/m,
      ],
      logged: /a bug of the handler/,
    }),
  );
  const why = await admin.get("/readyz/controllers");
  assert.equal(why.text, "internal server error: handler of informer configmaps: a bug of the handler\n");
});
