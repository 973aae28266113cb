/** The frames of WebSocket (RFC 6455), as far as a server needs them that sends text and listens to nothing. */
import { createHash } from "node:crypto";

const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What the server answers to `Sec-WebSocket-Key`. */
export const acceptKey = (key: string): string =>
  createHash("sha1")
    .update(key + magic)
    .digest("base64");

const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;
const final = 0x80;
/** Longest payload of a control frame. */
const maxControlBytes = 125;

export const textFrame = (payload: Uint8Array): Buffer =>
  Buffer.concat([header(opcodes.text, payload.length), payload]);
export const pongFrame = (payload: Uint8Array): Buffer =>
  Buffer.concat([header(opcodes.pong, payload.length), payload]);

/** @param code  RFC 6455 section 7.4: 1000 normal, 1002 protocol error */
export function closeFrame(code: number): Buffer {
  const frame = Buffer.concat([header(opcodes.close, 2), Buffer.alloc(2)]);
  frame.writeUInt16BE(code, frame.length - 2);
  return frame;
}

function header(opcode: number, length: number): Buffer {
  if (length <= maxControlBytes) return Buffer.from([final | opcode, length]);
  const isShort = length < 65_536;
  const bytes = Buffer.alloc(isShort ? 4 : 10);
  bytes[0] = final | opcode;
  bytes[1] = isShort ? 126 : 127;
  if (isShort) bytes.writeUInt16BE(length, 2);
  else bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}

export type FrameHandler = {
  readonly ping: (payload: Uint8Array) => void;
  /** The client closes, or breaks the protocol: then with code 1002. */
  readonly close: (code: number) => void;
};

/** Reads what a client sends, however it is divided. Data is skipped as it comes: nothing is kept but control frames. */
export class FrameReader {
  readonly #handler: FrameHandler;
  #head = Buffer.alloc(0);
  #opcode = 0;
  #mask = Buffer.alloc(4);
  #left = 0n;
  #payload: number[] = [];
  #inFrame = false;
  #isClosed = false;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (!this.#isClosed && (rest.length > 0 || (this.#inFrame && this.#left === 0n))) {
      rest = this.#inFrame ? this.#readPayload(rest) : this.#readHead(rest);
    }
  }

  #readHead(chunk: Buffer): Buffer {
    const head = Buffer.concat([this.#head, chunk]);
    const [first = 0, second = 0] = head;
    const short = second & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const size = 2 + lengthBytes + 4;
    const opcode = first & 0x0f;
    const isControl = opcode >= opcodes.close;
    if (head.length >= 2 && ((second & 0x80) === 0 || (isControl && short > maxControlBytes))) {
      this.#close(1002);
      return Buffer.alloc(0);
    }
    if (head.length < size) {
      this.#head = head;
      return Buffer.alloc(0);
    }
    this.#opcode = opcode;
    this.#left = lengthBytes === 8 ? head.readBigUInt64BE(2) : BigInt(lengthBytes === 2 ? head.readUInt16BE(2) : short);
    this.#mask = head.subarray(size - 4, size);
    this.#payload = [];
    this.#head = Buffer.alloc(0);
    this.#inFrame = true;
    return head.subarray(size);
  }

  #readPayload(chunk: Buffer): Buffer {
    const taken = BigInt(chunk.length) < this.#left ? chunk.length : Number(this.#left);
    if (this.#opcode >= opcodes.close) {
      for (const byte of chunk.subarray(0, taken)) {
        this.#payload.push(byte ^ (this.#mask[this.#payload.length % 4] ?? 0));
      }
    }
    this.#left -= BigInt(taken);
    if (this.#left === 0n) {
      this.#inFrame = false;
      if (this.#opcode === opcodes.ping) this.#handler.ping(Buffer.from(this.#payload));
      else if (this.#opcode === opcodes.close) this.#close(1000);
    }
    return chunk.subarray(taken);
  }

  #close(code: number): void {
    this.#isClosed = true;
    this.#handler.close(code);
  }
}
