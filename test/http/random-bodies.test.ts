/**
 * Whatever comes in at whichever entrance, the answer is an object or a Status that says what is wrong with it: no other code,
 * no stack, no lost object (API 7.2, E-01). The seed of a failure is printed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import type { JsonObject, JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { textsOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Reply } from "./support/client.ts";
import { aFunction, createNamespace, ok, pathOf } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
await createNamespace(admin, "random");
const runs = 8;

/** One object of a kind, always there. */
type Subject = { readonly collection: string; readonly object: JsonObject; readonly subresources: readonly string[] };

const named = (kind: string, apiVersion: string, rest: JsonObject): JsonObject => ({
  apiVersion,
  kind,
  metadata: { name: "a" },
  ...rest,
});
const labels = { app: "a" };
const subjects: readonly Subject[] = [
  { collection: pathOf("random", "functions"), object: { ...aFunction("a") }, subresources: ["status", "scale"] },
  {
    collection: "/api/v1/namespaces/random/configmaps",
    object: named("ConfigMap", "v1", { data: { k: "v" } }),
    subresources: [],
  },
  {
    collection: "/apis/apps/v1/namespaces/random/statefulsets",
    object: named("StatefulSet", "apps/v1", {
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: "a", image: "a" }] } },
      },
    }),
    subresources: ["status", "scale"],
  },
];

const patchTypes = ["json-patch+json", "merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml"];
/** Of whole objects; CBOR is spoken by nobody here, protobuf by built-in kinds. */
const bodyTypes = [
  "application/json",
  "application/yaml",
  "application/vnd.kubernetes.protobuf",
  "application/cbor",
  "text/plain",
  "",
];

type Entrance = { readonly method: string; readonly path: string; readonly type: string };

function entrancesOf({ collection, subresources }: Subject): readonly Entrance[] {
  const whole = (method: string, path: string) => bodyTypes.map((type) => ({ method, path, type }));
  const under = (name: string): readonly string[] => subresources.map((part) => `${collection}/${name}/${part}`);
  const items = [`${collection}/a`, ...under("a"), ...under("absent")];
  return [
    ...whole("POST", collection),
    ...items.flatMap((path) => [
      ...whole("PUT", path),
      ...[...patchTypes.map((type) => `application/${type}`), "application/json"].map((type) => ({
        method: "PATCH",
        path: `${path}?fieldManager=m`,
        type,
      })),
    ]),
    ...whole("DELETE", `${collection}/absent`),
    ...whole("DELETE", `${collection}?labelSelector=is%3Dabsent`),
  ];
}

/** Of every kind that no subject above is of, and of subresources of what isn't there, as discovery lists them. */
type Others = { readonly what: string; readonly entrances: readonly Entrance[] };
const methods: ReadonlyMap<string, string> = new Map([
  ["create", "POST"],
  ["update", "PUT"],
  ["patch", "PATCH"],
]);

async function otherEntrances(): Promise<readonly Others[]> {
  const { groups } = (await admin.get("/apis")).body;
  const versions = listed(groups).flatMap((group) =>
    listed(group.versions).map(({ groupVersion }) => `/apis/${groupVersion}`),
  );
  const documents = await Promise.all(
    ["/api/v1", ...versions].map(async (path) => ({ path, body: (await admin.get(path)).body })),
  );
  return documents.flatMap(({ path, body }) =>
    listed(body.resources).flatMap((resource): readonly Others[] => {
      const [plural = "", subresource] = String(resource.name).split("/");
      const collection = `${path}${resource.namespaced === true ? "/namespaces/random" : ""}/${plural}`;
      if (subresource === undefined && subjects.some((subject) => subject.collection === collection)) return [];
      // A token of nobody is refused before its body is read.
      const item = subresource === "token" ? `${collection}/default/token` : under(`${collection}/absent`, subresource);
      const verbs = textsOf(resource, "verbs").filter((verb) => methods.has(verb));
      const entrances = verbs.flatMap((verb) => {
        const types = verb === "patch" ? patchTypes.map((type) => `application/${type}`) : bodyTypes.slice(0, 3);
        const at = verb === "create" && subresource === undefined ? collection : item;
        return types.map((type) => ({ method: methods.get(verb) ?? "", path: `${at}?fieldManager=m`, type }));
      });
      return entrances.length === 0 ? [] : [{ what: `${path}: ${String(resource.name)}`, entrances }];
    }),
  );
}
const under = (path: string, subresource = ""): string => (subresource === "" ? path : `${path}/${subresource}`);
const listed = (list: unknown): readonly JsonObject[] => (Array.isArray(list) ? list.filter(isObject) : []);

const element = fc.constantFrom(
  "f:spec",
  "f:metadata",
  "f:labels",
  ".",
  'k:{"name":"a"}',
  "k:{",
  "v:1",
  "i:0",
  "x:",
  "",
);
const { fieldsV1 } = fc.letrec<{ fieldsV1: JsonValue }>((tie) => ({
  fieldsV1: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<JsonValue>({}, null, 1, "f:a", []),
    fc.dictionary(fc.oneof(element, fc.string()), tie("fieldsV1"), { maxKeys: 4 }),
  ),
}));
const entry = fc.record(
  {
    manager: fc.constantFrom("m", "", "x".repeat(200)),
    operation: fc.constantFrom<JsonValue>("Apply", "Update", "Other", 1),
    apiVersion: fc.constantFrom("v1", "apps/v1", "compute.functionmesh.io/v1alpha1", "gone/v1", ""),
    time: fc.constantFrom<JsonValue>("2026-01-01T00:00:00Z", "yesterday", null),
    fieldsType: fc.constantFrom("FieldsV1", "FieldsV2", ""),
    fieldsV1,
    subresource: fc.constantFrom("", "status", "x".repeat(300)),
  },
  { requiredKeys: [] },
);
const json = fc.jsonValue({ maxDepth: 4 }).map((value): JsonValue => JSON.parse(JSON.stringify(value)));

