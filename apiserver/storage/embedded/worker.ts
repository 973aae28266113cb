/**
 * The disk thread: the only one that touches the database, and the only one that waits for the disk.
 *
 * Invariant: everything that has arrived when a transaction starts shares it, so the number of waits for the disk
 *            does not grow with the number of writers.
 * Invariant: nobody waits behind a reader of many values for longer than one step of its reading: writes go first, then
 *            reads of single keys (health checks are such), then one step of one of the others.
 */

import { statSync } from "node:fs";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { limits } from "../../limits.ts";
import { isStorageError, StorageError } from "../errors.ts";
import type { StoredValue, StorePosition } from "../interface.ts";
import { contradiction } from "../position.ts";
import { diskError, isDamage } from "./disk-error.ts";
import { Fifo } from "./fifo.ts";
import { LogTable } from "./log-table.ts";
import { MarkFile } from "./mark.ts";
import type { DiskError, DiskFiles, FromDisk, Query, QueryResult, ToDisk, WriteGroup } from "./messages.ts";
import { Reserve } from "./reserve.ts";
import { Writer } from "./writer.ts";

type WriteMessage = WriteGroup & { readonly id: number };

/** Time that the search for damage may take at the start, in ms. */
const verifyMs = 500;
/** The reserve is taken when a store has lived for so long, in ms: it takes some to write. */
const reserveAfterMs = 100;

function serve(port: MessagePort, table: LogTable, writer: Writer): void {
  const send = (message: FromDisk, values: readonly Uint8Array[]) => port.postMessage(message, buffersOf(values));

  let damage: unknown;
  /** Where some is damaged, nothing may be concluded from the rest either. */
  const failure = (error: unknown): DiskError => {
    if (isDamage(error)) damage ??= error;
    return diskError(error);
  };

  const write = (messages: readonly WriteMessage[]) => {
    try {
      if (damage !== undefined) throw damage;
      const outcomes = writer.write(messages);
      const groups = messages.map(({ id }, index) => ({
        id,
        outcomes: outcomes[index] ?? [],
      }));
      send({ type: "written", groups }, []);
    } catch (error) {
      send(
        {
          type: "notWritten",
          ids: messages.map(({ id }) => id),
          error: failure(error),
        },
        [],
      );
    }
  };

  const answer = (id: number, query: Query) => {
    try {
      if (damage !== undefined) throw damage;
      const result = joined(run(table, writer, query));
      send({ type: "result", id, result }, resultValues(result));
    } catch (error) {
      send({ type: "error", id, error: failure(error) }, []);
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
        if (isSingle(message.query)) gets.push(message);
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
    if (writer.wantsCompaction && steps.size === 0) makeRoom();
  };

  /** One step; where it fails the next write or probe says why. */
  const makeRoom = () => {
    try {
      table.compactStep(table.revision);
    } catch (error) {
      failure(error);
    }
  };
  const reserving = setTimeout(() => writer.takeReserve(), reserveAfterMs);

  port.on("message", (first: ToDisk) => {
    accept(first);
    do turn();
    while (steps.size > 0);
    if (!closing) return;
    clearTimeout(reserving);
    table.close();
    port.close();
  });
}

type QueryMessage = { readonly id: number; readonly query: Query };

/** What is answered before steps of anybody's reading. */
function isSingle({ type }: Query): boolean {
  return type === "get" || type === "position" || type === "probe" || type === "size";
}

function run(table: LogTable, writer: Writer, query: Query): QueryResult {
  switch (query.type) {
    case "get":
      return {
        type: "get",
        value: table.get(query.key),
        revision: table.revision,
      };
    case "position":
      return { type: "position", position: writer.position() };
    case "probe":
      writer.probe();
      return { type: "probe" };
    case "size":
      return { type: "size", bytes: table.sizeBytes() };
    case "page":
      return { type: "page", ...table.page(query.range, query.limit, query.revision) };
    case "count":
      return { type: "count", count: table.count(query.range, query.revision) };
    case "history":
      return { type: "history", ...table.history(query) };
    case "compactStep":
      return {
        type: "compactStep",
        compacted: table.compactStep(query.revision),
      };
  }
}

/** The values of a page as parts of one buffer: to hand over hundreds takes longer than to copy them. */
function joined(result: QueryResult): QueryResult {
  if (result.type !== "page") return result;
  const bytes = new Uint8Array(result.items.reduce((sum, { value }) => sum + value.length, 0));
  let end = 0;
  const items = result.items.map((item) => {
    const start = end;
    end += item.value.length;
    bytes.set(item.value, start);
    return { ...item, value: bytes.subarray(start, end) };
  });
  return { ...result, items };
}

function resultValues(result: QueryResult): readonly Uint8Array[] {
  switch (result.type) {
    case "get":
      return storedBytes(result.value);
    case "page":
      return result.items.slice(0, 1).map((item) => item.value);
    case "history":
      return result.entries.flatMap(({ value, previous }) => [...(value ? [value] : []), ...storedBytes(previous)]);
    case "position":
    case "probe":
    case "size":
    case "count":
    case "compactStep":
      return [];
  }
}

function storedBytes(stored: StoredValue | undefined): readonly Uint8Array[] {
  return stored === undefined ? [] : [stored.value];
}

/** What the database returned, and what was joined, changes hands instead of being copied. */
function buffersOf(values: readonly Uint8Array[]): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const { buffer } of values) {
    if (buffer instanceof ArrayBuffer && buffer.byteLength > 0) buffers.push(buffer);
  }
  return buffers;
}

function start(port: MessagePort, files: DiskFiles): void {
  const mark = new MarkFile(files.mark);
  try {
    const known = mark.read();
    if (known !== undefined) checkThere(files, known);
    const table = openTable(files, known);
    const { identity, revision, compacted } = table;
    serve(port, table, new Writer(table, files, mark, new Reserve(files.reserve)));
    port.postMessage({
      type: "opened",
      identity,
      revision,
      compacted,
    } satisfies FromDisk);
  } catch (error) {
    mark.close();
    const refused = isStorageError(error, "Unusable");
    const message = error instanceof Error ? error.message : String(error);
    port.postMessage({ type: "notOpened", message, refused } satisfies FromDisk);
    port.close();
  }
}

/** Before it is opened: that would make a new one. */
function checkThere({ database }: DiskFiles, known: StorePosition): void {
  const size = statSync(database, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) refuse(contradiction(known, { identity: undefined, revision: 0, objects: 0, marks: 0 }));
}

function openTable({ database, maxBytes }: DiskFiles, known: StorePosition | undefined): LogTable {
  const table = new LogTable(database, { maxBytes });
  try {
    const { identity, revision, objects } = table;
    if (known !== undefined) refuse(contradiction(known, { identity, revision, objects, marks: 0 }));
    table.verify(verifyMs);
    return table;
  } catch (error) {
    table.close();
    throw error;
  }
}

function refuse(why: string | undefined): void {
  if (why !== undefined) throw new StorageError("Unusable", { message: `the store ${why}` });
}

if (parentPort !== null) start(parentPort, workerData);
