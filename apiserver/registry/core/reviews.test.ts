import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { loadSchemas } from "../../../openapi/schemas/index.ts";
import { MemoryBackend } from "../../../test/support/memory-backend.ts";
import { writeOf } from "../../../test/support/widgets.ts";
import { AdmissionChain } from "../../admission/chain.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import { serviceAccountTokens } from "../../authentication/service-account-token.ts";
import type { UserInfo } from "../../authentication/user.ts";
import type { Attributes, Authorizer } from "../../authorization/authorizer.ts";
import { RbacAuthorizer } from "../../authorization/rbac.ts";
import { RbacPolicy } from "../../authorization/rbac-policy.ts";
import { StatusError } from "../../errors/status-error.ts";
import { createEndpoints } from "../generic/endpoint.ts";
import type { RequestContext } from "../rest/interface.ts";
import { bootstrapRbac } from "./bootstrap-rbac.ts";
import { coreResources } from "./resources.ts";
import { reviewEndpoints } from "./reviews.ts";

const jane: UserInfo = { name: "jane", uid: "1", groups: ["devs", "system:authenticated"], extra: { a: ["b"] } };
const signal = new AbortController().signal;
const contextOf = (user = jane, namespace = ""): RequestContext => ({
  user,
  namespace,
  signal,
  auditId: "audit",
  userAgent: "tester/1",
  requireVerb: async () => {},
  warn: () => undefined,
});

const policy = new RbacPolicy();
for (const object of bootstrapRbac) policy.sinks[object.kind].upsert(object);
const rbac = new RbacAuthorizer(policy);
const onlyGet: Authorizer & { asked: Attributes[] } = {
  asked: [],
  authorize: async (attributes) => {
    onlyGet.asked.push(attributes);
    if (attributes.user.name === "error") throw new Error("unreachable");
    if (attributes.user.name === "denied") return { decision: "deny", reason: "no" };
    return attributes.verb === "get" ? { decision: "allow", reason: "yes" } : { decision: "noOpinion", reason: "" };
  },
};
const tokens = {
  verify: async (token: string, audiences: readonly string[]) =>
    token === "good" ? { user: jane, audiences: [...audiences] } : undefined,
};
const schemas = loadSchemas();
const endpoints = reviewEndpoints({ authorizer: onlyGet, rules: rbac, tokens, schemas });

async function review(kind: string, content: JsonObject, context = contextOf()): Promise<KubeObject> {
  const endpoint = endpoints.find((each) => each.kind === kind);
  assert.ok(endpoint?.storage.create, kind);
  const input = { apiVersion: `${endpoint.group}/v1`, kind, metadata: {}, ...content };
  const { object, json } = (await endpoint.storage.create(context, writeOf("", input))).item;
  assert.deepEqual(JSON.parse(Buffer.from(json).toString()), object);
  assert.equal(object.apiVersion, `${endpoint.group}/v1`);
  return object;
}
const statusOf = async (...call: Parameters<typeof review>): Promise<JsonValue | undefined> =>
  (await review(...call)).status;
const messagesOf = (error: unknown): string => (error instanceof StatusError ? error.message : String(error));

const resource = { verb: "get", group: "g", resource: "rs", subresource: "status", namespace: "demo", name: "n" };
const path = { verb: "get", path: "/metrics" };
const allowed = { allowed: true, reason: "yes" };

const answers: Record<string, { kind: string; spec: JsonObject; context?: RequestContext; status: JsonObject }> = {
  "self, a resource": { kind: "SelfSubjectAccessReview", spec: { resourceAttributes: resource }, status: allowed },
  "self, a path": { kind: "SelfSubjectAccessReview", spec: { nonResourceAttributes: path }, status: allowed },
  "self, not allowed": {
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: { ...resource, verb: "*" } },
    status: { allowed: false },
  },
  "another user": {
    kind: "SubjectAccessReview",
    spec: { user: "bob", resourceAttributes: resource },
    status: allowed,
  },
  "a group": { kind: "SubjectAccessReview", spec: { groups: ["ops"], nonResourceAttributes: path }, status: allowed },
  denied: {
    kind: "SubjectAccessReview",
    spec: { user: "denied", nonResourceAttributes: path },
    status: { allowed: false, denied: true, reason: "no" },
  },
  "no answer to be had": {
    kind: "SubjectAccessReview",
    spec: { user: "error", nonResourceAttributes: path },
    status: { allowed: false, evaluationError: "unreachable" },
  },
  "in a namespace": {
    kind: "LocalSubjectAccessReview",
    spec: { user: "bob", resourceAttributes: resource },
    context: contextOf(jane, "demo"),
    status: allowed,
  },
  "who am I": {
    kind: "SelfSubjectReview",
    spec: {},
    status: { userInfo: { username: "jane", uid: "1", groups: [...jane.groups], extra: { a: ["b"] } } },
  },
  "a good token": {
    kind: "TokenReview",
    spec: { token: "good", audiences: ["x"] },
    status: {
      authenticated: true,
      user: { username: "jane", uid: "1", groups: [...jane.groups], extra: { a: ["b"] } },
      audiences: ["x"],
    },
  },
  "a bad token": { kind: "TokenReview", spec: { token: "bad" }, status: { user: {}, error: "invalid bearer token" } },
};
for (const [name, { kind, spec, context, status }] of Object.entries(answers)) {
  test(`${kind}: ${name}`, async () => {
    const object = await review(kind, { spec }, context);
    assert.deepEqual(object.status, status);
    assert.deepEqual(object.spec, spec);
    assert.deepEqual(object.metadata, context === undefined ? {} : { namespace: context.namespace });
  });
}

