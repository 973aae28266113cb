/**
 * The deepest configuration that can be stored (API N-17): whatever walks over it, here and in the controllers, must not
 * call itself for each level, for the stack ends long before.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { limits } from "../../apiserver/limits.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { stringifyJson } from "../../apiserver/machinery/json.ts";
import { eventually } from "../support/processes.ts";
import type { Client } from "./support/client.ts";
import { createNamespace, groupVersion, ok, pathOf } from "./support/objects.ts";
import { startServer } from "./support/server.ts";

const directory = await mkdtemp(join(tmpdir(), "functionmesh-depth-"));
after(() => rm(directory, { recursive: true, force: true }));
const namespace = "depth";
const levels = limits.maxDepth.value;

/** Each makes a text of so many levels. */
const shapes: { readonly [shape: string]: (depth: number) => string } = {
  lists: (depth) => "[".repeat(depth) + "]".repeat(depth),
  maps: (depth) => `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`,
  // Members in no order, and a number that no double holds: both take other ways through printers.
  mixed: (depth) => `${"[".repeat(depth - 1)}{"b":1.10,"a":9007199254740993}${"]".repeat(depth - 1)}`,
};

type Kind = {
  readonly plural: string;
  /** Where the configuration is, from the object. */
  readonly path: readonly string[];
  readonly spec: (config: string) => string;
};
const workload = '"className":"a.B","pulsar":{"pulsarConfig":"pulsar"},"java":{"jar":"/a.jar"}';
const input = '"input":{"topics":["a"]}';
const kinds: { readonly [kind: string]: Kind } = {
  Function: {
    plural: "functions",
    path: ["spec", "funcConfig"],
    spec: (config) => `{${workload},${input},"funcConfig":${config}}`,
  },
  Source: {
    plural: "sources",
    path: ["spec", "sourceConfig"],
    spec: (config) => `{${workload},"output":{"topic":"b"},"sourceConfig":${config}}`,
  },
  Sink: {
    plural: "sinks",
    path: ["spec", "sinkConfig"],
    spec: (config) => `{${workload},${input},"sinkConfig":${config}}`,
  },
  FunctionMesh: {
    plural: "functionmeshes",
    path: ["spec", "functions", "0", "funcConfig"],
    spec: (config) => `{"functions":[{"name":"m",${workload},${input},"funcConfig":${config}}]}`,
  },
};

/** The object and its path count as levels too. */
const configOf = ({ path }: Kind, shape: string): string => `{"a":${shapes[shape]?.(levels - path.length - 1)}}`;
const textOfObject = (kind: string, shape: string, row: Kind): string =>
  `{"apiVersion":"${groupVersion}","kind":"${kind}","metadata":{"name":"${shape}"},"spec":${row.spec(configOf(row, shape))}}`;
const pointerOf = ({ path }: Kind): string => `/${path.join("/")}`;

async function created(admin: Client, kind: string, row: Kind, shape: string): Promise<void> {
  const text = textOfObject(kind, shape, row);
  ok(await admin.post(pathOf(namespace, row.plural), text), 201);
  const deeper = text.replace('{"a":', '{"a":[').replace(/\}\}\}$/, "]}}}");
  const headers = { "content-type": "application/json" };
  const refused = await admin.send("POST", `${pathOf(namespace, row.plural)}?dryRun=All`, { body: deeper, headers });
  assert.equal(refused.status, 400, "a level more is one too many");
}

async function read(admin: Client, row: Kind, shape: string): Promise<void> {
  const collection = pathOf(namespace, row.plural);
  const formats = ["application/json", "application/yaml", "application/json;as=Table;g=meta.k8s.io;v=v1"];
  for (const accept of formats) {
    ok(await admin.get(`${collection}/${shape}`, { accept }));
    ok(await admin.get(collection, { accept }));
  }
  const { text } = ok(await admin.get(`${collection}/${shape}`));
  assert.ok(text.includes(configOf(row, shape)), "it is stored as it was sent");
  // An event is a level around the object: it is not parsed here.
  const stream = await admin.open("GET", `${collection}?watch=1&fieldSelector=metadata.name%3D${shape}`);
  for await (const line of createInterface({ input: stream })) {
    assert.ok(line.includes(configOf(row, shape)));
    break;
  }
  stream.destroy();
}

