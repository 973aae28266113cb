/**
 * Tenants with one right each, and every call there is: a right allows its own calls in its own namespace, and none besides,
 * whether kube-apiserver asks RBAC first or the call comes straight to us. All writes are dry runs, which need the same rights.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { isObject, parseJson } from "../../apiserver/machinery/json.ts";
import { Tenant } from "../limits/tenants.ts";
import { eventually } from "../support/processes.ts";
import type { Aggregated } from "./support/aggregated.ts";
import { connection, wordcount } from "./support/manifests.ts";
import { issue } from "./support/pki.ts";

/** `VERB` on functions, or `VERB SUBRESOURCE`. */
type Right = string;
type Call = {
  readonly method: string;
  /** Below `…/namespaces/NAMESPACE`. */
  readonly path: string;
  readonly needs: readonly Right[];
  readonly body?: (stored: JsonObject) => JsonObject;
  readonly mediaType?: string;
  /** Between version and namespace. */
  readonly prefix?: string;
};

const dryRun = "dryRun=All";
const named = (name: string): JsonObject => ({
  apiVersion: "compute.functionmesh.io/v1alpha1",
  kind: "Function",
  metadata: { name },
});
const merge = "application/merge-patch+json";
const apply = "application/apply-patch+yaml";
const touch = (): JsonObject => ({ metadata: { annotations: { touched: "yes" } } });
const scale = (): JsonObject => ({
  apiVersion: "autoscaling/v1",
  kind: "Scale",
  metadata: { name: "wordcount" },
  spec: { replicas: 1 },
});
const asIs = (stored: JsonObject): JsonObject => stored;
const anew = (stored: JsonObject): JsonObject => ({ ...stored, ...named("anew") });
const applied = (name: string) => (): JsonObject => ({ ...named(name), metadata: { name, labels: { team: "a" } } });

const calls: Record<string, Call> = {
  create: { method: "POST", path: `functions?${dryRun}`, needs: ["create"], body: anew },
  get: { method: "GET", path: "functions/wordcount", needs: ["get"] },
  list: { method: "GET", path: "functions", needs: ["list"] },
  "list by label": { method: "GET", path: "functions?labelSelector=team%3Da", needs: ["list"] },
  "list by name": { method: "GET", path: "functions?fieldSelector=metadata.name%3Dwordcount", needs: ["list"] },
  watch: { method: "GET", path: "functions?watch=1&timeoutSeconds=1", needs: ["watch"] },
  "watch by the old path": { method: "GET", path: "functions?timeoutSeconds=1", needs: ["watch"], prefix: "/watch" },
  update: { method: "PUT", path: `functions/wordcount?${dryRun}`, needs: ["update"], body: asIs },
  patch: { method: "PATCH", path: `functions/wordcount?${dryRun}`, needs: ["patch"], body: touch, mediaType: merge },
  apply: {
    method: "PATCH",
    path: `functions/wordcount?${dryRun}&fieldManager=t&force=true`,
    needs: ["patch"],
    body: applied("wordcount"),
    mediaType: apply,
  },
  "apply what is not there": {
    method: "PATCH",
    path: `functions/anew?${dryRun}&fieldManager=t`,
    needs: ["patch", "create"],
    body: anew,
    mediaType: apply,
  },
  delete: { method: "DELETE", path: `functions/wordcount?${dryRun}`, needs: ["delete"] },
  "delete all": { method: "DELETE", path: `functions?${dryRun}`, needs: ["deletecollection"] },
  "delete by label": { method: "DELETE", path: `functions?${dryRun}&labelSelector=a%3Db`, needs: ["deletecollection"] },
  "get the scale": { method: "GET", path: "functions/wordcount/scale", needs: ["get scale"] },
  scale: { method: "PUT", path: `functions/wordcount/scale?${dryRun}`, needs: ["update scale"], body: scale },
  "scale by a patch": {
    method: "PATCH",
    path: `functions/wordcount/scale?${dryRun}`,
    needs: ["patch scale"],
    body: () => ({ spec: { replicas: 1 } }),
    mediaType: merge,
  },
  "get the status": { method: "GET", path: "functions/wordcount/status", needs: ["get status"] },
  "write the status": {
    method: "PUT",
    path: `functions/wordcount/status?${dryRun}`,
    needs: ["update status"],
    body: asIs,
  },
  "patch the status": {
    method: "PATCH",
    path: `functions/wordcount/status?${dryRun}`,
    needs: ["patch status"],
    body: touch,
    mediaType: merge,
  },
};
const rights = [...new Set(Object.values(calls).flatMap(({ needs }) => needs))];
/** Users, and what each may do in namespace `mine`. */
const users: Record<string, readonly Right[]> = {
  nothing: [],
  everything: rights,
  "create-patch": ["create", "patch"],
  ...Object.fromEntries(rights.map((right) => [right.replace(" ", "-"), [right]])),
};

