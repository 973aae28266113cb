/** Writes DER (ITU-T X.690): just enough for certificates. Reading is node:crypto's. */

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
  /** Context-specific ones add their number. */
  contextPrimitive: 0x80,
  contextConstructed: 0xa0,
} as const;

export function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits = length.toString(16);
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, "hex");
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...parts: readonly Buffer[]): Buffer => der(tags.sequence, ...parts);
export const octetString = (content: Buffer): Buffer => der(tags.octetString, content);
export const bitString = (content: Buffer, unusedBits = 0): Buffer =>
  der(tags.bitString, Buffer.from([unusedBits]), content);
/** Context-specific, constructed. */
export const tagged = (number: number, content: Buffer): Buffer => der(tags.contextConstructed + number, content);
export const truth = der(tags.boolean, Buffer.from([0xff]));

/** @param bytes big-endian, not negative */
export function integer(bytes: Buffer): Buffer {
  const [first = 0] = bytes;
  return der(tags.integer, first >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return der(tags.objectIdentifier, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

/** Years up to 2049 have the short form, as RFC 5280 demands. */
export function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, "");
  const short = date.getUTCFullYear() < 2050;
  return der(short ? tags.utcTime : tags.generalizedTime, Buffer.from(`${short ? digits.slice(2) : digits}Z`));
}

/** A certificate in its text form. */
export function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
