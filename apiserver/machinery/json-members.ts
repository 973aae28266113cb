const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;

/**
 * The bytes of one top-level member's value, as a view into `json`: metadata is taken out of an encoded object
 * without decoding it or encoding it again.
 *
 * @param json  compact JSON of an object, as `EncodedObject.json` is
 * @param name  plain ASCII
 * @returns     `undefined` when there is no such member
 */
export function memberBytes(json: Uint8Array, name: string): Uint8Array | undefined {
  let at = 1;
  while (json[at] === quote) {
    const keyEnd = endOfString(json, at);
    const valueStart = keyEnd + 2;
    const valueEnd = endOfValue(json, valueStart);
    if (keyEnd - at - 1 === name.length && isName(json, at + 1, name)) return json.subarray(valueStart, valueEnd);
    at = valueEnd + 1;
  }
  return undefined;
}

function isName(json: Uint8Array, start: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (json[start + i] !== name.charCodeAt(i)) return false;
  return true;
}

/** Index of the closing quote. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}

/** Index just after the value that begins at `start`, in compact JSON. */
export function endOfValue(json: Uint8Array, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) {
      at = endOfString(json, at);
    } else if (byte === openBrace || byte === openBracket) {
      depth++;
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === 0) return at;
      depth--;
    } else if (byte === comma && depth === 0) {
      return at;
    }
  }
  return json.length;
}
