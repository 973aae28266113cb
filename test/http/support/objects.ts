/** Objects that tests send, and where they live. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../../apiserver/apis/meta/v1.ts";
import type { Client, Reply } from "./client.ts";

export const groupVersion = "compute.functionmesh.io/v1alpha1";
export const root = `/apis/${groupVersion}`;

export function pathOf(namespace: string, ...rest: readonly string[]): string {
  return [root, "namespaces", namespace, ...rest].join("/");
}

type Changes = { readonly metadata?: JsonObject; readonly spec?: JsonObject; readonly [field: string]: unknown };

/** A small valid Function. */
export function aFunction(name: string, { metadata = {}, spec = {}, ...rest }: Changes & JsonObject = {}): JsonObject {
  return {
    apiVersion: groupVersion,
    kind: "Function",
    metadata: { name, ...metadata },
    spec: {
      className: "org.example.WordCount",
      image: "example.org/wordcount:1.0",
      replicas: 1,
      input: { topics: ["persistent://public/default/sentences"] },
      output: { topic: "persistent://public/default/counts" },
      pulsar: { pulsarConfig: "pulsar" },
      java: { jar: "/pulsar/wordcount.jar" },
      ...spec,
    },
    ...rest,
  };
}

export async function createNamespace(client: Client, name: string): Promise<void> {
  ok(await client.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name } }), 201);
}

/** The reply, if its status is the wanted one. */
export function ok(reply: Reply, status = 200): Reply {
  assert.equal(reply.status, status, reply.text.slice(0, 500));
  return reply;
}
