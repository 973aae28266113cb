/** Letters and digits that can't spell anything, as `k8s.io/apimachinery/pkg/util/rand` has them. */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** A short suffix for names that depends on `text` only. */
export const hashName = (text: string): string =>
  [...String(hashOf(text))].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join("");
