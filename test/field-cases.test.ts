/**
 * Manifests made after public reports of people who run operators and Pulsar functions, through the whole server: what is
 * refused is refused with its path, what is doubtful is warned of, and the rest becomes objects that the cluster takes.
 * How each is rendered is held by `controllers/workloads/rendering.test.ts` and its neighbours.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { JsonObject, KubeObject } from "../apiserver/apis/meta/v1.ts";
import { collectionOf, isKubeObject, put, refusedFields } from "./http/support/manifests.ts";
import { createNamespace, ok } from "./http/support/objects.ts";
import { type HttpServer, serverForFile } from "./http/support/server.ts";
import { eventually } from "./support/processes.ts";
import { needsShared, sharedDirectory } from "./support/shared.ts";

const skip = needsShared("cases/function-mesh");
const root = join(sharedDirectory, "cases", "function-mesh");
const files = skip === false ? readdirSync(root).filter((file) => file.endsWith(".yaml")) : [];
const server: HttpServer | undefined = skip === false ? await serverForFile(["--controllers", "*"]) : undefined;

/** By file and object: the fields that are told. */
const refused: { readonly [name: string]: readonly string[] } = {
  "13-name-leading-digit.yaml 2fa-events": ["metadata.name"],
  "13-name-leading-digit.yaml shop.orders": ["metadata.name"],
  "43-common-labels.yaml labelled": [
    "spec.pod.labels[app]",
    "spec.pod.labels[component]",
    "spec.pod.labels[name]",
    "spec.pod.labels[app.kubernetes.io/name]",
  ],
};
/** By file and object: what its warnings begin with. */
const warned: { readonly [name: string]: readonly string[] } = {
  "29-big-config.yaml big": ["spec.sourceConfig: makes an argument of"],
  "30-hpa-metrics.yaml calm": ["spec.pod.autoScalingBehavior: has no effect: builtinAutoscaler wins"],
  "42-source-without-topic.yaml nowhere": ["spec.output.topic: is not set"],
};

const childOf: { readonly [kind: string]: string } = { Function: "function", Source: "source", Sink: "sink" };

function objectsIn(file: string): (JsonObject & KubeObject)[] {
  const documents = parseAllDocuments(readFileSync(join(root, file), "utf8"), { version: "1.1", merge: true });
  return documents.map((document) => document.toJS()).filter(isKubeObject);
}

describe("manifests from the field", () => {
  test("there are some", { skip }, () => assert.ok(files.length > 40, String(files.length)));

  for (const [index, file] of files.entries()) {
    test(file, async () => {
      assert.ok(server !== undefined);
      const { admin } = server;
      const namespace = `case-${index}`;
      await createNamespace(admin, namespace);
      for (const object of objectsIn(file)) {
        const name = `${file} ${object.metadata.name}`;
        const reply = await put(admin, collectionOf(object, namespace) ?? assert.fail(object.kind), object);
        const wrong = refused[name];
        if (wrong !== undefined) {
          assert.deepEqual([reply.status, refusedFields(reply)], [422, wrong], reply.text);
          continue;
        }
        assert.equal(reply.status, 201, reply.text);
        const texts = reply.warnings.map((warning) => warning.replace(/^299 - "/, ""));
        const expected = warned[name] ?? [];
        assert.ok(
          texts.length === expected.length && texts.every((text, at) => text.startsWith(expected[at] ?? "")),
          `${name}: ${texts.join("; ")}`,
        );
        const component = childOf[object.kind];
        if (startless.has(name)) await refusesToStart(admin, namespace, object);
        else if (component !== undefined) await becomes(admin, namespace, object, component);
      }
    });
  }
});

/** Stored, warned of, and said in their status to have a command that Linux starts no program with. */
const startless: ReadonlySet<string> = new Set(["29-big-config.yaml big"]);

async function refusesToStart(admin: HttpServer["admin"], namespace: string, { metadata }: KubeObject): Promise<void> {
  await eventually(async () => {
    const read = ok(
      await admin.get(`/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/sources/${metadata.name}`),
    );
    assert.deepEqual([read.at("status", "phase"), read.at("status", "reason")], ["Failed", "ArgumentTooLong"]);
  });
}

/** Its StatefulSet exists, and nothing was refused by the cluster. */
async function becomes(
  admin: HttpServer["admin"],
  namespace: string,
  { kind, metadata }: KubeObject,
  component: string,
): Promise<void> {
  await eventually(async () => {
    ok(await admin.get(`/apis/apps/v1/namespaces/${namespace}/statefulsets/${metadata.name}-${component}`));
    const plural = `${kind.toLowerCase()}s`;
    const read = ok(
      await admin.get(`/apis/compute.functionmesh.io/v1alpha1/namespaces/${namespace}/${plural}/${metadata.name}`),
    );
    assert.notEqual(read.at("status", "phase") ?? null, null);
    assert.notEqual(read.at("status", "phase"), "Failed", read.text);
  });
}
