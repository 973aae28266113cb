import assert from "node:assert/strict";
import { test } from "node:test";
import { partialClient } from "../../test/support/partial-client.ts";
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { newForbidden, newServiceUnavailable } from "../errors/status-error.ts";
import { resourceAttributes } from "./attributes.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";
import { allowedPathsAuthorizer, mastersAuthorizer } from "./standing.ts";
import { subjectAccessReviewAuthorizer } from "./subject-access-review.ts";
import { unionAuthorizer } from "./union.ts";

const user = { name: "jane", uid: "1", groups: ["devs"], extra: { scopes: ["a"] } };
type ResourceRequest = Attributes & { readonly resourceRequest: true };
const request = (more: Partial<Omit<ResourceRequest, "resourceRequest">> = {}): Attributes =>
  resourceAttributes({
    user,
    verb: "list",
    group: "compute.functionmesh.io",
    resource: "functions",
    namespace: "demo",
    ...more,
  });

function setup(
  answer: (spec: JsonValue | undefined) => JsonObject | undefined,
  ttlMs = { allowed: 10_000, denied: 5_000 },
) {
  const clock = { now: 0 };
  const specs: (JsonValue | undefined)[] = [];
  const client = partialClient({
    create: async (_type, review) => {
      const spec: JsonValue | undefined = review.spec;
      specs.push(spec);
      const status = answer(spec);
      return status === undefined ? review : { ...review, status };
    },
  });
  const sleep = async (): Promise<void> => undefined;
  return { authorizer: subjectAccessReviewAuthorizer({ client, ttlMs, now: () => clock.now, sleep }), specs, clock };
}

// API Z-03
test("the question says who, what and where, and nothing that is empty", async () => {
  const { authorizer, specs } = setup(() => ({ allowed: true }));
  await authorizer.authorize(request({ name: "a", subresource: "status", version: "v1alpha1" }));
  await authorizer.authorize({
    user: { name: "bob", groups: [] },
    resourceRequest: false,
    verb: "get",
    path: "/metrics",
  });
  assert.deepEqual(specs, [
    {
      user: "jane",
      uid: "1",
      groups: ["devs"],
      extra: { scopes: ["a"] },
      resourceAttributes: {
        namespace: "demo",
        verb: "list",
        group: "compute.functionmesh.io",
        version: "v1alpha1",
        resource: "functions",
        subresource: "status",
        name: "a",
      },
    },
    { user: "bob", groups: [], nonResourceAttributes: { path: "/metrics", verb: "get" } },
  ]);
});

const selectors: Record<string, { given: Partial<Omit<ResourceRequest, "resourceRequest">>; sent: JsonObject }> = {
  labels: {
    given: { labelSelector: "a=1,b!=2,c in (x,y),d notin (z),e,!f" },
    sent: {
      labelSelector: {
        requirements: [
          { key: "a", operator: "In", values: ["1"] },
          { key: "b", operator: "NotIn", values: ["2"] },
          { key: "c", operator: "In", values: ["x", "y"] },
          { key: "d", operator: "NotIn", values: ["z"] },
          { key: "e", operator: "Exists" },
          { key: "f", operator: "DoesNotExist" },
        ],
      },
    },
  },
  fields: {
    given: { fieldSelector: "metadata.name=a,status.phase!=b" },
    sent: {
      fieldSelector: {
        requirements: [
          { key: "metadata.name", operator: "In", values: ["a"] },
          { key: "status.phase", operator: "NotIn", values: ["b"] },
        ],
      },
    },
  },
  "what cannot be parsed is left out": { given: { labelSelector: "a in", fieldSelector: "x" }, sent: {} },
};
for (const [name, { given, sent }] of Object.entries(selectors)) {
  // API Z-07
  test(`selectors: ${name}`, async () => {
    const { authorizer, specs } = setup(() => ({ allowed: true }));
    await authorizer.authorize(request(given));
    const [spec] = specs;
    const base = { namespace: "demo", verb: "list", group: "compute.functionmesh.io", resource: "functions" };
    assert.deepEqual(spec, {
      user: "jane",
      uid: "1",
      groups: ["devs"],
      extra: { scopes: ["a"] },
      resourceAttributes: { ...base, ...sent },
    });
  });
}

