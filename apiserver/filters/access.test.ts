import assert from "node:assert/strict";
import { test } from "node:test";
import type { Authenticator } from "../authentication/authenticator.ts";
import { anonymous, type UserInfo } from "../authentication/user.ts";
import type { Attributes, Authorizer } from "../authorization/authorizer.ts";
import type { ApiRequest, ApiResponse, Filter } from "../endpoints/api-handler.ts";
import type { RequestInfo } from "../endpoints/request-info.ts";
import { withAuthentication } from "./authentication.ts";
import { withAuthorization } from "./authorization.ts";
import { withImpersonation } from "./impersonation.ts";

const jane: UserInfo = { name: "jane", groups: ["devs"] };
const functionInfo: RequestInfo = {
  isResourceRequest: true,
  verb: "get",
  path: "/apis/compute.functionmesh.io/v1alpha1/namespaces/demo/functions/f",
  group: "compute.functionmesh.io",
  version: "v1alpha1",
  namespace: "demo",
  resource: "functions",
  subresource: "",
  name: "f",
  parts: ["f"],
};

type Given = {
  headers?: Record<string, string | string[]>;
  info?: Partial<RequestInfo>;
  rawQuery?: string;
  user?: UserInfo;
};
function aRequest({ headers = {}, info = {}, rawQuery = "", user = jane }: Given = {}): ApiRequest {
  const full = { ...functionInfo, ...info };
  return {
    method: "GET",
    path: full.path,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers: new Map(Object.entries(headers).map(([name, value]) => [name, [value].flat()])),
    body: async () => new Uint8Array(),
    connection: { remoteAddress: "192.0.2.1", clientCertificates: [], certificateError: undefined },
    signal: new AbortController().signal,
    auditId: "a",
    info: full,
    user,
  };
}

/** What came through a filter, if anything did, and what was answered. */
async function run(
  filter: Filter,
  request: ApiRequest,
): Promise<{ passed: ApiRequest | undefined; response: ApiResponse }> {
  let passed: ApiRequest | undefined;
  const response = await filter(async (next) => {
    passed = next;
    return { status: 200, headers: {} };
  })(request);
  return { passed, response };
}
const messageOf = ({ result }: ApiResponse): string => (result?.kind === "status" ? (result.status.message ?? "") : "");
const detailsOf = ({ result }: ApiResponse) => (result?.kind === "status" ? result.status.details : undefined);

const authenticates = (user: UserInfo | undefined): Authenticator => ({ authenticate: async () => user });
const refuses: Authenticator = { authenticate: async () => Promise.reject(new Error("bad")) };

const identities: Record<string, { authenticator: Authenticator; allowAnonymous?: boolean; user?: UserInfo }> = {
  "a user is in system:authenticated": {
    authenticator: authenticates(jane),
    user: { name: "jane", groups: ["devs", "system:authenticated"] },
  },
  "once only": {
    authenticator: authenticates({ name: "jane", groups: ["system:authenticated"] }),
    user: { name: "jane", groups: ["system:authenticated"] },
  },
  "nobody is anonymous": { authenticator: authenticates(undefined), user: anonymous },
  "nobody is refused when anonymous is off": { authenticator: authenticates(undefined), allowAnonymous: false },
  "wrong credentials are refused": { authenticator: refuses },
};
for (const [name, { authenticator, allowAnonymous = true, user }] of Object.entries(identities)) {
  // API
  test(`authentication: ${name}`, async () => {
    const { passed, response } = await run(withAuthentication({ authenticator, allowAnonymous }), aRequest());
    assert.deepEqual(passed?.user, user);
    assert.equal(response.status, user === undefined ? 401 : 200);
    if (user !== undefined) return;
    assert.equal(messageOf(response), "Unauthorized");
    assert.equal(detailsOf(response), undefined);
    assert.equal(response.headers["www-authenticate"], undefined);
  });
}

// API A-05
test("authentication: nothing behind it sees credentials or identity headers", async () => {
  const headers = {
    authorization: "Bearer t",
    "x-remote-user": "root",
    "x-remote-extra-a": "b",
    "x-who": "root",
    accept: "application/json",
    "impersonate-user": "bob",
  };
  const { caBundle, ...names } = {
    caBundle: "",
    allowedNames: [],
    uidHeaders: [],
    groupHeaders: [],
    extraHeaderPrefixes: [],
  };
  const frontProxy = () => ({ caBundle, ...names, usernameHeaders: ["x-who"] });
  const filter = withAuthentication({ authenticator: authenticates(jane), frontProxy });
  const { passed } = await run(filter, aRequest({ headers }));
  assert.deepEqual([...(passed?.headers.keys() ?? [])], ["accept", "impersonate-user"]);
});