async function patched(admin: Client, kind: string, row: Kind, shape: string): Promise<void> {
  const item = `${pathOf(namespace, row.plural)}/${shape}`;
  const config = configOf(row, shape);
  const pointer = pointerOf(row);
  const operations = `[{"op":"test","path":"${pointer}","value":${config}},{"op":"remove","path":"${pointer}"},{"op":"add","path":"${pointer}","value":${config}},{"op":"copy","from":"${pointer}/a","path":"${pointer}/b"},{"op":"remove","path":"${pointer}/b"}]`;
  ok(await admin.patch(item, "json", operations));
  const label = (value: string) => stringifyJson({ metadata: { labels: { by: value } } });
  const isWhole = kind === "FunctionMesh";
  for (const type of ["merge", "strategic-merge"] as const) {
    ok(await admin.patch(item, type, label(type)));
    const spec = isWhole ? row.spec(config) : `{"${row.path.at(-1)}":${config}}`;
    ok(await admin.patch(item, type, `{"spec":${spec}}`));
  }
  for (const manager of ["tool", "kubectl", "tool"]) {
    const headers = { "content-type": "application/apply-patch+yaml" };
    const path = `${item}?fieldManager=${manager}&force=true`;
    const body = textOfObject(kind, shape, row);
    ok(await admin.send("PATCH", path, { body, headers }));
    // What kubectl applied before without the server's help stands in an annotation.
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": body };
    ok(await admin.patch(item, "merge", { metadata: { annotations } }));
  }
  ok(await admin.patch(item, "merge", '{"metadata":{"annotations":null}}'));
}

/** Its children run what it says. */
async function ready(admin: Client, row: Kind, shape: string): Promise<void> {
  const item = `${pathOf(namespace, row.plural)}/${shape}`;
  await eventually(async () => {
    const status = objectOf(ok(await admin.get(item)).body, "status");
    // An argument has a length as well, which the deepest configuration of maps goes beyond.
    assert.match(
      `${textOf(status, "phase")} ${textOf(status, "reason")}`,
      /^Ready |ArgumentTooLong/,
      stringifyJson(status ?? {}),
    );
  }, 60_000);
}

async function replaced(admin: Client, row: Kind, shape: string): Promise<void> {
  const item = `${pathOf(namespace, row.plural)}/${shape}`;
  await eventually(async () => {
    for (const path of [item, `${item}/status`])
      ok(
        await admin.send("PUT", path, {
          body: ok(await admin.get(item)).text,
          headers: { "content-type": "application/json" },
        }),
      );
  });
}

test("the deepest objects are created, read, changed in every way, reconciled, borne by a restart and deleted", async () => {
  const rows = Object.entries(kinds).flatMap(([kind, row]) =>
    // One kind takes them all; what differs between kinds is who walks over them.
    (kind === "Function" ? Object.keys(shapes) : ["mixed"]).map((shape) => ({ kind, row, shape })),
  );
  {
    await using server = await startServer(directory, ["--controllers", "*"]);
    const { admin } = server;
    await createNamespace(admin, namespace);
    ok(await admin.post(`/api/v1/namespaces/${namespace}/configmaps`, { metadata: { name: "pulsar" } }), 201);
    for (const { kind, row, shape } of rows) {
      await created(admin, kind, row, shape);
      await read(admin, row, shape);
      await patched(admin, kind, row, shape);
      await replaced(admin, row, shape);
    }
    for (const { row, shape } of rows) await ready(admin, row, shape);
    assert.deepEqual(server.errors, []);
  }
  await using server = await startServer(directory, ["--controllers", "*"]);
  const { admin } = server;
  for (const { row, shape } of rows) {
    await read(admin, row, shape);
    await ready(admin, row, shape);
    ok(await admin.delete(`${pathOf(namespace, row.plural)}/${shape}`));
  }
  await eventually(async () => {
    for (const { row } of rows) assert.deepEqual(ok(await admin.get(pathOf(namespace, row.plural))).at("items"), []);
  }, 60_000);
  assert.deepEqual(server.errors, []);
});
