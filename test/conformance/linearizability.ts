/**
 * Whether what concurrent clients of a store were told can be explained by one order of their operations, each taking
 * effect at once somewhere between its call and its answer.
 *
 * Search after Wing and Gong, key by key: a key is a register with create, compare-and-set and delete, and a history is
 * linearizable where those of its keys are. States that were tried with the same operations done are not tried again
 * (Lowe), which bounds the search for histories of a few clients.
 */
import assert from "node:assert/strict";
import test from "node:test";
import { isStorageError, type StorageErrorCode } from "../../apiserver/storage/errors.ts";
import type { Revision, StorageBackend, StoredValue } from "../../apiserver/storage/interface.ts";
import { random } from "../support/random.ts";
import { decode, encode } from "./storage-case.ts";

/** What was asked for. Every value is written once, so it tells who wrote it. */
export type Asked =
  | { readonly do: "get" }
  | { readonly do: "create"; readonly value: string }
  | { readonly do: "update"; readonly value: string; readonly expected: Revision }
  | { readonly do: "delete"; readonly expected: Revision };

/** What was answered. `unknown`: nothing, so that it may have taken effect at any time since, or never. */
export type Answered =
  | { readonly found: { readonly value: string; readonly revision: Revision } | undefined }
  | { readonly written: Revision }
  | { readonly refused: "KeyExists" | "KeyNotFound" | "Conflict" }
  | { readonly unknown: true };

export type Operation = {
  readonly key: string;
  readonly asked: Asked;
  readonly answered: Answered;
  /** Positions in one sequence of all calls and answers. */
  readonly calledAt: number;
  readonly answeredAt: number;
};

/** A key's state: who wrote its value, and the revision of that, as far as anybody was told. */
type State = { readonly value: string; readonly revision: Revision } | undefined;

/** What becomes of the state if the operation takes effect now; `undefined` when it cannot, answered as it was. */
function step(
  state: State,
  { asked, answered }: Operation,
  revisions: ReadonlyMap<string, Revision>,
): [State] | undefined {
  if ("found" in answered) {
    const { found } = answered;
    return found?.value === state?.value && found?.revision === state?.revision ? [state] : undefined;
  }
  const refusal = refusalOf(state, asked);
  if ("refused" in answered) return answered.refused === refusal ? [state] : undefined;
  if (refusal !== undefined) return undefined;
  if (asked.do === "delete" || asked.do === "get") return [undefined];
  const revision = "written" in answered ? answered.written : (revisions.get(asked.value) ?? 0);
  return [{ value: asked.value, revision }];
}

function refusalOf(state: State, asked: Asked): StorageErrorCode | undefined {
  if (asked.do === "create") return state === undefined ? undefined : "KeyExists";
  if (asked.do === "get") return undefined;
  if (state === undefined) return "KeyNotFound";
  return state.revision === asked.expected ? undefined : "Conflict";
}

/** Revisions of values, those included whose writer was not told but somebody read. */
function revisionsOf(operations: readonly Operation[]): Map<string, Revision> {
  const revisions = new Map<string, Revision>();
  for (const { asked, answered } of operations) {
    if ("found" in answered && answered.found !== undefined)
      revisions.set(answered.found.value, answered.found.revision);
    if ("written" in answered && "value" in asked) revisions.set(asked.value, answered.written);
  }
  return revisions;
}

function isLinearizable(operations: readonly Operation[]): boolean {
  const revisions = revisionsOf(operations);
  const ordered = [...operations].sort((a, b) => a.calledAt - b.calledAt);
  const isDone = ordered.map(() => false);
  const mustBeDone = ordered.filter(({ answered }) => !("unknown" in answered)).length;
  const tried = new Set<string>();
  let done = 0n;
  let doneKnown = 0;

  const search = (state: State, first: number): boolean => {
    if (doneKnown === mustBeDone) return true;
    const key = `${done} ${state?.value}`;
    if (tried.has(key)) return false;
    tried.add(key);
    // Nothing may take effect after the answer of something that has not.
    let earliestAnswer = Number.POSITIVE_INFINITY;
    for (let i = first; i < ordered.length; i++) {
      const operation = ordered[i];
      if (operation === undefined || isDone[i] === true) continue;
      if (operation.calledAt > earliestAnswer) break;
      earliestAnswer = Math.min(earliestAnswer, operation.answeredAt);
      const next = step(state, operation, revisions);
      if (next === undefined) continue;
      const isKnown = "unknown" in operation.answered ? 0 : 1;
      isDone[i] = true;
      done |= 1n << BigInt(i);
      doneKnown += isKnown;
      let rest = first;
      while (isDone[rest] === true) rest++;
      if (search(next[0], rest)) return true;
      isDone[i] = false;
      done &= ~(1n << BigInt(i));
      doneKnown -= isKnown;
    }
    return false;
  };
  return search(undefined, 0);
}

