/**
 * Long headers on a connection of HTTP/2, which may be as long as those of HTTP/1.1 (API N-42). Node's reader of HTTP/2 ends the
 * connection, with the requests of everybody on it, over a name or value of more than 64 KiB, and over headers in many frames. So
 * it is handed others in their place, in one frame, and whoever serves the request asks here for the values.
 *
 * Invariant: what is not long passes as it came, and what is no valid frame or header: Node judges it.
 * Invariant: the state of the compression (RFC 7541) is Node's, and stays what the client takes it for: neither a long entry nor
 * what stands for it has room in its table, so that either empties it.
 */
import { randomBytes } from "node:crypto";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { limits } from "../limits.ts";
import { decodeHuffman } from "./hpack-huffman.ts";

/** Names and values up to this length are left to Node, in bytes as they are sent; its own bound is 64 KiB. */
const maxPlainBytes = 32 * 1024;
/** More than the table of the compression holds: the default of SETTINGS_HEADER_TABLE_SIZE is 4,096. */
const standInBytes = 5_000;
/** Requests whose values nobody has asked for yet; one read brings two at most. */
const maxKept = 16;
/** Frames with the headers of one request: as many as the longest take of the size that every server accepts. */
const maxFrames = Math.ceil(limits.maxHeaderBytes.value / (16 * 1024)) + 1;

const prefaceBytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".length;
const frameHeaderBytes = 9;
const types = { headers: 1, continuation: 9 };
const flags = { endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 };

/** Values of a request by what stands for them. */
export type LongValues = ReadonlyMap<string, string>;
const none: LongValues = new Map();

/** Reads what a client sends, and says what Node is handed instead. */
export class LongHeaders {
  readonly #secret = randomBytes(16).toString("hex");
  #standIns = 0;
  /** By stream, in the order in which they came. */
  readonly #values = new Map<number, LongValues>();
  /** Bytes to come that pass as they are: the preface, then the rest of a frame. */
  #passing = prefaceBytes;
  /** The beginning of a frame that is to be looked at, until there are `#wanted` bytes of it: its header, then all. */
  #begun: Buffer[] = [];
  #begunBytes = 0;
  #wanted = frameHeaderBytes;
  /** Whole frames with headers of one request, of which there is more to come. */
  #frames: Buffer[] = [];
  #framesBytes = 0;