/** The object of the kind, with something in it that need not belong there. */
const disturbed = (object: JsonObject): fc.Arbitrary<JsonObject> =>
  fc.oneof(
    fc
      .array(entry, { maxLength: 3 })
      .map((managedFields) => withMetadata(object, { managedFields: plain(managedFields) })),
    fc
      .tuple(
        fc.constantFrom("labels", "annotations", "finalizers", "ownerReferences", "uid", "name", "generation"),
        json,
      )
      .map(([name, value]) => withMetadata(object, { [name]: value })),
    fc
      .tuple(fc.constantFrom("spec", "status", "data", "kind", "apiVersion", "metadata", "other"), json)
      .map(([name, value]): JsonObject => ({ ...object, [name]: value })),
  );
const plain = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value));
const withMetadata = (object: JsonObject, members: JsonObject): JsonObject => ({
  ...object,
  metadata: { ...(isObject(object.metadata) ? object.metadata : {}), ...members },
});

const operation = fc.record(
  {
    op: fc.constantFrom("add", "remove", "replace", "move", "copy", "test", "other"),
    path: fc.constantFrom("", "/", "/metadata", "/metadata/labels/a", "/spec/-", "/spec/0", "a", "/~2"),
    from: fc.constantFrom("", "/metadata", "/spec"),
    value: json,
  },
  { requiredKeys: [] },
);

function bodiesFor({ object }: Subject): fc.Arbitrary<string | Uint8Array> {
  const text = JSON.stringify(object);
  return fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    // The magic of protobuf and of CBOR, with anything behind it.
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from("6b387300", "hex"), bytes])),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.concat([Buffer.from("d9d9f7", "hex"), bytes])),
    fc.string({ maxLength: 100, unit: "binary" }),
    json.map((value) => JSON.stringify(value)),
    fc.nat(text.length).map((length) => text.slice(0, length)),
    disturbed(object).map((value) => JSON.stringify(value)),
    disturbed(object).map((value) => stringify(value)),
    disturbed(object).map((value) => `${stringify(object)}---\n${stringify(value)}`),
    disturbed(object).map((value) => `${text.slice(0, -1)},${JSON.stringify(value).slice(1)}`),
    fc.array(operation, { maxLength: 4 }).map((operations) => JSON.stringify(operations)),
  );
}

const allowed: ReadonlySet<number> = new Set([200, 201, 400, 403, 404, 405, 409, 413, 415, 422]);

function assertAnswer(reply: Reply, what: string): void {
  assert.ok(allowed.has(reply.status), `${what}: ${reply.status} ${reply.text.slice(0, 500)}`);
  const { kind, status, code, reason, message } = reply.body;
  if (reply.status < 300) {
    assert.ok(typeof kind === "string" && kind !== "" && status !== "Failure", `${what}: ${reply.text.slice(0, 500)}`);
    return;
  }
  assert.deepEqual([kind, status, code], ["Status", "Failure", reply.status], what);
  assert.ok(typeof reason === "string" && reason !== "" && typeof message === "string" && message !== "", what);
  assert.doesNotMatch(message, /\bat \S+ \(|\.ts:\d|TypeError|undefined is not|Cannot read/, what);
}

for (const subject of subjects) {
  const { collection, object } = subject;
  ok(await admin.post(collection, object), 201);
  for (const { method, path, type } of entrancesOf(subject)) {
    test(`${method} ${path} as ${type || "nothing"}: an object or a Status`, async () => {
      const send = async (body: string | Uint8Array): Promise<void> => {
        const reply = await admin.send(method, path, { body, headers: { "content-type": type } });
        assertAnswer(reply, `${method} ${path} ${type}`);
        // A patch may empty what an object is deleted for; it is there again for the next.
        const { status } = await admin.get(`${collection}/a`);
        if (status === 404) ok(await admin.post(collection, object), 201);
        else assert.equal(status, 200);
      };
      await fc.assert(fc.asyncProperty(bodiesFor(subject), send), { numRuns: runs });
    });
  }
}

const everybody = await otherEntrances();

test("discovery lists what is nobody's subject: reviews, tokens, finalizers, other kinds", () => {
  const all = everybody.map(({ what }) => what);
  for (const what of [
    "serviceaccounts/token",
    "selfsubjectaccessreviews",
    "namespaces/finalize",
    "functionmeshes/status",
  ])
    assert.ok(
      all.some((each) => each.endsWith(`: ${what}`)),
      `${what} is not among ${all.join(", ")}`,
    );
});

for (const { what, entrances } of everybody) {
  test(`${what}: an object or a Status at each of ${entrances.length} entrances`, async () => {
    const spec = { resourceAttributes: { verb: "get" }, replicas: 1 };
    const subject: Subject = { collection: "", object: { metadata: { name: "absent" }, spec }, subresources: [] };
    for (const { method, path, type } of entrances) {
      const send = async (body: string | Uint8Array): Promise<void> =>
        assertAnswer(await admin.send(method, path, { body, headers: { "content-type": type } }), `${path} ${type}`);
      await fc.assert(fc.asyncProperty(bodiesFor(subject), send), { numRuns: 3 });
    }
  });
}

test("and the server serves on", async () => {
  assert.equal((await admin.get("/readyz")).status, 200);
});
