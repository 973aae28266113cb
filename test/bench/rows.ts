/** What is measured: the rows of the design's table of speed, each the same work for every server. */
import type { IncomingMessage } from "node:http";
import { workHeader } from "./bare.ts";
import { type BenchAnswer, http2BenchClient } from "./client.ts";
import { labelPatch } from "./kinds.ts";
import type { Target, TargetName } from "./targets.ts";

export type Sizes = { readonly objects: number; readonly watchers: number; readonly streams: number };

/** One server's part of a row; made anew for each measurement. */
export type Work = {
  /** @param index  never the same twice for a row and a server */
  readonly run: (index: number) => Promise<void>;
  /** Milliseconds of deliveries, where they are not those of `run`. */
  readonly latencies?: () => readonly number[];
  readonly close?: () => void;
};

export type Row = {
  readonly name: string;
  readonly inFlight: number;
  /** However dear they are. */
  readonly minOperations: number;
  readonly maxOperations?: (sizes: Sizes) => number;
  /** How many of what the row counts one operation is. */
  readonly unitsOf?: (sizes: Sizes) => number;
  /** Not measured at these. */
  readonly without?: readonly TargetName[];
  /** Too dear to be repeated as often as others. */
  readonly rounds?: number;
  readonly begin: (target: Target, sizes: Sizes, note: (answer: BenchAnswer) => void) => Promise<Work> | Work;
};

export const nameOf = (index: number): string => `b-${index}`;
/** Objects that writes go to again and again, so that what is read for them is little. */
const written = 200;
const mergePatch = "application/merge-patch+json";
const applyPatch = "application/apply-patch+yaml";

type Request = {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly type?: string;
  readonly accept?: string;
  readonly gzip?: true;
};

async function ask(target: Target, work: string, request: Request): Promise<BenchAnswer> {
  const { method, path, body, type, accept, gzip } = request;
  const answer = await target.client.send(method, path, {
    ...(body !== undefined && { body }),
    headers: {
      [workHeader]: work,
      ...(type !== undefined && { "content-type": type }),
      ...(accept !== undefined && { accept }),
      ...(gzip && { "accept-encoding": "gzip" }),
    },
  });
  if (answer.status >= 300)
    throw new Error(`${target.name}, ${work}: HTTP ${answer.status} ${answer.body().toString().slice(0, 300)}`);
  return answer;
}

/** A row whose operation is one request. */
function single(
  name: string,
  inFlight: number,
  minOperations: number,
  requestOf: (target: Target, index: number, sizes: Sizes) => Request,
  more: Partial<Row> = {},
): Row {
  return {
    name,
    inFlight,
    minOperations,
    begin: (target, sizes, note) => ({
      run: async (index) => note(await ask(target, name, requestOf(target, index, sizes))),
    }),
    ...more,
  };
}

const list = (name: string, query: string, more: Omit<Request, "method" | "path"> = {}): Row =>
  single(name, 1, 2, ({ kind }) => ({ method: "GET", path: `${kind.collection}${query}`, ...more }));

const get = (inFlight: number): Row =>
  single(`GET, ${inFlight} in flight`, inFlight, 200, ({ kind }, index, { objects }) => ({
    method: "GET",
    path: `${kind.collection}/${nameOf(index % objects)}`,
  }));

const http2 = (name: string, inFlight: number, minOperations: number, pathOf: (index: number) => string): Row => ({
  name,
  inFlight,
  minOperations,
  without: ["bare", "before"],
  begin: async ({ kubeconfig, kind }, { objects }) => {
    const client = await http2BenchClient(kubeconfig);
    const run = async (index: number): Promise<void> => {
      const { status } = await client.get(`${kind.collection}${pathOf(index % objects)}`);
      if (status !== 200) throw new Error(`HTTP ${status}`);
    };
    return { run, close: client.close };
  },
});