/** Why no order explains the history; `undefined` when one does. */
export function violation(history: readonly Operation[]): string | undefined {
  for (const [key, operations] of Map.groupBy(history, (operation) => operation.key)) {
    if (!isLinearizable(operations)) return `no order explains what was seen of ${key}: ${JSON.stringify(operations)}`;
  }
  // Of two writes one after the other the later has the greater revision, whatever their keys.
  const writes = history.flatMap(({ answered, calledAt, answeredAt }) =>
    "written" in answered ? [{ revision: answered.written, calledAt, answeredAt }] : [],
  );
  const byAnswer = writes.toSorted((a, b) => a.answeredAt - b.answeredAt);
  const byCall = writes.toSorted((a, b) => a.calledAt - b.calledAt);
  let newest = 0;
  let answered = 0;
  for (const { revision, calledAt } of byCall) {
    for (
      let write = byAnswer[answered];
      write !== undefined && write.answeredAt < calledAt;
      write = byAnswer[answered]
    ) {
      newest = Math.max(newest, write.revision);
      answered++;
    }
    if (revision <= newest) return `a write has revision ${revision}, and one before it had ${newest}`;
  }
  return undefined;
}

/** Asks stores for things on behalf of several clients, and notes when and what they said. */
export class Recorder {
  readonly history: Operation[] = [];
  #position = 0;
  #values = 0;

  /** One operation of a client that knows, maybe no longer rightly, what is at the key. */
  async ask(store: StorageBackend, key: string, asked: Asked): Promise<Answered> {
    const calledAt = ++this.#position;
    const answered = await answerOf(store, key, asked);
    const answeredAt = "unknown" in answered ? Number.POSITIVE_INFINITY : ++this.#position;
    this.history.push({ key, asked, answered, calledAt, answeredAt });
    return answered;
  }

  /** Does something that may succeed, given what the client last saw of the key. */
  async act(store: StorageBackend, key: string, chance: () => number): Promise<Answered> {
    const seen = await this.ask(store, key, { do: "get" });
    const found = "found" in seen ? seen.found : undefined;
    if (chance() < 0.3) return seen;
    const value = `v${++this.#values}`;
    if (found === undefined) return this.ask(store, key, { do: "create", value });
    const expected = found.revision;
    return this.ask(store, key, chance() < 0.3 ? { do: "delete", expected } : { do: "update", value, expected });
  }
}

async function answerOf(store: StorageBackend, key: string, asked: Asked): Promise<Answered> {
  try {
    switch (asked.do) {
      case "get":
        return { found: foundIn((await store.get(key)).value) };
      case "create":
        return { written: await store.create(key, encode(asked.value)) };
      case "update":
        return { written: await store.update(key, encode(asked.value), asked.expected) };
      case "delete":
        return { written: await store.delete(key, asked.expected) };
    }
  } catch (error) {
    if (!isStorageError(error)) throw error;
    const { code } = error;
    if (code === "KeyExists" || code === "KeyNotFound" || code === "Conflict") return { refused: code };
    assert.equal(code, "Unreachable", String(error));
    return { unknown: true };
  }
}

const foundIn = (stored: StoredValue | undefined) =>
  stored && { value: decode(stored.value) ?? "", revision: stored.revision };

const clients = 8;
const actsEach = 40;
const keys = ["/p/a", "/p/b", "/p/c"];

export function linearizability(backend: {
  readonly name: string;
  readonly open: (store: string) => Promise<StorageBackend>;
  readonly seeds?: readonly number[];
}): void {
  for (const seed of backend.seeds ?? [1, 2, 3]) {
    test(`linearizable ${backend.name}: what ${clients} clients at once are told has an order, seed ${seed}`, {
      timeout: 60_000,
    }, async () => {
      await using store = await backend.open(`linearizable-${seed}`);
      const recorder = new Recorder();
      const chance = random(seed);
      const client = async (): Promise<void> => {
        for (let act = 0; act < actsEach; act++) {
          await recorder.act(store, keys[Math.floor(chance() * keys.length)] ?? "", chance);
        }
      };
      await Promise.all(Array.from({ length: clients }, client));
      assert.equal(violation(recorder.history), undefined);
      assert.ok(
        recorder.history.some(({ answered }) => "refused" in answered),
        "clients came in each other's way",
      );
    });
  }
}
