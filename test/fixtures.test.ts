/** Manifests that users of the public project apply: accepted under strict validation, and returned as they were sent. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import type { JsonObject, KubeObject } from "../apiserver/apis/meta/v1.ts";
import { rejectedFixtures, warnedFixtures } from "./conformance/fixtures-rejected.ts";
import type { Client } from "./http/support/client.ts";
import { collectionOf, createNamespacesOf, isKubeObject, lostFields, refusedFields } from "./http/support/manifests.ts";
import { createNamespace, ok } from "./http/support/objects.ts";
import { type HttpServer, serverForFile } from "./http/support/server.ts";
import { needsShared, sharedDirectory } from "./support/shared.ts";

const skip = needsShared("fixtures/function-mesh");
const root = join(sharedDirectory, "fixtures", "function-mesh");
const files = skip === false ? manifestsBelow(root) : [];
const server: HttpServer | undefined = skip === false ? await serverForFile() : undefined;

function manifestsBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .sort();
}

/** As kubectl reads a file: every document of it, by the rules of YAML 1.1. */
function objectsIn(file: string): (JsonObject & KubeObject)[] {
  const documents = parseAllDocuments(readFileSync(join(root, file), "utf8"), { version: "1.1" });
  return documents.map((document) => document.toJS()).filter(isKubeObject);
}

const nameOf = (file: string, { kind, metadata }: KubeObject): string => `${file} ${kind}/${metadata.name}`;

describe("manifests of the public project", () => {
  test("there are some, and every listed one exists", { skip }, () => {
    const names = new Set(files.flatMap((file) => objectsIn(file).map((object) => nameOf(file, object))));
    assert.ok(names.size > 100, `found ${names.size}`);
    assert.deepEqual(
      Object.keys(rejectedFixtures).filter((name) => !names.has(name)),
      [],
    );
  });

  for (const [index, file] of files.entries()) {
    test(file, async () => {
      assert.ok(server !== undefined);
      const { admin } = server;
      const namespace = `fixture-${index}`;
      const objects = objectsIn(file);
      await createNamespace(admin, namespace);
      await createNamespacesOf(admin, objects);
      for (const object of objects) {
        const rejection = rejectedFixtures[nameOf(file, object)];
        const refused = await refusalOf(admin, object, namespace, nameOf(file, object));
        assert.deepEqual(
          refused,
          rejection?.fields,
          `${nameOf(file, object)}: ${rejection?.reason ?? "must be accepted"}`,
        );
      }
    });
  }
});

/** Nothing that manifests name has been made in their namespace: they are told, and it is no mistake of theirs. */
const isOfItsOwn = (warning: string): boolean => !warning.includes("doesn't exist");

/** Fields for which the object is refused, `undefined` if it is accepted; then it is also read back, and removed. */
async function refusalOf(
  admin: Client,
  object: JsonObject & KubeObject,
  namespace: string,
  name: string,
): Promise<readonly string[] | undefined> {
  const collection = collectionOf(object, namespace);
  if (collection === undefined) return [];
  const created = await admin.post(`${collection}?fieldValidation=Strict`, object);
  if (created.status !== 201) {
    assert.ok(created.status === 422 || created.status === 400, created.text);
    return refusedFields(created);
  }
  const warnings = (warnedFixtures[name] ?? []).map((text) => `299 - ${JSON.stringify(text)}`);
  assert.deepEqual(created.warnings.filter(isOfItsOwn), warnings);
  const item = `${collection}/${object.metadata.name}`;
  assert.deepEqual(lostFields(object, ok(await admin.get(item)).body), []);
  ok(await admin.delete(item));
  return undefined;
}
