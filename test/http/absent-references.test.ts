/** What a user is told of objects that a spec names and the cluster lacks, from the request to the `Warning` header. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { aSpec, aWorkload } from "../support/workloads.ts";
import { createNamespace, ok } from "./support/objects.ts";
import { serverForFile } from "./support/server.ts";

const { admin } = await serverForFile();
const functions = "/apis/compute.functionmesh.io/v1alpha1/namespaces/absent/functions";

test("kubectl's user is told of a ConfigMap that is missing, also by a dry run, and no longer once it is there", async () => {
  await createNamespace(admin, "absent");
  const told = ['299 - "spec.pulsar.pulsarConfig: ConfigMap \\"pulsar\\" doesn\'t exist: the pods start once it does"'];
  const post = (name: string, query: string) =>
    admin.post(`${functions}?${query}`, aWorkload("Function", aSpec("Function"), { name, namespace: "absent" }));
  assert.deepEqual(ok(await post("a", "fieldValidation=Strict&dryRun=All"), 201).warnings, told);
  assert.deepEqual(ok(await post("a", "fieldValidation=Strict"), 201).warnings, told);
  assert.deepEqual(ok(await post("b", ""), 201).warnings, []);
  ok(await admin.post("/api/v1/namespaces/absent/configmaps", { metadata: { name: "pulsar" } }), 201);
  assert.deepEqual(ok(await post("c", "fieldValidation=Strict"), 201).warnings, []);
});
