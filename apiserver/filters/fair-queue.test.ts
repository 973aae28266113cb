import assert from "node:assert/strict";
import { test } from "node:test";
import { FairQueue, type Release, WaitedTooLong } from "./fair-queue.ts";

const { signal } = new AbortController();
const queue = (places: number, share: number): FairQueue => new FairQueue({ places, share, maxWaitMs: 60_000 });
/** Long enough for all who may begin. */
async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Asks for places and notes who got one, in order; gives up when it is disposed of. */
class Asker implements Disposable {
  readonly entered: string[] = [];
  readonly #ending = new AbortController();
  readonly #queue: FairQueue;
  readonly #releases: Release[] = [];

  constructor(places: FairQueue) {
    this.#queue = places;
  }

  ask(user: string, times = 1): void {
    for (let i = 0; i < times; i++) {
      this.#queue.enter(user, this.#ending.signal).then(
        (release) => {
          this.entered.push(user);
          this.#releases.push(release);
        },
        () => undefined,
      );
    }
  }

  /** Gives back the place that was taken first. */
  async leave(): Promise<void> {
    this.#releases.shift()?.();
    await settled();
  }

  [Symbol.dispose](): void {
    this.#ending.abort();
  }
}

test("nobody waits while there are places, until their share is used up", async () => {
  using asker = new Asker(queue(10, 3));
  asker.ask("flood", 100);
  asker.ask("other", 2);
  await settled();
  assert.deepEqual(asker.entered, ["flood", "flood", "flood", "other", "other"]);
});

test("places that become free go to those who wait in turn, however many one of them waits for", async () => {
  using asker = new Asker(queue(2, 2));
  asker.ask("flood", 100);
  await settled();
  asker.ask("ann", 2);
  asker.ask("joe");
  for (let i = 0; i < 5; i++) await asker.leave();
  assert.deepEqual(asker.entered.slice(2), ["ann", "joe", "flood", "ann", "flood"]);
});

test("those who waited begin a few at a time", async () => {
  const places = queue(1000, 100);
  const releases: Release[] = [];
  for (let i = 0; i < 100; i++) {
    const release = places.tryEnter("flood");
    if (release !== undefined) releases.push(release);
  }
  using asker = new Asker(places);
  asker.ask("flood", 100);
  for (const release of releases) release();
  const begun: number[] = [];
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    begun.push(asker.entered.length);
  }
  assert.ok(
    begun.every((count, i) => count <= 4 * (i + 1)),
    String(begun),
  );
  assert.ok((begun.at(-1) ?? 0) > 0);
});

test("who has used up their share is passed over", async () => {
  using asker = new Asker(queue(3, 2));
  asker.ask("flood", 10);
  await settled();
  asker.ask("ann");
  await settled();
  assert.deepEqual(asker.entered, ["flood", "flood", "ann"]);
  await asker.leave();
  assert.deepEqual(asker.entered.at(-1), "flood");
});

test("a place given back twice is one place", async () => {
  const places = queue(1, 1);
  const release = places.tryEnter("ann");
  release?.();
  release?.();
  assert.equal(places.held, 0);
  assert.ok(places.tryEnter("ann"));
  assert.equal(places.tryEnter("joe"), undefined);
});

test("waiting ends when its time is up or nobody wants the place any more, and leaves nothing behind", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const places = new FairQueue({ places: 1, share: 1, maxWaitMs: 1000 });
  const release = places.tryEnter("ann");
  const late = assert.rejects(places.enter("joe", signal), WaitedTooLong);
  const leaving = new AbortController();
  const gone = assert.rejects(places.enter("joe", leaving.signal), /left/);
  leaving.abort(new Error("left"));
  t.mock.timers.tick(1000);
  await Promise.all([late, gone]);
  release?.();
  assert.equal(places.held, 0);
  assert.ok(places.tryEnter("joe"));
});