test("the question that is decided is the one that was asked", async () => {
  onlyGet.asked.length = 0;
  await review("SubjectAccessReview", {
    spec: { user: "bob", groups: ["ops"], uid: "2", resourceAttributes: resource },
  });
  assert.deepEqual(onlyGet.asked, [
    {
      user: { name: "bob", groups: ["ops"], uid: "2" },
      resourceRequest: true,
      ...resource,
      version: "",
      labelSelector: "",
      fieldSelector: "",
    },
  ]);
});

const refusals: Record<string, { kind: string; spec: JsonObject; code: number; message: RegExp }> = {
  "nothing asked": {
    kind: "SelfSubjectAccessReview",
    spec: {},
    code: 422,
    message: /^SelfSubjectAccessReview.authorization.k8s.io "" is invalid: spec: Invalid value: null: exactly one of/,
  },
  "two questions": {
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes: resource, nonResourceAttributes: path },
    code: 422,
    message: /spec: Invalid value: .*exactly one of/,
  },
  nobody: {
    kind: "SubjectAccessReview",
    spec: { resourceAttributes: resource },
    code: 422,
    message: /spec.user: Invalid value: "": at least one of user or group/,
  },
  "another namespace": {
    kind: "LocalSubjectAccessReview",
    spec: { user: "bob", resourceAttributes: { ...resource, namespace: "other" } },
    code: 422,
    message: /spec.resourceAttributes.namespace: .*must match/,
  },
  "no token": { kind: "TokenReview", spec: {}, code: 400, message: /token is required/ },
  "rules of no namespace": { kind: "SelfSubjectRulesReview", spec: {}, code: 400, message: /no namespace/ },
};
for (const [name, { kind, spec, code, message }] of Object.entries(refusals)) {
  test(`${kind} refuses: ${name}`, async () => {
    await assert.rejects(review(kind, { spec }, contextOf(jane, "demo")), (error) => {
      assert.match(messagesOf(error), message);
      return error instanceof StatusError && error.status.code === code;
    });
  });
}

test("everybody may ask about themselves and discover; masters may do everything, strangers see health", async () => {
  const rulesOf = async (user: UserInfo) =>
    statusOf("SelfSubjectRulesReview", { spec: { namespace: "demo" } }, contextOf(user));
  assert.deepEqual(await rulesOf({ name: "x", groups: ["system:masters"] }), {
    resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"] }],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    incomplete: false,
  });
  const self = JSON.stringify(await rulesOf(jane));
  for (const word of ["selfsubjectaccessreviews", "selfsubjectreviews", "/openapi/*"])
    assert.ok(self.includes(word), word);
  const may = async (user: UserInfo, verb: string, target: string) =>
    (await rbac.authorize({ user, resourceRequest: false, verb, path: target })).decision === "allow";
  for (const open of ["/apis", "/api/v1", "/version", "/openapi/v2", "/openapi/v3", "/healthz"])
    assert.equal(await may(jane, "get", open), true, open);
  for (const closed of ["/metrics", "/logs", "/"]) assert.equal(await may(jane, "get", closed), false, closed);
  const stranger = { name: "system:anonymous", groups: ["system:unauthenticated"] };
  assert.deepEqual([await may(stranger, "get", "/version"), await may(stranger, "get", "/apis")], [true, false]);
});

