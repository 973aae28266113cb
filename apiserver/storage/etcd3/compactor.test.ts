import assert from "node:assert/strict";
import test from "node:test";
import type { ICompactionResponse, ITxnResponse } from "etcd3";
import { firstCompactorState, takeTurn } from "./compactor.ts";

/** An etcd of which only the clock key and the revision matter. */
class FakeKv {
  revision = 100;
  version = 0;
  readonly compactions: number[] = [];

  async txn({ compare }: { compare?: readonly { version?: string | number }[] }): Promise<ITxnResponse> {
    const succeeded = compare?.[0]?.version === this.version;
    if (succeeded) {
      this.version++;
      this.revision++;
    }
    const header = { cluster_id: "1", member_id: "1", raft_term: "1", revision: String(this.revision) };
    const kv = { version: String(this.version), key: noBytes, value: noBytes, lease: "0" };
    const kvs = this.version === 0 ? [] : [{ ...kv, create_revision: "1", mod_revision: "1" }];
    const range = { header, kvs, more: false, count: String(kvs.length) };
    const nothing = { header, prev_kvs: [], deleted: "0" };
    const put = { header, prev_kv: { ...kv, create_revision: "1", mod_revision: "1" } };
    const txn = { header, succeeded, responses: [] };
    const response = { response_range: range, response_put: put, response_delete_range: nothing, response_txn: txn };
    return { header, succeeded, responses: [response] };
  }

  async compact({ revision }: { revision?: string | number }): Promise<ICompactionResponse> {
    this.compactions.push(Number(revision));
    return { header: { cluster_id: "1", member_id: "1", raft_term: "1", revision: String(this.revision) } };
  }
}

const noBytes = Buffer.alloc(0);

// API T-08
test("compactor: the first turn only marks, the next ones drop what was current one turn before", async () => {
  const kv = new FakeKv();
  let state = await takeTurn(kv, firstCompactorState);
  assert.deepEqual(kv.compactions, []);
  const marks = [state.revision];
  for (let turn = 0; turn < 3; turn++) {
    kv.revision += 50;
    state = await takeTurn(kv, state);
    marks.push(state.revision);
  }
  assert.deepEqual(kv.compactions, marks.slice(0, 3));
});

// API T-08, T-09
test("compactor: of two servers one compacts per turn", async () => {
  const kv = new FakeKv();
  let one = await takeTurn(kv, firstCompactorState);
  let two = await takeTurn(kv, firstCompactorState);
  for (let turn = 0; turn < 4; turn++) {
    kv.revision += 50;
    one = await takeTurn(kv, one);
    two = await takeTurn(kv, two);
    assert.equal(kv.compactions.length, turn + 1);
  }
});

test("compactor: a new server does not drop history it knows nothing of", async () => {
  const kv = new FakeKv();
  await takeTurn(kv, await takeTurn(kv, firstCompactorState));
  const before = [...kv.compactions];
  await takeTurn(kv, firstCompactorState);
  assert.deepEqual(kv.compactions, before);
});
