/**
 * What a power loss may leave of the embedded store: its files as they were at some moment, the log cut anywhere behind
 * what was acknowledged, or with rubbish there; and a file that has reached its bound.
 */
import {
  closeSync,
  copyFileSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openEmbedded } from "../../apiserver/storage/embedded/embedded-store.ts";
import { makeDirectories } from "../../apiserver/storage/embedded/make-directories.ts";
import { random } from "../support/random.ts";
import { Follower, Ledger } from "./chain.ts";
import { followStore, stateOf, writeToStore } from "./store-clients.ts";

export type DiskOptions = { readonly seed: number; readonly losses: number; readonly fills: number };

const wal = "store.db-wal";
const walHeaderBytes = 32;
const frameBytes = 24 + 4096;

/** How far the log is in use, by its format: frames that bear the salt of its header; what is behind them is of before. */
type Extent = { readonly salt: string; readonly end: number };

function extentOf(file: string): Extent {
  const bytes = readFileSync(file);
  const salt = bytes.toString("hex", 16, 24);
  let end = walHeaderBytes;
  while (bytes.length >= end + frameBytes && bytes.toString("hex", end + 8, end + 16) === salt) end += frameBytes;
  return { salt, end };
}

export async function disk({ seed, losses, fills }: DiskOptions) {
  const root = mkdtempSync(join(tmpdir(), "functionmesh-faults-"));
  try {
    const torn = await powerLosses(root, random(seed), losses);
    const full = await fullDisks(root, random(seed + 1), fills);
    return {
      seed,
      ...torn.figures,
      ...full.figures,
      lost: [...torn.lost, ...full.lost],
      problems: full.problems,
    };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function powerLosses(root: string, chance: () => number, losses: number) {
  const lost: string[] = [];
  let directory = join(root, "first");
  const ledger = new Ledger();
  let torn = 0;
  let tornBytes = 0;
  for (let loss = 0; loss < losses; loss++) {
    const store = await openEmbedded({ directory });
    lost.push(...ledger.lost(await stateOf(store)));
    const stopping = new AbortController();
    const writing = [0, 1, 2, 3].map((writer) =>
      writeToStore(store, String(writer), ledger, { chance, signal: stopping.signal, bytes: 3000 }),
    );
    await pause(50 + chance() * 200);
    stopping.abort();
    await Promise.all(writing);
    const next = join(root, `after-${loss}`);
    makeDirectories(next);
    // Where the store says that it stands, before what is lost.
    copyFileSync(join(directory, "store.mark"), join(next, "store.mark"));
    const kept = extentOf(join(directory, wal));
    const table = join(directory, "store.db");
    const { mtimeMs } = statSync(table);
    // In flight when the power goes: unacknowledged, in the file wholly, in part, or not at all.
    const inFlight = Array.from({ length: 8 }, (_, i) =>
      store.create(`/registry/in-flight/${loss}-${i}`, new Uint8Array(9000)),
    );
    await Promise.all(inFlight);
    for (const file of ["store.db", wal]) copyFileSync(join(directory, file), join(next, file));
    const isStill = statSync(table).mtimeMs === mtimeMs;
    await store[Symbol.asyncDispose]();
    // What is copied into the table was on the disk before: no power loss takes it from the log.
    if (!isStill) {
      rmSync(next, { recursive: true });
      continue;
    }
    torn++;
    tornBytes += tear(join(next, wal), kept, chance);
    rmSync(directory, { recursive: true });
    directory = next;
  }
  const last = await openEmbedded({ directory });
  lost.push(...ledger.lost(await stateOf(last)));
  await last[Symbol.asyncDispose]();
  return { lost, figures: { powerLosses: torn, tornBytes, acknowledged: ledger.acknowledged.length } };
}

/** Cuts the log somewhere behind `kept`, or writes rubbish there; returns how much is gone. */
function tear(file: string, kept: Extent, chance: () => number): number {
  const { salt, end } = extentOf(file);
  // A log that began anew meanwhile has nothing of before: that is in the table.
  const from = salt === kept.salt ? kept.end : walHeaderBytes;
  const at = from + Math.floor(chance() * (end - from));
  const handle = openSync(file, "r+");
  try {
    if (chance() < 0.5) ftruncateSync(handle, at);
    else writeSync(handle, Buffer.from(Array.from({ length: 512 }, () => Math.floor(chance() * 256))), 0, 512, at);
  } finally {
    closeSync(handle);
  }
  return end - at;
}

async function fullDisks(root: string, chance: () => number, fills: number) {
  const lost: string[] = [];
  const problems: string[] = [];
  let refused = 0;
  let events = 0;
  for (let fill = 0; fill < fills; fill++) {
    const directory = join(root, `full-${fill}`);
    const maxBytes = Math.floor((2 + chance() * 4) * 1024 * 1024);
    const ledger = new Ledger();
    const open = () => openEmbedded({ directory, maxBytes });
    let store = await open();
    const ending = new AbortController();
    const follower = new Follower(`full ${fill}`, await store.currentRevision());
    const following = followStore(store, follower, ending.signal);
    const stopping = new AbortController();
    const options = { chance, signal: stopping.signal, bytes: 100_000, deletes: 0.2 };
    const writing = [0, 1, 2, 3].map((writer) => writeToStore(store, String(writer), ledger, options));
    await pause(400);
    stopping.abort();
    await Promise.all(writing);
    const state = await stateOf(store);
    while (follower.last < (await store.currentRevision())) await pause(10);
    ending.abort();
    await following;
    lost.push(...ledger.lost(state));
    problems.push(...follower.problems, ...ledger.untold(follower));
    await store[Symbol.asyncDispose]();
    store = await open();
    lost.push(...ledger.lost(await stateOf(store)));
    await store[Symbol.asyncDispose]();
    refused += ledger.unknown;
    events += follower.events;
  }
  return { lost, problems, figures: { fullDisks: fills, refusedOrUnknown: refused, events } };
}