const tenantRights: readonly [role: string, verb: string, resource: string, allowed: boolean][] = [
  ["view", "get", "functions", true],
  ["view", "get", "functions/status", true],
  ["view", "update", "functions", false],
  ["view", "get", "secrets", false],
  ["edit", "get", "functions", true],
  ["edit", "update", "functions/scale", true],
  ["edit", "update", "functions/status", false],
  ["edit", "get", "secrets", true],
  ["edit", "create", "roles", false],
  ["admin", "create", "roles", true],
  ["admin", "delete", "functionmeshes", true],
  ["admin", "delete", "namespaces", false],
];
for (const [role, verb, wanted, expected] of tenantRights) {
  test(`${role} ${expected ? "may" : "may not"} ${verb} ${wanted}`, async () => {
    const groups: Record<string, string> = { secrets: "", namespaces: "", roles: "rbac.authorization.k8s.io" };
    const [base = "", subresource = ""] = wanted.split("/");
    const tenant = new RbacPolicy();
    for (const object of bootstrapRbac) tenant.sinks[object.kind].upsert(object);
    tenant.sinks.RoleBinding.upsert({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: "b", namespace: "demo" },
      roleRef: { kind: "ClusterRole", name: role },
      subjects: [{ kind: "User", name: "tenant" }],
    });
    const group = groups[base] ?? "compute.functionmesh.io";
    const attributes = { verb, group, version: "v1", resource: base, subresource, namespace: "demo", name: "" };
    const user = { name: "tenant", groups: [] };
    const request: Attributes = { user, resourceRequest: true, ...attributes, labelSelector: "", fieldSelector: "" };
    assert.equal((await new RbacAuthorizer(tenant).authorize(request)).decision === "allow", expected);
  });
}

function tokenEndpoint() {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
  const uids = new Map([
    ["ServiceAccount/demo/ci", "u-1"],
    ["Pod/demo/p", "p-1"],
  ]);
  const uidOf = async ({ kind, namespace, name }: { kind: string; namespace: string; name: string }) =>
    uids.get(`${kind}/${namespace}/${name}`);
  const now = () => Date.parse("2026-06-01T00:00:00Z");
  const issuer = serviceAccountTokens({ key: key.toString(), uidOf, now });
  const row = coreResources({ tokens: issuer, uidOf }).find(({ kind }) => kind === "ServiceAccount");
  assert.ok(row !== undefined);
  const ending = new AbortController();
  const dependencies = {
    backend: new MemoryBackend(),
    schemas,
    admission: new AdmissionChain([]),
    signal: ending.signal,
  };
  const [endpoint] = createEndpoints(row, dependencies);
  ending.abort();
  const { create } = endpoint?.subresources.find(({ name }) => name === "token")?.storage ?? {};
  assert.ok(create !== undefined);
  const request = async (name: string, spec: JsonObject) => {
    const input = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", metadata: {}, spec };
    return (await create(contextOf(jane, "demo"), writeOf(name, input))).item;
  };
  return { issuer, request };
}

// API Y-05
test("a token request is answered with a token that works", async () => {
  const { issuer, request } = tokenEndpoint();
  const { object } = await request("ci", { expirationSeconds: 600, boundObjectRef: { kind: "Pod", name: "p" } });
  const status: JsonValue | undefined = object.status;
  assert.ok(typeof status === "object" && status !== null && "token" in status);
  assert.equal(status.expirationTimestamp, "2026-06-01T00:10:00Z");
  const identity = await issuer.verify(String(status.token), [], signal);
  assert.equal(identity?.user.name, "system:serviceaccount:demo:ci");
  assert.deepEqual(object.spec, {
    audiences: issuer.audiences,
    expirationSeconds: 600,
    boundObjectRef: { kind: "Pod", name: "p" },
  });
});

const badRequests: Record<string, { name?: string; spec: JsonObject; code: number }> = {
  "no such account": { name: "nobody", spec: {}, code: 404 },
  "too short": { spec: { expirationSeconds: 599 }, code: 422 },
  "too long": { spec: { expirationSeconds: 2 ** 32 + 1 }, code: 422 },
  "beyond what a double holds": { spec: { expirationSeconds: JSON.rawJSON("9007199254740993") }, code: 422 },
  "no number": { spec: { expirationSeconds: "600" }, code: 400 },
  "a list where a number belongs": { spec: { expirationSeconds: [600] }, code: 400 },
  "a number that is no integer to Go": { spec: { expirationSeconds: JSON.rawJSON("1500.0") }, code: 400 },
  "one audience where a list belongs": { spec: { audiences: "vault" }, code: 400 },
  "an audience that is no text": { spec: { audiences: ["vault", 1] }, code: 400 },
  "bound to what every object inherits": { spec: { boundObjectRef: { kind: "constructor", name: "n" } }, code: 400 },
  "bound to an object's prototype": { spec: { boundObjectRef: { kind: "__proto__", name: "n" } }, code: 400 },
  "bound to a kind that cannot be": { spec: { boundObjectRef: { kind: "Node", name: "n" } }, code: 400 },
  "bound to nothing": { spec: { boundObjectRef: { kind: "Pod", name: "q" } }, code: 404 },
  "bound to another of that name": { spec: { boundObjectRef: { kind: "Pod", name: "p", uid: "other" } }, code: 409 },
};
for (const [label, { name = "ci", spec, code }] of Object.entries(badRequests)) {
  test(`token request: ${label} is ${code}`, async () => {
    await assert.rejects(
      tokenEndpoint().request(name, spec),
      (error) => error instanceof StatusError && error.status.code === code,
    );
  });
}
