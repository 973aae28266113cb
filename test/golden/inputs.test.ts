/** What goes into the goldens: accepted and returned as it was sent, or refused with every wrong field by its path. */
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { collectionOf, createNamespacesOf, lostFields, put, refusedFields } from "../http/support/manifests.ts";
import { createNamespace, ok } from "../http/support/objects.ts";
import { type HttpServer, serverForFile } from "../http/support/server.ts";
import { needsShared, sharedDirectory } from "../support/shared.ts";
import { inputs } from "./operator-case.ts";
import { acceptedHere, pruned, refused, refusedHere } from "./verdicts.ts";

const skip = needsShared("goldens");
const root = join(sharedDirectory, "goldens");
const server: HttpServer | undefined = skip === false ? await serverForFile() : undefined;

type Step = { readonly name: string; readonly directory: string };

function stepsOf(name: string): readonly Step[] {
  const directory = join(root, name);
  const folders = readdirSync(directory).filter((entry) => /^v\d+$/.test(entry));
  if (folders.length === 0) return [{ name, directory }];
  return folders.sort().map((step) => ({ name: `${name}/${step}`, directory: join(directory, step) }));
}

const cases = skip === false ? readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory()) : [];
const steps = cases.flatMap(({ name }) => stepsOf(name));
const isRefusedByOperator = ({ directory }: Step): boolean => existsSync(join(directory, "rejected.json"));

describe("the operator's inputs", () => {
  test("every listed case exists, and every refused one is listed", { skip }, () => {
    const names = new Set(steps.map(({ name }) => name));
    const listed = [refused, acceptedHere, refusedHere].flatMap(Object.keys);
    assert.deepEqual(
      listed.filter((name) => !names.has(name)),
      [],
    );
    const verdicts = new Set([...Object.keys(refused), ...Object.keys(acceptedHere)]);
    assert.deepEqual(
      steps.filter((step) => isRefusedByOperator(step) !== verdicts.has(step.name)).map(({ name }) => name),
      [],
    );
  });

  for (const [index, { name: ofCase }] of cases.entries()) {
    test(ofCase, async () => {
      const namespace = `case-${index}`;
      assert.ok(server !== undefined);
      await createNamespace(server.admin, namespace);
      for (const { name, directory } of stepsOf(ofCase)) {
        const fields = refused[name] ?? refusedHere[name]?.fields ?? [];
        const verdict = await verdictOn(inputs(directory), namespace);
        assert.deepEqual(verdict, { refused: fields, lost: pruned[name] ?? [] }, refusedHere[name]?.reason ?? name);
      }
    });
  }
});

type Verdict = {
  /** Fields for which objects are refused. */
  readonly refused: readonly string[];
  /** Paths of what was accepted and is not read back as it was sent. */
  readonly lost: readonly string[];
};

async function verdictOn(objects: readonly (JsonObject & KubeObject)[], namespace: string): Promise<Verdict> {
  assert.ok(server !== undefined);
  const { admin } = server;
  const written = objects.filter(({ $op }) => $op === undefined);
  await createNamespacesOf(admin, written);
  const [fields, lost]: [string[], string[]] = [[], []];
  for (const object of written) {
    const collection = collectionOf(object, namespace);
    assert.ok(collection !== undefined, object.kind);
    const reply = await put(admin, collection, object);
    if (reply.status === 422) {
      fields.push(...refusedFields(reply));
      continue;
    }
    assert.ok(reply.status === 200 || reply.status === 201, reply.text);
    const name = reply.at("metadata", "name");
    lost.push(...lostFields(object, ok(await admin.get(`${collection}/${name}`)).body));
  }
  return { refused: fields, lost };
}
