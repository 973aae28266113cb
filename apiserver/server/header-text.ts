/** Node hands out the bytes of a header one character each. */
const beyondAscii = /[\x80-\xff]/;
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A header's value as text: UTF-8, as Go and every client of it read and write them. A byte that is none becomes U+FFFD,
 * by which those who take names from headers know that it must be refused.
 */
export function headerText(value: string): string {
  return beyondAscii.test(value) ? utf8.decode(Buffer.from(value, "latin1")) : value;
}
