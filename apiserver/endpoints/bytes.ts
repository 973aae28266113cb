const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
/** Text of bytes that are UTF-8 because this server wrote them. */
export const textOf = (parts: readonly Uint8Array[]): string => decoder.decode(Buffer.concat(parts));
export const newline = utf8("\n");
export const comma = utf8(",");
