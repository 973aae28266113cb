/** What earlier releases kept in an etcd, key by key: it opens as it is, with an identity or without one. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { Etcd3 } from "etcd3";
import { decode, encode } from "../../../test/conformance/storage-case.ts";
import { EtcdProcess, findEtcd } from "../../../test/support/etcd.ts";
import { openEtcd } from "./etcd-store.ts";

type Kept = { readonly identity: string; readonly keys: { readonly [key: string]: string } };

const identityKey = "/registry/functionmesh-identity";
const kept: Kept = JSON.parse(readFileSync(new URL("./testdata/keys-1.json", import.meta.url), "utf8"));

const forms: Record<string, { readonly keys: Kept["keys"]; readonly identity: string | undefined }> = {
  "with an identity": { keys: kept.keys, identity: kept.identity },
  "of the first slice, without one": {
    keys: Object.fromEntries(Object.entries(kept.keys).filter(([key]) => key !== identityKey)),
    identity: undefined,
  },
};

function withEtcd(binary: string): void {
  for (const [name, { keys, identity }] of Object.entries(forms)) {
    test(`etcd: a store ${name} opens with its objects, and keeps its identity from then on`, async () => {
      await using etcd = await EtcdProcess.start(binary);
      const raw = new Etcd3({ hosts: etcd.endpoint });
      for (const [key, value] of Object.entries(keys)) await raw.put(key).value(value);
      raw.close();
      const open = () => openEtcd({ endpoints: [etcd.endpoint] });
      let found: string;
      {
        await using store = await open();
        found = store.identity;
        if (identity !== undefined) assert.equal(found, identity);
        for (const [key, value] of Object.entries(keys)) {
          if (key !== "compact_rev_key") assert.equal(decode((await store.get(key)).value?.value), value);
        }
        await store.create("/registry/core/configmaps/default/new", encode("{}"));
      }
      await using again = await open();
      assert.equal(again.identity, found);
      assert.equal((await again.range({ prefix: "/registry/core/configmaps/" })).count, 2);
    });
  }
}

const etcd = findEtcd();
if ("missing" in etcd) test("etcd formats", { skip: etcd.missing }, () => {});
else withEtcd(etcd.binary);
