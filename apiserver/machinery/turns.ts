/**
 * Turns on the event loop for work that is done in pieces: together they have it for some milliseconds at a time, then
 * whatever else is due comes first. There is one event loop, so there is one order of turns.
 *
 * Pieces are fair by the time they take, as a processor's scheduler is: the next one is made for whoever had least so far.
 * And they rest for as long as they worked while a request of somebody else is under way: most answers take the loop
 * several times, for the disk is asked in between, and would otherwise wait for another piece each time.
 */

import { limits } from "../limits.ts";
import { systemClock } from "./clock.ts";

/**
 * Time in which pieces are made one after the other, in ms: far below what another client would notice. One piece that is
 * not light at a time is made while somebody else's request is under way.
 */
const sliceMs = 2;
/** What takes less is no piece of something larger but all there is to do: nobody rests for it. In ms. */
const lightMs = 1;

type Queue = {
  /** What this user's pieces took, in ms, on one scale with those of the others. */
  spentMs: number;
  readonly waiting: (() => void)[];
};

/** By user. One without pieces that wait is kept while it has had more than the others. */
const queues = new Map<string, Queue>();
let waitingCount = 0;
/** What whoever is served had had before: the beginning for those who come. */
let servedMs = 0;
/** Requests under way, by user. */
const present = new Map<string, number>();
/** When the loop last came round to something of ours. */
let roundStart: number | undefined;
/** In this round, on pieces that are not light, in ms. */
let workedMs = 0;
/** Until then no piece that waits is made, but for those of users who had little. */
let rest: NodeJS.Timeout | undefined;

/**
 * Makes one piece, at once or when it is its turn.
 * @param make   runs synchronously
 * @param whose  user whose work it is
 * @throws unknown  what `make` throws
 */
export function inTurn<T>(make: () => T, whose: string): T | Promise<T> {
  if (!mustWait(whose)) return atOnce(make, whose);
  return new Promise((resolve, reject) => {
    enqueue(whose, () => {
      try {
        resolve(make());
      } catch (error) {
        reject(error);
      }
    });
  });
}

/**
 * Waits for a turn where the loop has not come round for long, at once otherwise: for loops over what is answered from
 * memory, which nothing else would interrupt.
 */
export function giveWay(whose: string): Promise<void> | undefined {
  return mustWait(whose) ? new Promise((resolve) => enqueue(whose, resolve)) : undefined;
}

/** A request of this user is under way, until the result is called. */
export function attend(user: string): () => void {
  present.set(user, (present.get(user) ?? 0) + 1);
  return () => {
    const left = (present.get(user) ?? 1) - 1;
    if (left === 0) present.delete(user);
    else present.set(user, left);
  };
}

/** Whoever has had no more than the others is not kept waiting by them, for up to another slice of all such users together. */
function mustWait(whose: string): boolean {
  const elapsedMs = systemClock.elapsedMs() - round();
  return hasHadMore(whose) ? waitingCount > 0 || elapsedMs >= sliceMs : elapsedMs >= 2 * sliceMs;
}

/** @returns when it began */
function round(): number {
  if (roundStart === undefined) {
    roundStart = systemClock.elapsedMs();
    setImmediate(endRound);
  }
  return roundStart;
}

/** By more than what is light: a request goes on several times, and would otherwise wait for a round each time. */
function hasHadMore(whose: string): boolean {
  const queue = queues.get(whose);
  return queue !== undefined && (queue.waiting.length > 0 || queue.spentMs >= servedMs + lightMs);
}

function atOnce<T>(make: () => T, whose: string): T {
  const start = systemClock.elapsedMs();
  try {
    return make();
  } finally {
    charge(queueOf(whose), systemClock.elapsedMs() - start);
  }
}

function charge(queue: Queue, ms: number): void {
  queue.spentMs += ms;
  if (ms >= lightMs) workedMs += ms;
}

function queueOf(whose: string): Queue {
  let queue = queues.get(whose);
  if (queue === undefined) {
    queue = { spentMs: servedMs, waiting: [] };
    queues.set(whose, queue);
  }
  return queue;
}

function enqueue(whose: string, piece: () => void): void {
  queueOf(whose).waiting.push(piece);
  waitingCount++;
}

/** The loop has come round, and what had arrived meanwhile was read: whoever sent it is present. */
function endRound(): void {
  roundStart = undefined;
  const restMs = workedMs;
  workedMs = 0;
  if (waitingCount === 0) queues.clear();
  else if (rest === undefined && restMs > 0 && othersArePresent()) rest = setTimeout(makeNext, restMs);
  else if (rest === undefined || (leastServed()?.spentMs ?? servedMs) < servedMs + lightMs) makeNext();
}

/** Makes the piece whose turn it is, and then others for as long as the slice lasts. */
function makeNext(): void {
  clearTimeout(rest);
  rest = undefined;
  const slice = round();
  const queue = leastServed();
  const piece = queue?.waiting.shift();
  if (queue === undefined || piece === undefined) return;
  waitingCount--;
  servedMs = queue.spentMs;
  const start = systemClock.elapsedMs();
  piece();
  afterMicrotasks(() => {
    const now = systemClock.elapsedMs();
    charge(queue, now - start);
    const mayGoOn = now - start < lightMs || !othersArePresent();
    if (waitingCount > 0 && now - slice < sliceMs && mayGoOn) makeNext();
  });
}

/** When all is done that follows at once from what is done now: most of a piece may, behind an `await` of its result. */
const afterMicrotasks = (then: () => void): void => queueMicrotask(() => process.nextTick(then));

/** Few wait at once: a queue per user. */
function leastServed(): Queue | undefined {
  let least: Queue | undefined;
  for (const [whose, queue] of queues) {
    if (queue.waiting.length === 0) {
      if (queue.spentMs <= servedMs) queues.delete(whose);
    } else if (least === undefined || queue.spentMs < least.spentMs) least = queue;
  }
  return least;
}

/** Somebody none of whose pieces wait. */
function othersArePresent(): boolean {
  for (const user of present.keys()) if ((queues.get(user)?.waiting.length ?? 0) === 0) return true;
  return false;
}

/** Work in steps: whoever runs it may let others have their turn wherever it yields. */
export type Steps<T> = Generator<void, T>;

/** All of it at once, for what is known to be small. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Of a request with this body. */
export const paceOf = (
  { user }: { readonly user: { readonly name: string } },
  { bytes }: { readonly bytes: Uint8Array },
) => new Pace(user.name, bytes.length > limits.maxBytesAtOnce.value);

/** The pieces of one request: they follow each other at once as long as it is small, and take turns from when it is not. */
export class Pace {
  readonly #whose: string;
  #isLarge: boolean;

  /** @param whose  user who asks */
  constructor(whose: string, isLarge: boolean) {
    this.#whose = whose;
    this.#isLarge = isLarge;
  }

  slowDown(): void {
    this.#isLarge = true;
  }

  /** @param make  runs synchronously, or as far as it does. @throws unknown  what it throws */
  run<T>(make: () => T): T | Promise<T> {
    if (this.#isLarge) return inTurn(make, this.#whose);
    const start = systemClock.elapsedMs();
    try {
      return make();
    } finally {
      if (systemClock.elapsedMs() - start > limits.maxTurnMs.value) this.#isLarge = true;
    }
  }

  async runSteps<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const next = this.run(() => steps.next());
      const step = next instanceof Promise ? await next : next;
      if (step.done === true) return step.value;
    }
  }
}
