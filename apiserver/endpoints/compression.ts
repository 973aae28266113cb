import { createGzip } from "node:zlib";

/** Smaller answers are sent as they are: kube-apiserver's threshold (API N-43). */
const minCompressedBytes = 128 * 1024;
/** Fastest: a list shrinks about tenfold already, and CPU is what a server runs out of first. */
const level = 1;
/** Input handed to zlib's thread at once; large enough that the hand-over costs little. */
const chunkBytes = 256 * 1024;

/** `gzip` must be listed by name; weights are not looked at, as upstream doesn't. */
export function compressible(bytes: number, acceptEncoding: readonly string[] | undefined): boolean {
  if (bytes < minCompressedBytes || acceptEncoding === undefined) return false;
  return acceptEncoding.some((value) => value.split(",").some((token) => token.trim().split(";")[0] === "gzip"));
}

/** Joins parts into chunks of at least `size` bytes, except the last, so that each costs one write. */
export function* joinParts(parts: Iterable<Uint8Array>, size: number): Generator<Uint8Array> {
  let pending: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    pending.push(part);
    bytes += part.length;
    if (bytes < size) continue;
    yield concat(pending, bytes);
    pending = [];
    bytes = 0;
  }
  if (bytes > 0) yield concat(pending, bytes);
}

function concat(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts, bytes);
}

/** Compresses on zlib's threads, never on the event loop; input is taken only as fast as output is read. */
export async function* gzipParts(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level, chunkSize: chunkBytes });
  const feed = async (): Promise<void> => {
    for (const chunk of joinParts(parts, chunkBytes)) {
      if (!gzip.write(chunk)) await new Promise<void>((resolve) => gzip.once("drain", resolve).once("close", resolve));
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