const pageSize = 500;
const pages: Row = {
  name: `LIST in pages of ${pageSize}`,
  inFlight: 1,
  minOperations: 1,
  begin: (target, { objects }, note) => ({
    run: async () => {
      let token = "";
      for (let page = 0; page < Math.ceil(objects / pageSize); page++) {
        const path = `${target.kind.collection}?limit=${pageSize}${token}`;
        const answer = await ask(target, pages.name, { method: "GET", path });
        note(answer);
        const next = /"continue":"([^"]+)"/.exec(answer.body().toString("latin1"))?.[1];
        token = next === undefined ? "" : `&continue=${encodeURIComponent(next)}`;
      }
    },
  }),
};

const put: Row = {
  name: "PUT, changed",
  inFlight: 8,
  minOperations: 100,
  begin: async (target, { objects }, note) => {
    const count = Math.min(written, objects);
    const pathOf = (index: number): string => `${target.kind.collection}/${nameOf(index)}`;
    for (let index = 0; index < count; index++) {
      const answer = await ask(target, put.name, { method: "GET", path: pathOf(index) });
      target.read.set(nameOf(index), answer.body().toString());
    }
    const run = async (index: number): Promise<void> => {
      const name = nameOf(index % count);
      const body = target.kind.put(target.read.get(name) ?? "", index);
      const answer = await ask(target, put.name, { method: "PUT", path: pathOf(index % count), body });
      note(answer);
      target.read.set(name, answer.body().toString());
    };
    return { run };
  },
};

const patch = single("PATCH (merge), a label", 8, 100, ({ kind }, index, { objects }) => ({
  method: "PATCH",
  path: `${kind.collection}/${nameOf(index % Math.min(written, objects))}?fieldManager=labels`,
  body: labelPatch("step", index),
  type: mergePatch,
}));

function applied({ kind }: Target, object: number, change: number): Request {
  const name = nameOf(object);
  return {
    method: "PATCH",
    path: `${kind.collection}/${name}?fieldManager=gitops&force=true`,
    body: kind.apply(name, object, change),
    type: applyPatch,
  };
}

const applyChanged = single(
  "apply, changed",
  8,
  100,
  (target, index, { objects }) => applied(target, index % Math.min(written, objects), index),
  { without: ["before"] },
);

const unchanged: Row = {
  name: "apply, unchanged",
  inFlight: 8,
  minOperations: 100,
  without: ["before"],
  begin: async (target, { objects }, note) => {
    const count = Math.min(written, objects);
    for (let index = 0; index < count; index++) await ask(target, unchanged.name, applied(target, index, -1));
    const run = async (index: number): Promise<void> =>
      note(await ask(target, unchanged.name, applied(target, index % count, -1)));
    return { run };
  },
};

const deleted = 200;
const deletes: Row = {
  name: "DELETE",
  inFlight: 8,
  minOperations: deleted,
  maxOperations: () => deleted,
  begin: async (target, _sizes, note) => {
    const { collection, create } = target.kind;
    const doomed = (index: number): string => `doomed-${index}`;
    for (let index = 0; index < deleted; index++)
      await ask(target, "CREATE", { method: "POST", path: collection, body: create(doomed(index), index) });
    let next = 0;
    const run = async (): Promise<void> =>
      note(await ask(target, deletes.name, { method: "DELETE", path: `${collection}/${doomed(next++)}` }));
    return { run };
  },
};

const resourceVersionIn = (text: string): string => /"resourceVersion":"(\d+)"/.exec(text)?.[1] ?? "0";

const errorEvent = Buffer.from('{"type":"ERROR"');

