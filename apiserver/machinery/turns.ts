/**
 * Turns on the event loop for work that is done in pieces: together they have it for some milliseconds at a time, then
 * whatever else is due comes first. There is one event loop, so there is one order of turns.
 */

/** Time in which pieces are made one after the other, in ms: far below what another client would notice. */
const sliceMs = 10;

const waiting: (() => void)[] = [];
let sliceStart: number | undefined;

/**
 * Makes one piece, at once or when it is its turn.
 * @param make  runs synchronously
 * @throws unknown  what `make` throws
 */
export function inTurn<T>(make: () => T): T | Promise<T> {
  if (sliceStart === undefined) {
    sliceStart = performance.now();
    setImmediate(nextSlice);
  }
  if (waiting.length === 0 && !isOver(sliceStart)) return make();
  return new Promise((resolve, reject) => {
    waiting.push(() => {
      try {
        resolve(make());
      } catch (error) {
        reject(error);
      }
    });
  });
}

const isOver = (start: number): boolean => performance.now() - start >= sliceMs;

/** The loop has come round. */
function nextSlice(): void {
  if (waiting.length === 0) {
    sliceStart = undefined;
    return;
  }
  const start = performance.now();
  sliceStart = start;
  setImmediate(nextSlice);
  while (waiting.length > 0 && !isOver(start)) waiting.shift()?.();
}