/** Allows what `allows` says and remembers what it was asked. */
function recording(allows: (attributes: Attributes) => boolean): Authorizer & { asked: Attributes[] } {
  const asked: Attributes[] = [];
  return {
    asked,
    authorize: async (attributes) => {
      asked.push(attributes);
      return { decision: allows(attributes) ? "allow" : "noOpinion", reason: "" };
    },
  };
}
const everything = () => recording(() => true);
const partOf = (attributes: Attributes): string =>
  attributes.resourceRequest
    ? [attributes.group, attributes.resource, attributes.subresource, attributes.namespace, attributes.name].join("|")
    : attributes.path;

// API A-17
test("impersonation: every part of the identity is asked about", async () => {
  const authorizer = everything();
  const headers = {
    "impersonate-user": "bob",
    "impersonate-uid": "7",
    "impersonate-group": ["ops", "qa"],
    "impersonate-extra-example.org%2fscopes": ["x", "y"],
    accept: "*/*",
  };
  const { passed } = await run(withImpersonation({ authorizer }), aRequest({ headers }));
  assert.deepEqual(authorizer.asked.map(partOf), [
    "|users|||bob",
    "|groups|||ops",
    "|groups|||qa",
    "authentication.k8s.io|userextras|example.org/scopes||x",
    "authentication.k8s.io|userextras|example.org/scopes||y",
    "authentication.k8s.io|uids|||7",
  ]);
  assert.ok(authorizer.asked.every(({ verb, user }) => verb === "impersonate" && user === jane));
  assert.deepEqual(passed?.user, {
    name: "bob",
    uid: "7",
    groups: ["ops", "qa", "system:authenticated"],
    extra: { "example.org/scopes": ["x", "y"] },
  });
  assert.deepEqual([...(passed?.headers.keys() ?? [])], ["accept"]);
});

const targets: Record<string, { headers: Record<string, string>; asked: string; groups: string[] }> = {
  "a service account has its own groups": {
    headers: { "impersonate-user": "system:serviceaccount:demo:ci" },
    asked: "|serviceaccounts||demo|ci",
    groups: ["system:serviceaccounts", "system:serviceaccounts:demo", "system:authenticated"],
  },
  "anonymous is not authenticated": {
    headers: { "impersonate-user": "system:anonymous" },
    asked: "|users|||system:anonymous",
    groups: ["system:unauthenticated"],
  },
};
for (const [name, { headers, asked, groups }] of Object.entries(targets)) {
  test(`impersonation: ${name}`, async () => {
    const authorizer = everything();
    const { passed } = await run(withImpersonation({ authorizer }), aRequest({ headers }));
    assert.deepEqual(authorizer.asked.map(partOf), [asked]);
    assert.deepEqual(passed?.user.groups, groups);
  });
}

// API A-18
test("impersonation: denied parts are 403, parts without a user 400, no headers nothing", async () => {
  const noGroups = recording((attributes) => attributes.resourceRequest && attributes.resource !== "groups");
  const filter = withImpersonation({ authorizer: noGroups });
  const headers = { "impersonate-user": "bob", "impersonate-group": "system:masters" };
  const denied = await run(filter, aRequest({ headers }));
  assert.equal(denied.passed, undefined);
  assert.equal(denied.response.status, 403);
  assert.equal(
    messageOf(denied.response),
    'groups "system:masters" is forbidden: User "jane" cannot impersonate resource "groups" in API group "" at the cluster scope',
  );
  for (const name of ["impersonate-group", "impersonate-uid", "impersonate-extra-a", "impersonate-unknown"]) {
    const { passed, response } = await run(filter, aRequest({ headers: { [name]: "x" } }));
    assert.deepEqual([passed, response.status], [undefined, 400], name);
  }
  const request = aRequest();
  assert.equal((await run(filter, request)).passed, request);
});

test("impersonation: nobody has a name that is no UTF-8", async () => {
  const filter = withImpersonation({ authorizer: everything() });
  for (const headers of [
    { "impersonate-user": "j\ufffdrgen" },
    { "impersonate-user": "a", "impersonate-uid": "\ufffd" },
    { "impersonate-user": "a", "impersonate-group": ["devs", "\ufffd"] },
    { "impersonate-user": "a", "impersonate-extra-a": "\ufffd" },
    { "impersonate-user": "a", "impersonate-extra-%ff": "b" },
  ]) {
    const { passed, response } = await run(filter, aRequest({ headers }));
    assert.deepEqual([passed, response.status], [undefined, 400], JSON.stringify(headers));
  }
});