/** From the write on its way to each watcher's event. */
export const eventWork = "event";
export const eventRow = "one event to watchers, per delivery";
const events: Row = {
  name: eventRow,
  inFlight: 1,
  minOperations: 3,
  unitsOf: ({ watchers }) => watchers,
  begin: async (target, { watchers }, note) => {
    const { collection } = target.kind;
    const path = `${collection}/${nameOf(0)}`;
    // What the object says is as old as its last change, and that may be history that a server has forgotten.
    const now = await ask(target, pages.name, { method: "GET", path: `${collection}?limit=1` });
    const version = resourceVersionIn(now.body().toString());
    const query = `watch=true&fieldSelector=metadata.name%3D${nameOf(0)}&resourceVersion=${version}`;
    let [arrived, sent, left] = [0, 0, watchers];
    let everyone = Promise.withResolvers<void>();
    let failure: Error | undefined;
    const fail = (why: string): void => {
      failure ??= new Error(`${target.name}: ${why}`);
      everyone.resolve();
    };
    const latencies: number[] = [];
    const open = async (): Promise<IncomingMessage> => {
      const stream = await target.client.open(`${collection}?${query}`, { [workHeader]: eventWork });
      let parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => {
        parts.push(part);
        if (part.at(-1) !== 0x0a) return;
        const event = Buffer.concat(parts);
        parts = [];
        if (event.subarray(0, errorEvent.length).equals(errorEvent)) fail(`a watch ends with ${event}`);
        note({ status: 200, bytes: event.length, body: () => event });
        latencies.push(performance.now() - sent);
        if (++arrived === left) everyone.resolve();
      });
      // Servers end a watch whose reader is too slow for them.
      stream.on("close", () => {
        if (--left === 0) fail("all watches were ended");
        if (arrived === left) everyone.resolve();
      });
      return stream;
    };
    const streams = await Promise.all(Array.from({ length: watchers }, open));
    const run = async (index: number): Promise<void> => {
      arrived = 0;
      everyone = Promise.withResolvers();
      if (failure !== undefined) throw failure;
      sent = performance.now();
      const body = labelPatch("event", index);
      await Promise.all([ask(target, patch.name, { method: "PATCH", path, body, type: mergePatch }), everyone.promise]);
      if (failure !== undefined) throw failure;
    };
    const close = (): void => {
      for (const stream of streams) stream.destroy();
    };
    return { run, latencies: () => latencies, close };
  },
};

const initialQuery =
  "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&resourceVersion=";
const initialEnd = "k8s.io/initial-events-end";
/** Bytes at the end of a part in which the mark is looked for. */
const tailBytes = 2048;

const initial: Row = {
  name: "streaming initial lists, all at once",
  inFlight: 1,
  minOperations: 1,
  rounds: 1,
  begin: (target, { streams }, note) => {
    const readOne = async (): Promise<void> => {
      const stream = await target.client.open(`${target.kind.collection}?${initialQuery}`, {
        [workHeader]: initial.name,
      });
      const parts: Buffer[] = [];
      let [bytes, tail] = [0, ""];
      for await (const part of stream) {
        parts.push(part);
        bytes += part.length;
        tail = (tail + part.subarray(-tailBytes).toString("latin1")).slice(-tailBytes);
        if (tail.includes(initialEnd) && tail.endsWith("\n")) break;
      }
      stream.destroy();
      note({ status: 200, bytes, body: () => Buffer.concat(parts) });
    };
    return { run: async () => void (await Promise.all(Array.from({ length: streams }, readOne))) };
  },
};

/** The first, as it makes what the others read; how many it makes is told by who runs it. */
export const create = single("CREATE, 8 in flight", 8, 1, ({ kind }, index) => ({
  method: "POST",
  path: kind.collection,
  body: kind.create(nameOf(index), index),
}));

const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
const metadataOnly = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

export const rows: readonly Row[] = [
  create,
  list("LIST as JSON", ""),
  list("LIST, gzip", "", { gzip: true }),
  pages,
  { ...list("LIST, 1 % by label", "?labelSelector=shard%3D7"), minOperations: 5 },
  list("LIST as Table", "", { accept: table }),
  list("LIST, metadata only", "", { accept: metadataOnly }),
  http2("LIST over HTTP/2", 1, 1, () => ""),
  get(1),
  get(8),
  http2("GET over HTTP/2, 8 in flight", 8, 200, (index) => `/${nameOf(index)}`),
  put,
  patch,
  applyChanged,
  unchanged,
  deletes,
  events,
  initial,
];
