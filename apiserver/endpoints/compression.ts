import { createGzip, type Gzip } from "node:zlib";
import { systemClock } from "../machinery/clock.ts";
import { inTurn } from "../machinery/turns.ts";

/** Smaller answers are sent as they are: kube-apiserver's threshold (API N-43). */
export const minCompressedBytes = 128 * 1024;
/** Fastest: a list shrinks about tenfold already, and CPU is what a server runs out of first. */
const level = 1;
/** Input handed to zlib's thread at once; large enough that the hand-over costs little. */
const chunkBytes = 256 * 1024;

/** Whether an answer of so many bytes is compressed for this client. */
export function compressible(bytes: number, acceptEncoding: readonly string[] | undefined): boolean {
  return bytes >= minCompressedBytes && acceptsGzip(acceptEncoding);
}

/** `gzip` must be listed by name, and not with a weight of zero, which refuses it (RFC 9110 section 12.5.3). */
export function acceptsGzip(acceptEncoding: readonly string[] | undefined): boolean {
  if (acceptEncoding === undefined) return false;
  return acceptEncoding.some((value) =>
    value.split(",").some((token) => {
      const [coding = "", ...parameters] = token.split(";");
      return coding.trim() === "gzip" && !parameters.some(isZeroWeight);
    }),
  );
}

function isZeroWeight(parameter: string): boolean {
  const [name = "", weight = ""] = parameter.split("=", 2);
  return name.trim().toLowerCase() === "q" && weight.trim() !== "" && Number(weight) === 0;
}

/** Making one chunk takes no longer than this by much, in ms, whatever its parts are made from. */
const chunkMs = 2;

export type Joining = {
  readonly maxMs?: number;
  /** The last byte of them all is a chunk of its own: each chunk leaves its last byte to the next. */
  readonly lastAlone?: boolean;
  /** Memory to join so many bytes in. */
  readonly take?: (bytes: number) => Uint8Array;
};

/**
 * Joins parts into chunks of at least `size()` bytes, so that each costs one write; into smaller ones where they take
 * time to make.
 */
export function* joinParts(
  parts: Iterable<Uint8Array>,
  size: () => number,
  { maxMs = chunkMs, lastAlone = false, take = Buffer.allocUnsafeSlow }: Joining = {},
): Generator<Uint8Array> {
  let wanted = size();
  // Of what is there already the clock would be the dearest part.
  const isReady = Array.isArray(parts);
  let start = systemClock.elapsedMs();
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    pending.push(part);
    bytes += part.length;
    if (bytes < wanted && (isReady || systemClock.elapsedMs() - start < maxMs)) continue;
    const chunk = concat(pending, bytes, take);
    // A copy: whoever gets the chunk may use its memory anew.
    pending = lastAlone ? [Uint8Array.from(chunk.subarray(-1))] : [];
    bytes = lastAlone ? 1 : 0;
    yield lastAlone ? chunk.subarray(0, -1) : chunk;
    wanted = size();
    start = systemClock.elapsedMs();
  }
  if (bytes === 0) return;
  const rest = concat(pending, bytes, take);
  if (!lastAlone) return yield rest;
  const last = Uint8Array.from(rest.subarray(-1));
  if (bytes > 1) yield rest.subarray(0, -1);
  yield last;
}

function concat(parts: readonly Uint8Array[], bytes: number, take: (bytes: number) => Uint8Array): Uint8Array {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const joined = take(bytes);
  let end = 0;
  for (const part of parts) {
    joined.set(part, end);
    end += part.length;
  }
  return joined;
}

/** Until it takes more, or never will. */
function drained(gzip: Gzip): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      gzip.off("drain", done).off("close", done);
      resolve();
    };
    gzip.on("drain", done).on("close", done);
  });
}

/**
 * Compresses on zlib's threads, never on the event loop; input is taken only as fast as output is read.
 * @param whose  user in whose turns the parts are made
 */
export async function* gzipParts(parts: Iterable<Uint8Array>, whose: string): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level, chunkSize: chunkBytes });
  const feed = async (): Promise<void> => {
    const chunks = joinParts(parts, () => chunkBytes);
    for (;;) {
      const { done, value: chunk } = await inTurn(() => chunks.next(), whose);
      if (done === true) break;
      if (!gzip.write(chunk)) await drained(gzip);
      if (gzip.destroyed) return;
    }
    gzip.end();
  };
  const fed = feed();
  try {
    for await (const chunk of gzip) yield chunk;
    await fed;
  } finally {
    gzip.destroy();
  }
}
