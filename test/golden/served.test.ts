/**
 * The samples through the whole server: applied over HTTPS, reconciled, and what then exists compared with what the
 * operator made of them. `golden.test.ts` compares more cases, but only their rendering.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { JsonValue } from "../../apiserver/apis/meta/v1.ts";
import { listOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import type { Client } from "../http/support/client.ts";
import { collectionOf, put } from "../http/support/manifests.ts";
import { createNamespace, ok } from "../http/support/objects.ts";
import { type HttpServer, serverForFile } from "../http/support/server.ts";
import { eventually } from "../support/processes.ts";
import { everywhere } from "./cases.ts";
import { goldens, judge, whyNoJudge } from "./judge.ts";
import { inputs, operatorCases } from "./operator-case.ts";

const skip = whyNoJudge();
const cases = skip === false ? operatorCases(goldens).filter(({ name }) => /^fixture-samples-/.test(name)) : [];
/** Nothing that plays the cluster: no pods ran for the goldens either. */
const reconcilers = ["--controllers", "function,source,sink,function-mesh"];
const server: HttpServer | undefined = skip === false ? await serverForFile(reconcilers) : undefined;

/** What our reconcilers leave on what they write, to know it again and to find members; the operator leaves nothing. */
const marks =
  /metadata\.(annotations(\["compute\.functionmesh\.io\/(applied-digest|rendered-from)"\])?|labels) {2}\(absent\)/;

const collections = [
  "/apis/apps/v1/statefulsets",
  "/api/v1/services",
  "/apis/autoscaling/v2/horizontalpodautoscalers",
  "/apis/autoscaling.k8s.io/v1/verticalpodautoscalers",
  "/apis/batch/v1/jobs",
  ...["functions", "sources", "sinks"].map((resource) => `/apis/compute.functionmesh.io/v1alpha1/${resource}`),
];

describe("the samples, served and reconciled", () => {
  const output = mkdtempSync(join(tmpdir(), "served-"));
  after(() => rmSync(output, { recursive: true, force: true }));

  test("there are samples", { skip }, () => assert.ok(cases.length > 0));

  for (const { name, directory } of cases) {
    test(name, async () => {
      assert.ok(server !== undefined);
      const { admin } = server;
      await createNamespace(admin, name);
      for (const object of inputs(directory)) {
        const collection = collectionOf(object, name) ?? assert.fail(object.kind);
        assert.equal((await put(admin, collection, object)).status, 201);
      }
      await eventually(async () => {
        const lines = await judge(directory, await everythingIn(admin, name), join(output, `${name}.json`));
        assert.deepEqual(
          lines.filter(
            (line) => ![marks, ...everywhere.map((meant) => meant.lines)].some((pattern) => pattern.test(line)),
          ),
          [],
        );
      });
    });
  }
});

async function everythingIn(admin: Client, namespace: string): Promise<JsonValue[]> {
  const lists = await Promise.all(
    collections.map(async (collection) => {
      const [version, resource] = [collection.replace(/\/[^/]+$/, ""), collection.replace(/^.*\//, "")];
      const { body } = ok(await admin.get(`${version}/namespaces/${namespace}/${resource}`));
      const identity = { apiVersion: textOf(body, "apiVersion"), kind: textOf(body, "kind").replace(/List$/, "") };
      return listOf(body, "items").map((item) => ({ ...identity, ...(isObject(item) ? item : {}) }));
    }),
  );
  return lists.flat();
}
