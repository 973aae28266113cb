/** Exceptions nobody foresaw, in every part that a request or an event passes: seen in health, metrics and log. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Profile } from "../../apiserver/cmd/profile.ts";
import { standaloneFoundation } from "../../apiserver/cmd/standalone.ts";
import { systemClock } from "../../apiserver/machinery/clock.ts";
import type { ResourceDefinition } from "../../apiserver/registry/rest/strategy.ts";
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

/** A part of the path of a request throws for whoever or whatever is called `unlucky`. */
const unlucky = "unlucky";
function bug(what: string, name: string | undefined): void {
  if (name === unlucky) throw new TypeError(`a bug of the ${what}`);
}

/** The ConfigMaps' own parts. */
const withBugsOfKind = (definition: ResourceDefinition): ResourceDefinition =>
  definition.kind !== "ConfigMap"
    ? definition
    : {
        ...definition,
        strategy: {
          ...definition.strategy,
          validate: (object, old) => {
            if (object.data !== undefined) bug("rules", object.metadata.name);
            return definition.strategy.validate?.(object, old) ?? [];
          },
          warnings: (object) => {
            bug("warnings", object.metadata.labels?.warn);
            return [];
          },
          prepareForUpdate: (object) => {
            bug("preparation", object.metadata.labels?.prepare);
            return object;
          },
        },
        columns: [
          ...definition.columns,
          {
            name: "Luck",
            type: "string",
            description: "",
            priority: 0,
            cell: ({ metadata }) => {
              bug("column", metadata.labels?.column);
              return "";
            },
          },
        ],
      };

function withBugs(profile: Profile): Profile {
  const type = { group: "", version: "v1", resource: "configmaps", kind: "ConfigMap", namespaced: true };
  return {
    ...profile,
    definitions: profile.definitions.map(withBugsOfKind),
    authorizer: {
      authorize: async (attributes, signal) => {
        bug("authorizer", attributes.resourceRequest ? attributes.name : undefined);
        return profile.authorizer.authorize(attributes, signal);
      },
    },
    authenticator: {
      authenticate: async (credentials, signal) => {
        bug("authenticator", credentials.headers.get("x-test")?.[0]);
        return profile.authenticator.authenticate(credentials, signal);
      },
    },
    admission: [
      {
        name: "BrokenToo",
        admit: async ({ object }) => {
          bug("mutating plugin", object?.metadata.labels?.admit);
          return undefined;
        },
      },
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

const labelled = (name: string, labels: JsonObject) => ({ metadata: { name, labels } });
for (const { what, ask } of [
  { what: "the authorizer", ask: () => admin.get(`${configMaps}/${unlucky}`) },
  { what: "a mutating plugin", ask: () => admin.post(configMaps, labelled("a", { admit: unlucky })) },
  { what: "the rules of a kind", ask: () => admin.post(configMaps, { metadata: { name: unlucky }, data: { a: "b" } }) },
  { what: "the warnings of a kind", ask: () => admin.post(configMaps, labelled("b", { warn: unlucky })) },
  {
    what: "what prepares an update",
    ask: async () => {
      ok(await admin.post(configMaps, { metadata: { name: "changed" } }), 201);
      return admin.send("PATCH", `${configMaps}/changed`, {
        headers: { "content-type": "application/merge-patch+json" },
        body: { metadata: { labels: { prepare: unlucky } } },
      });
    },
  },
  {
    what: "a column",
    ask: async () => {
      ok(await admin.post(configMaps, labelled("shown", { column: unlucky })), 201);
      return admin.send("GET", `${configMaps}/shown`, {
        headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      });
    },
  },
]) {
  test(`${what} that throws fails that request alone, tells of it in the log and shows none of it`, async () => {
    const logged = server.errors.length;
    const reply = await ask();
    assert.equal(reply.status, 500);
    assert.doesNotMatch(reply.text, /TypeError|\.ts|\bat /);
    assert.match(server.errors.slice(logged).join("\n"), /a bug of the/);
    ok(await admin.get(`${configMaps}?limit=1`));
    assert.equal((await server.anonymous.get("/livez")).status, 200);
    assert.equal((await server.anonymous.get("/readyz")).status, 200);
  });
}

test("credentials that make an authenticator throw are those of nobody", async () => {
  const reply = await admin.get(configMaps, { "x-test": unlucky });
  assert.equal(reply.status, 401);
  assert.doesNotMatch(reply.text, /bug/);
  ok(await admin.get(configMaps));
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
