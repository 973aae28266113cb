import type { FileHandle } from "node:fs/promises";
import { maxValueBytes } from "../interface.ts";

const readBytes = 1024 * 1024;
const newline = 0x0a;

export type Line = {
  /** Without the newline. */
  readonly text: Uint8Array;
  /** Where it begins in the file. */
  readonly offset: number;
};

/** More than an entry has: six characters for a byte of the largest value, and a key. */
const mostLineBytes = 6 * maxValueBytes + 64 * 1024;

/**
 * The whole lines of a file, in order, with bounded memory; what follows the last newline is left out.
 * @throws Error for a line that is longer than any
 */
export async function* linesOf(file: FileHandle): AsyncGenerator<Line, undefined> {
  let rest: Uint8Array = new Uint8Array(0);
  let offset = 0;
  for (;;) {
    const buffer = new Uint8Array(readBytes);
    const { bytesRead } = await file.read(buffer, 0, readBytes, offset + rest.byteLength);
    if (bytesRead === 0) return;
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      yield { text: bytes.subarray(start, end), offset: offset + start };
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.byteLength > mostLineBytes)
      throw new Error("the file is no backup: it has a line that is longer than any of one");
    offset += start;
  }
}
