/** The Huffman code of HTTP/2's headers (RFC 7541, section 5.2 and appendix B), for values that Node does not read. */

/**
 * Bits of the code of each byte, then of the end of the string. Codes of one length ascend with their bytes, and shorter ones come
 * first, so that nothing else of the table need be known.
 */
const lengths: readonly number[] = [
  "13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28",
  "6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10",
  "13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6",
  "15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28",
  "20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24",
  "22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23",
  "26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27",
  "20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26",
  "30",
].flatMap((row) => row.split(" ").map(Number));

const endOfString = 256;
const longest = 30;

/** Of each length: the first code, one behind the last, and where its bytes begin in `inOrder`. */
type Codes = { readonly first: number; readonly end: number; readonly index: number };
const inOrder = lengths.map((_, byte) => byte).sort((a, b) => (lengths[a] ?? 0) - (lengths[b] ?? 0) || a - b);
const codes: readonly Codes[] = codesByLength();

function codesByLength(): Codes[] {
  const table: Codes[] = [];
  let [code, index] = [0, 0];
  for (let length = 0; length <= longest; length++) {
    const count = lengths.filter((each) => each === length).length;
    table.push({ first: code, end: code + count, index });
    code = (code + count) * 2;
    index += count;
  }
  return table;
}

/** By the next eight bits: the byte whose code they begin with, and 256 times its length; 0 where that is longer. */
const shortCodes = Uint16Array.from({ length: 256 }, (_, next) => {
  for (let length = 1; length <= 8; length++) {
    const symbol = symbolOf(next >> (8 - length), length);
    if (symbol !== undefined) return length * 256 + symbol;
  }
  return 0;
});

function symbolOf(code: number, length: number): number | undefined {
  const known = codes[length];
  return known === undefined || code >= known.end ? undefined : inOrder[known.index + code - known.first];
}

/** Linear in `coded`. `undefined`: it is no such code. */
export function decodeHuffman(coded: Uint8Array): Buffer | undefined {
  // No code is shorter than five bits.
  const decoded = Buffer.allocUnsafe(Math.ceil((coded.length * 8) / 5));
  let [written, read] = [0, 0];
  /** `ready` bits of what was read and is not decoded, the last of `bits`. */
  let [bits, ready] = [0, 0];
  /** What is known of a code that is longer than eight bits, or the last. */
  let [code, length] = [0, 0];
  for (;;) {
    if (ready < 8 && read < coded.length) {
      bits = ((bits << 8) | (coded[read++] ?? 0)) & 0xffff;
      ready += 8;
    }
    const short = length === 0 && ready >= 8 ? (shortCodes[(bits >> (ready - 8)) & 0xff] ?? 0) : 0;
    if (short > 0) {
      decoded[written++] = short & 0xff;
      ready -= short >> 8;
      continue;
    }
    // What is left at the end is the beginning of the end of the string.
    if (ready === 0) return length < 8 && code === 2 ** length - 1 ? decoded.subarray(0, written) : undefined;
    ready--;
    code = code * 2 + ((bits >> ready) & 1);
    if (++length > longest) return undefined;
    const symbol = symbolOf(code, length);
    if (symbol === endOfString) return undefined;
    if (symbol === undefined) continue;
    decoded[written++] = symbol;
    [code, length] = [0, 0];
  }
}
