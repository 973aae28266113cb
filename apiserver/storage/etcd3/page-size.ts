import { limits } from "../../limits.ts";

/**
 * How many keys to ask etcd for at once: enough that the calls don't count, few enough that decoding an answer does
 * not keep the event loop from others.
 */
const targetPageBytes = 4 * 1024 * 1024;

const maxPageKeys = limits.maxReadKeys.value;

/** 3 MiB of ordinary objects, and not above 750 MiB of the largest. */
export const firstPageKeys = 500;

const minPageKeys = 10;

/** @param valueSizes bytes of the values of the page before, which tell how large the next will be */
export function nextPageKeys(valueSizes: readonly number[]): number {
  const total = valueSizes.reduce((sum, size) => sum + size, 0);
  const average = Math.max(1, total / Math.max(1, valueSizes.length));
  return Math.min(maxPageKeys, Math.max(minPageKeys, Math.floor(targetPageBytes / average)));
}
