import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { FakeClient } from "../../test/support/fake-client.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import type { JsonObject } from "../apis/meta/v1.ts";
import { apiServiceType, secretType } from "../client/resource-types.ts";
import { StartError } from "../errors/start-error.ts";
import { newForbidden } from "../errors/status-error.ts";
import { createLogger } from "../observability/log.ts";
import { ApiServiceRegistration, apiServiceName } from "./api-service.ts";
import { conflictingDefinitions, definitionsWarning } from "./custom-resource-definitions.ts";
import { ClusterPresence } from "./presence.ts";
import { ServingSecret } from "./serving-secret.ts";

const namespace = "function-mesh";
const service = { namespace, name: "functionmesh", port: 443 };
const names = [`functionmesh.${namespace}.svc`];
const log = createLogger({ level: "error", pretty: false });
const dayMs = 24 * 60 * 60_000;

function replica(client: FakeClient, clock: FakeClock, register = true): ClusterPresence {
  const secret = new ServingSecret({
    client,
    namespace,
    name: "serving",
    names,
    now: () => clock.now(),
    onStep: () => undefined,
  });
  return new ClusterPresence({ secret, registration: new ApiServiceRegistration(client, service), register, log });
}

async function registered(client: FakeClient) {
  const registration = await new ApiServiceRegistration(client, service).read();
  assert.ok(registration !== undefined);
  return registration;
}

const verifies = (bundle: string, certificate: string): boolean =>
  new X509Certificate(certificate).verify(new X509Certificate(bundle).publicKey);

// API K-03
test("replicas that start together share one certificate, which the registration trusts", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const replicas = [replica(client, clock), replica(client, clock), replica(client, clock)];
  const [first, ...others] = await Promise.all(replicas.map((each) => each.refresh()));
  assert.ok(first !== undefined);
  for (const other of others) assert.deepEqual(other, first);
  const { caBundle, service: named } = await registered(client);
  assert.deepEqual(named, service);
  assert.ok(verifies(caBundle, first.certificate));
});

test("nothing is written while nothing changes", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  await replica(client, clock).refresh();
  client.requests.length = 0;
  await replica(client, clock).refresh();
  assert.deepEqual(client.writes, []);
});

// API K-20
test("an APIService that is there keeps its priorities and gets the CA", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const spec = {
    group: "compute.functionmesh.io",
    version: "v1alpha1",
    groupPriorityMinimum: 7,
    versionPriority: 3,
    service,
  };
  await client.create(apiServiceType, {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: apiServiceName },
    spec,
  });
  const { certificate } = await replica(client, clock).refresh();
  const stored = await client.get({ type: apiServiceType, name: apiServiceName });
  assert.partialDeepStrictEqual(stored.spec, { groupPriorityMinimum: 7, versionPriority: 3 });
  assert.ok(verifies((await registered(client)).caBundle, certificate));
});

test("without the task to register, the registration is only read", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const presence = replica(client, clock, false);
  await presence.refresh();
  assert.match(presence.problem ?? "", /APIService v1alpha1\.compute\.functionmesh\.io does not exist/);
  assert.deepEqual(
    client.writes.map(({ resource }) => resource),
    ["secrets"],
  );
});

test("a damaged Secret is never replaced in silence", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  await client.create(secretType, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: "serving" },
    data: { "tls.crt": "anVuaw==" },
  });
  client.requests.length = 0;
  await assert.rejects(
    replica(client, clock).refresh(),
    (error) => error instanceof StartError && /ca\.crt is missing; restore it, or delete it/.test(error.message),
  );
  assert.deepEqual(client.writes, []);
});

test("a host that refuses is not mistaken for one without a Secret", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const refused = newForbidden({ group: "", resource: "secrets" }, "serving", "no");
  client.fail(({ verb, resource }) => verb === "get" && resource === "secrets", refused);
  await assert.rejects(replica(client, clock).refresh(), refused);
  assert.deepEqual(client.writes, []);
});

test("renewal reaches every replica", async () => {
  const clock = new FakeClock();
  const client = new FakeClient(clock);
  const [one, two] = [replica(client, clock), replica(client, clock)];
  const before = await one.refresh();
  await clock.advance(300 * dayMs);
  const after = await two.refresh();
  assert.notEqual(after.certificate, before.certificate);
  assert.deepEqual(await one.refresh(), after);
});

const problems: Record<string, { object: { service?: JsonObject; status?: JsonObject }; problem: RegExp | undefined }> =
  {
    "CRDs serve the group": { object: {}, problem: /CustomResourceDefinitions/ },
    "another Service": {
      object: { service: { ...service, name: "other" } },
      problem: /Service function-mesh\/other, not to/,
    },
    "not reachable": {
      object: {
        service,
        status: {
          conditions: [{ type: "Available", status: "False", reason: "MissingEndpoints", message: "no endpoints" }],
        },
      },
      problem: /MissingEndpoints: no endpoints/,
    },
    reachable: {
      object: { service, status: { conditions: [{ type: "Available", status: "True" }] } },
      problem: undefined,
    },
    "not judged yet": { object: { service }, problem: undefined },
  };
for (const [name, { object, problem }] of Object.entries(problems)) {
  // API K-04
  test(`registration: ${name}`, async () => {
    const client = new FakeClient(new FakeClock());
    const { status, ...spec } = object;
    await client.create(apiServiceType, {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name: apiServiceName },
      spec,
    });
    if (status !== undefined)
      await client.patch(
        { type: apiServiceType, name: apiServiceName },
        { type: "merge", body: { status } },
        { subresource: "status" },
      );
    const registration = new ApiServiceRegistration(client, service);
    const found = registration.problemOf(await registration.read());
    if (problem === undefined) assert.equal(found, undefined);
    else assert.match(found ?? "", problem);
  });
}

test("definitions of our group are found, and told with what not to do", async () => {
  const client = new FakeClient(new FakeClock());
  const type = {
    group: "apiextensions.k8s.io",
    version: "v1",
    kind: "CustomResourceDefinition",
    resource: "customresourcedefinitions",
    namespaced: false,
  };
  for (const [name, group] of [
    ["functions.compute.functionmesh.io", "compute.functionmesh.io"],
    ["widgets.example.org", "example.org"],
  ] as const)
    await client.create(type, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name },
      spec: { group },
    });
  const found = await conflictingDefinitions(client);
  assert.deepEqual(found, ["functions.compute.functionmesh.io"]);
  assert.match(definitionsWarning(found), /Do not delete the definitions/);
});
