import type { KVClient } from "etcd3";
import { isStorageError } from "../errors.ts";
import type { Revision } from "../interface.ts";
import { interpretEtcdError } from "./errors.ts";

/**
 * Regular compaction that any number of servers may run on one etcd (API T-08).
 *
 * All of them use one key as a clock: its version counts compactions. Whoever raises it from the version it knew
 * compacts, to the revision that was current when it learned of that version; the others only learn the time.
 * The key and its meaning are kube-apiserver's own, so that servers of both kinds on one etcd take turns.
 */
const clockKey = Buffer.from("compact_rev_key");

export type CompactorState = {
  /** The clock's version when last seen; 0 before the first look. */
  readonly version: number;
  /** Revision to compact to next; 0 is none yet. */
  readonly revision: Revision;
};

export const firstCompactorState: CompactorState = { version: 0, revision: 0 };

/**
 * One turn. History then goes back to `state.revision` if this server's turn it was; where etcd has no room for the clock
 * every server compacts, as that is what makes room.
 */
export async function takeTurn(kv: Pick<KVClient, "txn" | "compact">, state: CompactorState): Promise<CompactorState> {
  try {
    return await turnByTheClock(kv, state);
  } catch (error) {
    if (!isStorageError(interpretEtcdError(error), "Full") || state.revision === 0) throw error;
    await kv.compact({ revision: state.revision });
    return { ...state, revision: 0 };
  }
}

async function turnByTheClock(kv: Pick<KVClient, "txn" | "compact">, state: CompactorState): Promise<CompactorState> {
  const answer = await kv.txn({
    compare: [{ key: clockKey, target: "Version", result: "Equal", version: state.version }],
    success: [{ request_put: { key: clockKey, value: Buffer.from(String(state.revision)) } }],
    failure: [{ request_range: { key: clockKey } }],
  });
  const revision = Number(answer.header.revision);
  if (!answer.succeeded) {
    const clock = answer.responses[0]?.response_range.kvs[0];
    return { version: Number(clock?.version ?? 0), revision };
  }
  if (state.revision !== 0) await kv.compact({ revision: state.revision });
  return { version: state.version + 1, revision };
}
