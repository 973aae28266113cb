import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { clusterRoleType } from "../../apiserver/client/resource-types.ts";
import { settle } from "../../test/support/fake-clock.ts";
import { FakeHost } from "../../test/support/fake-host.ts";

const rule = (resource: string): JsonObject => ({ verbs: ["get"], apiGroups: [""], resources: [resource] });

function role(name: string, labels: { [key: string]: string }, rest: { [field: string]: JsonValue }): KubeObject {
  return { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name, labels }, ...rest };
}
const selecting = (...keys: string[]): JsonObject => ({
  clusterRoleSelectors: keys.map((key) => ({ matchLabels: { [key]: "true" } })),
});
const rulesOf = async (host: FakeHost, name: string) => (await host.find(clusterRoleType, name, ""))?.rules;

test("an aggregating role holds the rules of those it selects, and no others", async () => {
  await using host = await FakeHost.start();
  await host.client.create(clusterRoleType, role("b", { view: "true" }, { rules: [rule("pods"), rule("services")] }));
  await host.client.create(clusterRoleType, role("a", { view: "true" }, { rules: [rule("pods")] }));
  await host.client.create(clusterRoleType, role("other", {}, { rules: [rule("secrets")] }));
  const view = role(
    "view",
    { edit: "true", view: "true" },
    { rules: [rule("own")], aggregationRule: selecting("view") },
  );
  await host.client.create(clusterRoleType, view);
  await host.client.create(clusterRoleType, role("edit", {}, { rules: [], aggregationRule: selecting("edit") }));
  await settle();
  const expected = [rule("pods"), rule("services")];
  assert.deepEqual(await rulesOf(host, "view"), expected, "in order of the roles' names, each once, without its own");
  assert.deepEqual(await rulesOf(host, "edit"), expected, "what is aggregated is aggregated again");

  const ref = { type: clusterRoleType, name: "b" };
  await host.client.patch(ref, { type: "merge", body: { metadata: { labels: { view: null } } } });
  await settle();
  assert.deepEqual(await rulesOf(host, "edit"), [rule("pods")]);
  host.client.requests.length = 0;
  await host.clock.advance(600_000);
  assert.deepEqual(host.client.writes, []);
});
