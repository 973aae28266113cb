import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { secretType, serviceAccountType } from "../../apiserver/client/resource-types.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";

const secret = (account: string): KubeObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "token", namespace: "demo", annotations: { "kubernetes.io/service-account.name": account } },
  type: "kubernetes.io/service-account-token",
});
const account: KubeObject = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: { name: "robot", namespace: "demo" },
};
const decoded = (object: KubeObject | undefined, key: string): string =>
  Buffer.from(textOf(objectOf(object, "data"), key), "base64").toString();

test("a Secret for a service account's token is filled, once", async () => {
  await using host = await FakeHost.start();
  const robot = await host.client.create(serviceAccountType, account);
  const created = await host.client.create(secretType, secret("robot"));
  await settle();
  const filled = await host.find(secretType, "token");
  assert.equal(decoded(filled, "token"), `token of ${robot.metadata.uid} in ${created.metadata.uid}`);
  assert.equal(decoded(filled, "namespace"), "demo");
  assert.equal(decoded(filled, "ca.crt"), "PEM");
  assert.equal(filled?.metadata.annotations?.["kubernetes.io/service-account.uid"], robot.metadata.uid);
  host.client.requests.length = 0;
  await host.clock.advance(600_000);
  assert.deepEqual(host.client.writes, []);
});

test("it goes with the account, also when another one of that name comes", async () => {
  await using host = await FakeHost.start();
  await host.client.create(serviceAccountType, account);
  await host.client.create(secretType, secret("robot"));
  await settle();
  await host.client.delete({ type: serviceAccountType, name: "robot", namespace: "demo" });
  await host.client.create(serviceAccountType, account);
  await settle();
  assert.equal(await host.find(secretType, "token"), undefined);
});

test("a token of nobody is removed; other Secrets are left alone", async () => {
  await using host = await FakeHost.start();
  await host.client.create(secretType, secret("nobody"));
  await host.client.create(secretType, {
    ...secret("nobody"),
    metadata: { name: "other", namespace: "demo" },
    type: "Opaque",
  });
  await settle();
  assert.deepEqual(await host.names(secretType), ["other"]);
});