const denials: Record<string, { info: Partial<RequestInfo>; message: string; details: object }> = {
  "an object": {
    info: {},
    message:
      'functions.compute.functionmesh.io "f" is forbidden: User "jane" cannot get resource "functions" in API group "compute.functionmesh.io" in the namespace "demo"',
    details: { name: "f", group: "compute.functionmesh.io", kind: "functions" },
  },
  "a subresource": {
    info: { subresource: "status", verb: "patch" },
    message:
      'functions.compute.functionmesh.io "f" is forbidden: User "jane" cannot patch resource "functions/status" in API group "compute.functionmesh.io" in the namespace "demo"',
    details: { name: "f", group: "compute.functionmesh.io", kind: "functions" },
  },
  "a core collection at cluster scope": {
    info: { group: "", resource: "namespaces", namespace: "", name: "", verb: "list" },
    message:
      'namespaces is forbidden: User "jane" cannot list resource "namespaces" in API group "" at the cluster scope',
    details: { kind: "namespaces" },
  },
  "markup: none in the sentence, and the object's name as it is": {
    info: { name: "a<b", namespace: "n&s", subresource: "<i>" },
    message:
      'functions.compute.functionmesh.io "a<b" is forbidden: User "jane" cannot get resource "functions/&lt;i&gt;" in API group "compute.functionmesh.io" in the namespace "n&amp;s"',
    details: { name: "a<b", group: "compute.functionmesh.io", kind: "functions" },
  },
  "a path": {
    info: { isResourceRequest: false, path: "/metrics", resource: "" },
    message: 'forbidden: User "jane" cannot get path "/metrics"',
    details: {},
  },
};
for (const [name, { info, message, details }] of Object.entries(denials)) {
  // API E-02, E-31, E-32, E-38, N-63
  test(`authorization: denies ${name}`, async () => {
    const { passed, response } = await run(
      withAuthorization({ authorizer: recording(() => false) }),
      aRequest({ info }),
    );
    assert.equal(passed, undefined);
    assert.equal(response.status, 403);
    assert.equal(response.headers["x-content-type-options"], "nosniff");
    assert.equal(messageOf(response), message);
    assert.deepEqual(detailsOf(response), details);
  });
}

const rawQuery = "labelSelector=a%3Db&fieldSelector=metadata.name%3Df";
const selecting: Record<string, { info: Partial<RequestInfo>; selects: boolean }> = {
  list: { info: { verb: "list" }, selects: true },
  watch: { info: { verb: "watch" }, selects: true },
  deletecollection: { info: { verb: "deletecollection" }, selects: true },
  get: { info: { verb: "get" }, selects: false },
  "the deprecated watch path": {
    info: { verb: "watch", path: "/apis/compute.functionmesh.io/v1alpha1/watch/namespaces/demo/functions" },
    selects: false,
  },
};
for (const [name, { info, selects }] of Object.entries(selecting)) {
  // API V-03, Z-07
  test(`authorization: selectors of ${name} ${selects ? "are" : "are not"} asked about`, async () => {
    const authorizer = everything();
    await run(withAuthorization({ authorizer }), aRequest({ info, rawQuery }));
    const [asked] = authorizer.asked;
    const got = asked?.resourceRequest === true ? [asked.labelSelector, asked.fieldSelector] : [];
    assert.deepEqual(got, selects ? ["a=b", "metadata.name=f"] : ["", ""]);
  });
}

// API E-33, Z-10
test("authorization: without a decision the request fails, in plain text", async () => {
  const failures: unknown[] = [];
  const authorizer: Authorizer = { authorize: async () => Promise.reject(new Error("no <host>")) };
  const filter = withAuthorization({ authorizer, onFailure: (error) => failures.push(error) });
  const { passed, response } = await run(filter, aRequest({ rawQuery: "a=1&b=2" }));
  assert.equal(passed, undefined);
  assert.equal(response.status, 500);
  assert.equal(response.headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(response.body?.(), `Internal Server Error: "${functionInfo.path}?a=1&amp;b=2": no &lt;host&gt;\n`);
  assert.equal(failures.length, 1);
});

test("authorization: decisions are told to the audit log", async () => {
  const told: string[] = [];
  const onDecision: Parameters<typeof withAuthorization>[0]["onDecision"] = (_, { decision }) =>
    void told.push(decision);
  await run(
    withAuthorization({ authorizer: everything(), ...(onDecision === undefined ? {} : { onDecision }) }),
    aRequest(),
  );
  assert.deepEqual(told, ["allow"]);
});