  /** Values of the request on a stream, once; those of requests before it that were never served are forgotten. */
  take(stream: number): LongValues {
    if (this.#values.size === 0) return none;
    const values = this.#values.get(stream) ?? none;
    for (const each of this.#values.keys()) if (each <= stream) this.#values.delete(each);
    return values;
  }

  /** What Node is to be handed now that this has come. */
  pass(chunk: Buffer): readonly Buffer[] {
    const handed: Buffer[] = [];
    let [from, at] = [0, 0];
    while (at < chunk.length) {
      if (this.#passing === 0 && this.#isPlain(chunk, at)) this.#passing = frameHeaderBytes + lengthOf(chunk, at);
      if (this.#passing > 0) {
        const bytes = Math.min(this.#passing, chunk.length - at);
        this.#passing -= bytes;
        at += bytes;
        continue;
      }
      if (at > from) handed.push(chunk.subarray(from, at));
      const bytes = Math.min(this.#wanted - this.#begunBytes, chunk.length - at);
      this.#begun.push(chunk.subarray(at, at + bytes));
      this.#begunBytes += bytes;
      at += bytes;
      from = at;
      if (this.#begunBytes === this.#wanted) handed.push(...this.#advance());
    }
    if (at > from) handed.push(chunk.subarray(from, at));
    return handed;
  }

  /** Whether the frame that begins here can be seen to hold no long header. */
  #isPlain(chunk: Buffer, at: number): boolean {
    const isStart = this.#begunBytes === 0 && this.#frames.length === 0;
    return isStart && chunk.length - at >= frameHeaderBytes && !mayBeLong(chunk, at);
  }

  /** The bytes that were wanted are there. */
  #advance(): readonly Buffer[] {
    const frame = joined(this.#begun);
    this.#begun = [frame];
    const wanted = frameHeaderBytes + lengthOf(frame);
    if (frame.length < wanted) {
      if (!this.#goesOn(frame)) return this.#release([...this.#frames, frame], wanted - frame.length);
      this.#wanted = wanted;
      return [];
    }
    const frames = [...this.#frames, frame];
    if ((flagsOf(frame) & flags.endHeaders) !== 0) return this.#release(this.#shortened(frames), 0);
    this.#frames = frames;
    this.#framesBytes += frame.length;
    this.#want(frameHeaderBytes);
    return [];
  }

  /** Whether this frame, whose header has come, is one to look at. */
  #goesOn(header: Buffer): boolean {
    const bytes = this.#framesBytes + lengthOf(header);
    if (bytes > limits.maxHeaderBytes.value || this.#frames.length >= maxFrames) return false;
    return this.#frames.length === 0 ? mayBeLong(header, 0) : header[3] === types.continuation;
  }

  #release(handed: readonly Buffer[], passing: number): readonly Buffer[] {
    this.#frames = [];
    this.#framesBytes = 0;
    this.#passing = passing;
    this.#want(frameHeaderBytes);
    return handed;
  }

  #want(bytes: number): void {
    this.#begun = [];
    this.#begunBytes = 0;
    this.#wanted = bytes;
  }

  /** One frame for all of a request's headers. */
  #shortened(frames: readonly Buffer[]): readonly Buffer[] {
    const [first] = frames;
    if (first === undefined) return frames;
    const values = new Map<string, string>();
    const parts = partsOf(frames);
    const block =
      parts === undefined ? undefined : shortened(joined(parts.fragments), (value) => this.#standIn(value, values));
    if (parts === undefined || block === undefined) return frames;
    if (values.size > 0) this.#keep(first.readUInt32BE(5) & 0x7fffffff, values);
    const payload = [parts.priority, ...block];
    const header = Buffer.from(first.subarray(0, frameHeaderBytes));
    header.writeUIntBE(
      payload.reduce((sum, { length }) => sum + length, 0),
      0,
      3,
    );
    header[4] = (flagsOf(first) & (flags.endStream | flags.priority)) | flags.endHeaders;
    return [Buffer.concat([header, ...payload])];
  }

  #standIn(value: string, values: Map<string, string>): string {
    const standIn = `/${this.#secret}-${this.#standIns++}-`.padEnd(standInBytes, "a");
    values.set(standIn, value);
    return standIn;
  }

  #keep(stream: number, values: LongValues): void {
    this.#values.set(stream, values);
    const [oldest] = this.#values.keys();
    if (this.#values.size > maxKept && oldest !== undefined) this.#values.delete(oldest);
  }
}

const lengthOf = (frame: Buffer, at = 0): number => frame.readUIntBE(at, 3);
const flagsOf = (frame: Buffer): number => frame[4] ?? 0;
const joined = (parts: readonly Buffer[]): Buffer => {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
};

/** Whether the frame that begins here has headers that are long, or that go on in another frame. */
function mayBeLong(bytes: Buffer, at: number): boolean {
  if (bytes[at + 3] !== types.headers) return false;
  return lengthOf(bytes, at) > maxPlainBytes || ((bytes[at + 4] ?? 0) & flags.endHeaders) === 0;
}

/** What the frames of a request's headers hold; padding is left out. `undefined`: it is more than they are long. */
function partsOf(frames: readonly Buffer[]): { priority: Buffer; fragments: readonly Buffer[] } | undefined {
  let priority: Buffer = Buffer.alloc(0);
  const fragments: Buffer[] = [];
  for (const frame of frames) {
    const isFirst = fragments.length === 0;
    const isPadded = isFirst && (flagsOf(frame) & flags.padded) !== 0;
    const begin = frameHeaderBytes + (isPadded ? 1 : 0);
    const fragment = begin + (isFirst && (flagsOf(frame) & flags.priority) !== 0 ? 5 : 0);
    const end = frame.length - (isPadded ? (frame[frameHeaderBytes] ?? 0) : 0);
    if (fragment > end) return undefined;
    if (isFirst) priority = frame.subarray(begin, fragment);
    fragments.push(frame.subarray(fragment, end));
  }
  return { priority, fragments };
}

/**
 * A block of headers (RFC 7541, section 6) with others for its long names and values.
 * @returns its pieces; `undefined`: it is no such block, or has more headers than a request may
 */
function shortened(block: Buffer, standInFor: (value: string) => string): readonly Buffer[] | undefined {
  const pieces: Buffer[] = [];
  let [from, at] = [0, 0];
  const skipText = (isName: boolean): boolean => {
    const text = textAt(block, at);
    if (text === undefined) return false;
    if (text.end - text.begin > maxPlainBytes) {
      const value = textOf(block.subarray(text.begin, text.end), text.isCoded);
      if (value === undefined) return false;
      pieces.push(block.subarray(from, at), literal(isName ? nameOfLong : standInFor(value)));
      from = text.end;
    }
    at = text.end;
    return true;
  };
  for (let headers = 0; at < block.length; headers++) {
    if (headers > limits.maxHeaders.value) return undefined;
    const kind = kindOf(block[at] ?? 0);
    const index = integerAt(block, at, kind.prefixBits);
    if (index === undefined) return undefined;
    at = index.end;
    if (!kind.hasText) continue;
    if (index.value === 0 && !skipText(true)) return undefined;
    if (!skipText(false)) return undefined;
  }
  pieces.push(block.subarray(from));
  return pieces;
}

/** Nobody knows a header whose name is so long. */
const nameOfLong = "x-".padEnd(standInBytes, "a");

/** `undefined`: it has bytes that no header may have. */
function textOf(bytes: Buffer, isCoded: boolean): string | undefined {
  const decoded = isCoded ? decodeHuffman(bytes) : bytes;
  if (decoded === undefined) return undefined;
  for (const byte of decoded) if ((byte < 0x20 && byte !== 0x09) || byte === 0x7f) return undefined;
  return decoded.toString("latin1");
}

function kindOf(first: number): { readonly prefixBits: number; readonly hasText: boolean } {
  if (first >= 0x80) return { prefixBits: 7, hasText: false };
  if (first >= 0x40) return { prefixBits: 6, hasText: true };
  if (first >= 0x20) return { prefixBits: 5, hasText: false };
  return { prefixBits: 4, hasText: true };
}

type Integer = { readonly value: number; readonly end: number };

/** RFC 7541, section 5.1. `undefined`: it does not end, or is larger than anything here. */
function integerAt(block: Buffer, at: number, prefixBits: number): Integer | undefined {
  const most = 2 ** prefixBits - 1;
  let value = (block[at] ?? 0) & most;
  if (value < most) return { value, end: at + 1 };
  for (let i = 1; i <= 4 && at + i < block.length; i++) {
    const byte = block[at + i] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (i - 1));
    if (byte < 0x80) return { value, end: at + i + 1 };
  }
  return undefined;
}

/** RFC 7541, section 5.2. */
function textAt(block: Buffer, at: number): { begin: number; end: number; isCoded: boolean } | undefined {
  if (at >= block.length) return undefined;
  const length = integerAt(block, at, 7);
  if (length === undefined || length.end + length.value > block.length) return undefined;
  return { begin: length.end, end: length.end + length.value, isCoded: (block[at] ?? 0) >= 0x80 };
}

/** Text without the Huffman code, with its length. */
function literal(text: string): Buffer {
  const length: number[] = [0x7f];
  let rest = text.length - 0x7f;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) length.push((rest % 0x80) + 0x80);
  return Buffer.concat([Buffer.from([...length, rest]), Buffer.from(text, "latin1")]);
}

/** What Node's HTTP/2 reads of a connection, and writes to it. */
export class LongHeaderSocket extends Duplex {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket, headers: LongHeaders) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      for (const bytes of headers.pass(chunk)) if (!this.push(bytes)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  /** Together: each would be encrypted and sent alone. */
  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  /** Sends a frame of ours behind those that Node has sent: whatever it writes at once are whole ones. */
  writeFrame(frame: Buffer): void {
    this.#socket.write(frame);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
