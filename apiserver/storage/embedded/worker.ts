/**
 * The disk thread: the only one that touches the database, and the only one that waits for the disk.
 *
 * Invariant: everything that has arrived when a transaction starts shares it, so the number of waits for the disk
 *            does not grow with the number of writers.
 * Invariant: nobody waits behind a reader of many values for longer than one step of its reading: writes go first, then
 *            reads of single keys (health checks are such), then one step of one of the others.
 */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { limits } from "../../limits.ts";
import type { StoredValue } from "../interface.ts";
import { diskError } from "./disk-error.ts";
import { Fifo } from "./fifo.ts";
import { LogTable } from "./log-table.ts";
import type { FromDisk, Query, QueryResult, ToDisk, WriteGroup, WriteOutcome } from "./messages.ts";

type WriteMessage = WriteGroup & { readonly id: number };

function serve(port: MessagePort, table: LogTable): void {
  const send = (message: FromDisk, values: readonly Uint8Array[]) => port.postMessage(message, buffersOf(values));

  const write = (messages: readonly WriteMessage[]) => {
    try {
      const outcomes = table.write(messages);
      const groups = messages.map(({ id }, index) => ({
        id,
        outcomes: outcomes[index] ?? [],
      }));
      send({ type: "written", groups }, outcomes.flat().flatMap(outcomeValues));
    } catch (error) {
      send(
        {
          type: "notWritten",
          ids: messages.map(({ id }) => id),
          error: diskError(error),
        },
        [],
      );
    }
  };

  const answer = (id: number, query: Query) => {
    try {
      const result = run(table, query);
      send({ type: "result", id, result }, resultValues(result));
    } catch (error) {
      send({ type: "error", id, error: diskError(error) }, []);
    }
  };

  let writes: WriteMessage[] = [];
  let writeBytes = 0;
  let gets: QueryMessage[] = [];
  const steps = new Fifo<QueryMessage>();
  let closing = false;

  const flushWrites = () => {
    if (writes.length === 0) return;
    const group = writes;
    writes = [];
    writeBytes = 0;
    write(group);
  };

  const accept = (message: ToDisk) => {
    switch (message.type) {
      case "write":
        writes.push(message);
        writeBytes += message.values.byteLength;
        if (writeBytes > limits.maxTransactionBytes.value) flushWrites();
        return;
      case "query":
        if (message.query.type === "get") gets.push(message);
        else steps.push(message);
        return;
      case "close":
        closing = true;
    }
  };

  /** Writes before reads: a reader sees what was written before it asked, and nothing that is not yet durable. */
  const turn = () => {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      accept(next.message);
    }
    flushWrites();
    const asked = gets;
    gets = [];
    for (const { id, query } of asked) answer(id, query);
    const step = steps.shift();
    if (step !== undefined) answer(step.id, step.query);
  };

  port.on("message", (first: ToDisk) => {
    accept(first);
    do turn();
    while (steps.size > 0);
    if (!closing) return;
    table.close();
    port.close();
  });
}

type QueryMessage = { readonly id: number; readonly query: Query };

function run(table: LogTable, query: Query): QueryResult {
  switch (query.type) {
    case "get":
      return {
        type: "get",
        value: table.get(query.key),
        revision: table.revision,
      };
    case "page":
      return { type: "page", ...table.page(query.range, query.limit, query.revision) };
    case "count":
      return { type: "count", count: table.count(query.range, query.revision) };
    case "history":
      return { type: "history", ...table.history(query.range, query.after, query.to) };
    case "compactStep":
      return {
        type: "compactStep",
        compacted: table.compactStep(query.revision),
      };
  }
}

function outcomeValues(outcome: WriteOutcome): readonly Uint8Array[] {
  return "failure" in outcome ? [] : storedBytes(outcome.previous);
}

function resultValues(result: QueryResult): readonly Uint8Array[] {
  switch (result.type) {
    case "get":
      return storedBytes(result.value);
    case "page":
      return result.items.map((item) => item.value);
    case "history":
      return result.entries.flatMap(({ value, previous }) => [...(value ? [value] : []), ...storedBytes(previous)]);
    case "count":
    case "compactStep":
      return [];
  }
}

function storedBytes(stored: StoredValue | undefined): readonly Uint8Array[] {
  return stored === undefined ? [] : [stored.value];
}

/** Each value the database returned has a buffer of its own; it changes hands instead of being copied. */
function buffersOf(values: readonly Uint8Array[]): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const { buffer } of values) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength > 0) buffers.push(buffer);
  }
  return buffers;
}

function start(port: MessagePort, file: string): void {
  try {
    const table = new LogTable(file);
    const { identity, revision, compacted } = table;
    serve(port, table);
    port.postMessage({
      type: "opened",
      identity,
      revision,
      compacted,
    } satisfies FromDisk);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ type: "notOpened", message } satisfies FromDisk);
    port.close();
  }
}

if (parentPort !== null && typeof workerData === "string") start(parentPort, workerData);
