/**
 * One gzip stream made of blocks that were compressed apart, each once for all the streams that it is a part of (RFC 1951, 1952).
 * Every client reads it, for it is one member: a deflate stream may be put together wherever its blocks end at a byte and look
 * back at nothing before them, and the check at its end is computed from theirs.
 */
import { constants, crc32, deflateRaw } from "node:zlib";

/** What was compressed, ready to be put between others. */
export type DeflatedBlock = {
  readonly bytes: Uint8Array;
  /** Of what it was made from. */
  readonly crc: number;
  readonly length: number;
  /** What `crc` of anything before it has to be multiplied with. */
  readonly shift: number;
};

/** Fastest: a list shrinks about tenfold already, and CPU is what a server runs out of first. */
const level = 1;

/** On zlib's threads, never on the event loop. */
export function deflateBlock(content: Uint8Array): Promise<DeflatedBlock> {
  return new Promise((resolve, reject) => {
    // Ends at a byte, and is not the last of its stream.
    deflateRaw(content, { level, finishFlush: constants.Z_SYNC_FLUSH }, (error, bytes) => {
      const { length } = content;
      if (error === null) resolve({ bytes: ownCopy(bytes), crc: crc32(content), length, shift: shiftOf(length) });
      else reject(error);
    });
  });
}

/** What zlib hands out may be the beginning of something larger, which would be kept with it. */
function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** No name, no time, fastest, unknown system. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255);
const maxStored = 0xffff;

/** Puts a stream together; each call returns what comes next in it. */
export class GzipStream {
  #crc = 0;
  #length = 0;

  begin(): Uint8Array {
    return header;
  }

  block({ bytes, crc, length, shift }: DeflatedBlock): Uint8Array {
    this.#crc = (multiply(shift, this.#crc) ^ crc) >>> 0;
    this.#length += length;
    return bytes;
  }

  /** A few bytes as they are. */
  plain(content: Uint8Array, isLast = false): Uint8Array {
    this.#crc = crc32(content, this.#crc);
    this.#length += content.length;
    const parts: Uint8Array[] = [];
    let at = 0;
    do {
      const piece = content.subarray(at, at + maxStored);
      at += piece.length;
      const head = Buffer.alloc(5);
      head.writeUInt8(isLast && at === content.length ? 1 : 0, 0);
      head.writeUInt16LE(piece.length, 1);
      head.writeUInt16LE(piece.length ^ 0xffff, 3);
      parts.push(head, piece);
    } while (at < content.length);
    return Buffer.concat(parts);
  }

  /** The last few bytes, and the check. */
  end(content: Uint8Array): Uint8Array {
    const last = this.plain(content, true);
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(this.#crc, 0);
    trailer.writeUInt32LE(this.#length % 2 ** 32, 4);
    return Buffer.concat([last, trailer]);
  }
}

/*
 * A check is the remainder of a polynomial over bits, the first bit the highest power. Bytes that follow multiply what came
 * before by a power of x, so the check of two parts is that of the first, multiplied, plus that of the second.
 */
const one = 0x8000_0000;
const polynomial = 0xedb8_8320;

function multiply(a: number, b: number): number {
  let product = 0;
  let term = b;
  for (let bit = one; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= term;
    term = (term & 1) === 0 ? term >>> 1 : (term >>> 1) ^ polynomial;
  }
  return product >>> 0;
}

/** x to the power of 8, 16, 32 …: of one byte, two, four … */
const powers: readonly number[] = (() => {
  const made = [0x0080_0000];
  for (let i = 1; i < 53; i++) made.push(multiply(made[i - 1] ?? one, made[i - 1] ?? one));
  return made;
})();

function shiftOf(bytes: number): number {
  let product = one;
  for (let rest = bytes, i = 0; rest > 0; rest = Math.floor(rest / 2), i++) {
    if (rest % 2 === 1) product = multiply(powers[i] ?? one, product);
  }
  return product;
}
