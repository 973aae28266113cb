/** Names of users, groups and extras where they come out of headers (API ). */

/** What decoders put in place of bytes that are no UTF-8. */
const undecodable = "\ufffd";

/**
 * Whether a name was sent as UTF-8. Two that were not may look alike once they are decoded, so neither may be anybody:
 * the request is refused.
 */
export const isIdentityText = (text: string): boolean => !text.includes(undecodable);

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Key of an extra from the rest of a header's name: in lower case, then percent-decoded; with an escape that is none it is
 * taken as it is (API A-03). Escapes of bytes that are no UTF-8 give a key that `isIdentityText` refuses.
 */
export function extraKey(encoded: string): string {
  const lower = encoded.toLowerCase();
  if (!lower.includes("%")) return lower;
  if (/%(?![0-9a-f]{2})/.test(lower)) return lower;
  const bytes = lower.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return utf8.decode(Buffer.from(bytes, "latin1"));
}