const answers: Record<string, { status: JsonObject | undefined; decision?: Decision["decision"] }> = {
  allowed: { status: { allowed: true, reason: "r" }, decision: "allow" },
  denied: { status: { allowed: false, denied: true, reason: "r" }, decision: "deny" },
  neither: { status: { allowed: false, reason: "r" }, decision: "noOpinion" },
  both: { status: { allowed: true, denied: true } },
  "no status": { status: undefined },
};
for (const [name, { status, decision }] of Object.entries(answers)) {
  // API Z-09
  test(`answer: ${name}`, async () => {
    const result = setup(() => status).authorizer.authorize(request());
    if (decision === undefined) await assert.rejects(result);
    else assert.deepEqual(await result, { decision, reason: "r" });
  });
}

// API Z-08
test("answers are remembered for their time, by the whole question", async () => {
  const { authorizer, specs, clock } = setup((spec) => ({ allowed: JSON.stringify(spec).includes('"demo"') }));
  const allowed = request();
  const denied = request({ namespace: "other" });
  for (const attributes of [allowed, allowed, denied, denied]) await authorizer.authorize(attributes);
  assert.equal(specs.length, 2);
  clock.now = 5_000;
  for (const attributes of [allowed, denied]) await authorizer.authorize(attributes);
  assert.equal(specs.length, 3, "denials end earlier here");
  clock.now = 10_000;
  await authorizer.authorize(allowed);
  assert.equal(specs.length, 4);
});

test("the same question of many at once is asked once", async () => {
  const { authorizer, specs } = setup(() => ({ allowed: true }));
  const decisions = await Promise.all(Array.from({ length: 20 }, () => authorizer.authorize(request())));
  assert.equal(specs.length, 1);
  assert.ok(decisions.every(({ decision }) => decision === "allow"));
});

// API Z-08
test("questions that callers can make long are not remembered", async () => {
  const { authorizer, specs } = setup(() => ({ allowed: true }));
  const long = request({ name: "n".repeat(10_000) });
  for (const _ of [1, 2]) await authorizer.authorize(long);
  assert.equal(specs.length, 2);
});

// API Z-10
test("a host out of breath is asked five times, one that refuses once; neither is an answer", async () => {
  const busy = setup(() => {
    throw newServiceUnavailable("busy");
  });
  for (const _ of [1, 2]) await assert.rejects(busy.authorizer.authorize(request()));
  assert.equal(busy.specs.length, 10, "failures are not remembered");
  const refusing = setup(() => {
    throw newForbidden({ group: "authorization.k8s.io", resource: "subjectaccessreviews" }, "", "no");
  });
  await assert.rejects(refusing.authorizer.authorize(request()));
  assert.equal(refusing.specs.length, 1);
});

const decides = (decision: Decision["decision"], reason = ""): Authorizer => ({
  authorize: async () => ({ decision, reason }),
});
const fails: Authorizer = { authorize: async () => Promise.reject(new Error("unreachable")) };
const unions: Record<string, { authorizers: Authorizer[]; decision?: Decision }> = {
  "first opinion wins": {
    authorizers: [decides("noOpinion"), decides("deny", "no"), decides("allow")],
    decision: { decision: "deny", reason: "no" },
  },
  "an opinion before a failure": {
    authorizers: [decides("allow"), fails],
    decision: { decision: "allow", reason: "" },
  },
  "a failure before an opinion": { authorizers: [fails, decides("allow")] },
  nobody: {
    authorizers: [decides("noOpinion", "a"), decides("noOpinion", "b")],
    decision: { decision: "noOpinion", reason: "a\nb" },
  },
};
for (const [name, { authorizers, decision }] of Object.entries(unions)) {
  test(`union: ${name}`, async () => {
    const result = unionAuthorizer(authorizers).authorize(request());
    if (decision === undefined) await assert.rejects(result);
    else assert.deepEqual(await result, decision);
  });
}

// API H-03, Z-01, Z-02, Z-04
test("masters and health paths need nobody's answer", async () => {
  const authorizer = unionAuthorizer([mastersAuthorizer, allowedPathsAuthorizer(), fails]);
  const at = (path: string) => authorizer.authorize({ user, resourceRequest: false, verb: "get", path });
  const master = { name: "root", groups: ["system:masters"] };
  assert.equal((await authorizer.authorize(request({ user: master }))).decision, "allow");
  for (const path of ["/healthz", "/livez", "/readyz"]) assert.equal((await at(path)).decision, "allow", path);
  for (const path of ["/healthz/etcd", "/metrics", "/healthz/../metrics"]) await assert.rejects(at(path), path);
  await assert.rejects(authorizer.authorize(request({ user: { name: "system:masters", groups: [] } })));
});
