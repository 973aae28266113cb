import { Buffer } from "node:buffer";

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;
const space = 0x20;
const lineFeed = 0x0a;

/** Size of a piece: more than the deepest line's indentation (API N-17), little enough to be made in no time. */
const pieceBytes = 64 * 1024;

/**
 * JSON re-indented by two spaces, as Go's encoder prints it, in pieces of at most 64 KiB that are made when they are
 * asked for: indentation may be a thousand times what it indents. The text is moved, not parsed, so numbers stay as
 * they are written.
 *
 * @param parts  valid compact JSON, divided anywhere
 */
export function* indentJson(parts: Iterable<Uint8Array>): Generator<Uint8Array> {
  let piece = Buffer.allocUnsafe(pieceBytes);
  let at = 0;
  let depth = 0;
  let inString = false;
  let isEscaped = false;
  /** Behind `{` or `[`: what comes next decides whether a line begins. */
  let isOpen = false;
  const newLine = (): void => {
    piece[at++] = lineFeed;
    const end = at + 2 * depth;
    piece.fill(space, at, end);
    at = end;
  };
  for (const part of parts) {
    for (const byte of part) {
      if (pieceBytes - at < 2 * depth + 8) {
        yield piece.subarray(0, at);
        piece = Buffer.allocUnsafe(pieceBytes);
        at = 0;
      }
      if (inString) {
        if (isEscaped) isEscaped = false;
        else if (byte === backslash) isEscaped = true;
        else if (byte === quote) inString = false;
        piece[at++] = byte;
        continue;
      }
      const closes = byte === closeBrace || byte === closeBracket;
      if (closes) depth--;
      if (closes !== isOpen) newLine();
      isOpen = byte === openBrace || byte === openBracket;
      if (isOpen) depth++;
      else if (byte === quote) inString = true;
      piece[at++] = byte;
      if (byte === comma) newLine();
      else if (byte === colon) piece[at++] = space;
    }
  }
  if (at > 0) yield piece.subarray(0, at);
}
