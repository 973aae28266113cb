/**
 * Turns on the event loop for work that is done in pieces: together they have it for some milliseconds at a time, then
 * whatever else is due comes first. There is one event loop, so there is one order of turns.
 */

/** Time in which pieces are made one after the other, in ms: far below what another client would notice. */
const sliceMs = 10;

const waiting: (() => void)[] = [];
let sliceStart: number | undefined;

/** `undefined`: go on at once; otherwise when the promise resolves. To be asked before each piece. */
export function turn(): Promise<void> | undefined {
  if (sliceStart === undefined) {
    sliceStart = performance.now();
    setImmediate(endSlice);
    return undefined;
  }
  if (waiting.length === 0 && performance.now() - sliceStart < sliceMs) return undefined;
  return new Promise((resolve) => waiting.push(resolve));
}

/** One of those who wait has its turn, the next one when the loop has come round again. */
function endSlice(): void {
  const next = waiting.shift();
  sliceStart = next === undefined ? undefined : performance.now();
  if (next === undefined) return;
  setImmediate(endSlice);
  next();
}