const versionPath = "/apis/compute.functionmesh.io/v1alpha1";
const roleOf = (user: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: user },
  rules: (users[user] ?? []).map((right) => {
    const [verb = "", subresource] = right.split(" ");
    const resource = subresource === undefined ? "functions" : `functions/${subresource}`;
    return { apiGroups: ["compute.functionmesh.io"], resources: [resource], verbs: [verb] };
  }),
});

async function prepare({ kubectl }: Aggregated): Promise<void> {
  for (const namespace of ["mine", "theirs"]) {
    await kubectl.ok(["create", "namespace", namespace]);
    await kubectl.ok(["-n", namespace, "apply", "-f", "-"], `${connection}---\n${wordcount}`);
  }
  const granted = Object.keys(users).flatMap((user) => [
    roleOf(user),
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: { name: user },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: user },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: `has-${user}` }],
    },
  ]);
  const list = { apiVersion: "v1", kind: "List", items: granted };
  await kubectl.ok(["-n", "mine", "apply", "-f", "-"], JSON.stringify(list));
}

/** The Function as it stands, read by somebody who may. */
async function read(administrator: Tenant): Promise<JsonObject> {
  const { text } = await administrator.send("GET", `${versionPath}/namespaces/mine/functions/wordcount`);
  const stored = parseJson(text);
  if (!isObject(stored) || !isObject(stored.metadata)) throw new Error(`no Function: ${text}`);
  const { name, resourceVersion } = stored.metadata;
  return { ...stored, metadata: { name, resourceVersion } };
}

export function rightsTable(cluster: () => Aggregated): void {
  // API Z-01, Z-05, Z-15
  test("aggregated: a right allows its own calls in its own namespace, and no other", async (t) => {
    const { host, url, servingAuthority, kubectl } = cluster();
    await prepare(cluster());
    const root = await issue(host.clientAuthority, { commonName: "root", organizations: ["system:masters"] });
    const ownCa = servingAuthority.pem;
    using administrator = new Tenant(url, { ca: ownCa, cert: root.certificatePem, key: root.keyPem }, 4);
    const ways = {
      "through kube-apiserver": [host.url, host.servingAuthority],
      "straight to us": [url, servingAuthority],
    };
    for (const [way, [to, authority]] of Object.entries(ways)) {
      if (typeof to !== "string" || typeof authority !== "object") throw new Error("no way");
      await t.test(way, async () => {
        const wrong = await Promise.all(
          Object.entries(users).map(async ([user, held]) => {
            const leaf = await issue(host.clientAuthority, { commonName: `has-${user}` });
            using tenant = new Tenant(to, { ca: authority.pem, cert: leaf.certificatePem, key: leaf.keyPem }, 2);
            return await wrongAnswers({ tenant, administrator }, held);
          }),
        );
        assert.deepEqual(wrong.flat(), []);
      });
    }
    for (const namespace of ["mine", "theirs"]) await kubectl.ok(["delete", "namespace", namespace, "--timeout=60s"]);
  });
}

type Parties = { readonly tenant: Tenant; readonly administrator: Tenant };

/** Calls that were answered other than the rights of the user say. */
async function wrongAnswers(parties: Parties, held: readonly Right[]): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [name, call] of Object.entries(calls)) {
    const mayInMine = call.needs.every((right) => held.includes(right));
    for (const [where, may] of [
      ["/namespaces/mine", mayInMine],
      ["/namespaces/theirs", false],
    ] as const) {
      const ask = async (): Promise<void> => {
        const { status, text } = await send(parties, call, where);
        assert.equal(status >= 200 && status < 300 ? "allowed" : status, may ? "allowed" : 403, text.slice(0, 200));
      };
      // Roles are a moment on their way to where they are asked for; no right is there before it was given.
      await (may ? eventually(ask, 10_000) : ask()).catch((error: unknown) => {
        wrong.push(`[${held}] ${name} in ${where}: ${String(error)}`);
      });
    }
  }
  return wrong;
}

async function send({ tenant, administrator }: Parties, call: Call, where: string) {
  const path = `${versionPath}${call.prefix ?? ""}${where}/${call.path}`;
  if (call.body === undefined) return tenant.send(call.method, path);
  return tenant.json(call.method, path, call.body(await read(administrator)), call.mediaType);
}
