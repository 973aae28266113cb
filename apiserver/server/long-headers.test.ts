/** Headers that are longer than Node's HTTP/2 reads, in all the ways in which they may be sent. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { issueCertificate } from "../authentication/issue-certificate.ts";
import { textResponse } from "../endpoints/responses.ts";
import { limits } from "../limits.ts";
import { silentLogger } from "../observability/log.ts";
import { decodeHuffman } from "./hpack-huffman.ts";
import { startServer } from "./server.ts";

const headersType = 1;
const settingsType = 4;
const continuationType = 9;
const [endStream, endHeaders, padded, priority] = [0x1, 0x4, 0x8, 0x20];
const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(1, 5);
  return Buffer.concat([header, payload]);
}

/** RFC 7541, section 5.1, behind a prefix of seven bits. */
function lengthBytes(length: number, isCoded: boolean): Buffer {
  const mark = isCoded ? 0x80 : 0;
  if (length < 127) return Buffer.from([mark + length]);
  const bytes = [mark + 127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

const plain = (text: string): Buffer => Buffer.concat([lengthBytes(text.length, false), Buffer.from(text, "latin1")]);
const coded = (bytes: Buffer): Buffer => Buffer.concat([lengthBytes(bytes.length, true), bytes]);
/** A header of RFC 7541, section 6.2: `kind` 0 is not kept in the table, 0x40 is. */
const field = (name: string, value: Buffer, kind = 0): Buffer =>
  Buffer.concat([Buffer.from([kind]), plain(name), value]);

const request = (path: Buffer): Buffer =>
  Buffer.concat([
    field(":method", plain("GET")),
    field(":scheme", plain("https")),
    field(":authority", plain("localhost")),
    field(":path", path),
    field("x-short", plain("short")),
  ]);

/** What Node's client wrote so far: whole frames, and its preface. */
function* framesOf(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; ) {
    const isPreface = bytes.subarray(at, at + clientPreface.length).toString("latin1") === clientPreface;
    const end = at + (isPreface ? clientPreface.length : 9 + bytes.readUIntBE(at, 3));
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** A session that sends `replacement` where Node's client would send the headers of its request. */
async function sessionThatSends(
  t: TestContext,
  port: number,
  replacement: readonly Buffer[],
  atATime = Number.POSITIVE_INFINITY,
): Promise<ClientHttp2Session> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2"] });
  await once(socket, "secureConnect");
  const session = connect(`https://127.0.0.1:${port}`, {
    createConnection: () =>
      new Duplex({
        read: () => void socket.resume(),
        write: (chunk: Buffer, _, done) => {
          const sent = [...framesOf(chunk)].flatMap((each) =>
            each[3] === headersType && each.subarray(0, 3).toString() !== "PRI" ? replacement : [each],
          );
          const bytes = Buffer.concat(sent);
          for (let at = 0; at < bytes.length; at += Math.min(atATime, bytes.length))
            socket.write(bytes.subarray(at, Math.min(at + atATime, bytes.length)));
          done();
        },
        final: (done) => void socket.end(done),
        construct(done) {
          socket.on("data", (chunk) => this.push(chunk));
          socket.on("close", () => this.push(null));
          done();
        },
      }),
  });
  session.on("error", () => undefined);
  t.after(() => {
    session.destroy();
    socket.destroy();
  });
  return session;
}

const day = 24 * 3600 * 1000;
const { certificate: cert, key } = issueCertificate({
  subject: { commonName: "test" },
  usage: "ca",
  names: ["127.0.0.1"],
  notBefore: new Date(Date.now() - day),
  notAfter: new Date(Date.now() + day),
});

/** A server that says what it was asked: the query's length and end, the names of its headers. */
async function served(t: TestContext): Promise<number> {
  const server = await startServer({
    handler: async ({ connection, rawQuery, headers }) => {
      connection.identified?.("jane");
      const names = [...headers.keys()].map((name) => name.slice(0, 20)).sort();
      return textResponse(
        200,
        JSON.stringify([rawQuery.length, rawQuery.slice(-8), names, headers.get("x-long")?.[0]?.length]),
      );
    },
    bindAddress: "127.0.0.1",
    port: 0,
    tls: { cert, key },
    log: silentLogger,
  });
  t.after(() => server.close(0));
  return server.port;
}

async function answerTo(stream: ClientHttp2Stream): Promise<{ status: number; text: string }> {
  let [status, text] = [0, ""];
  stream.once("response", (headers) => {
    status = headers[":status"] ?? 0;
  });
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  await once(stream, "close");
  return { status, text };
}

/** The headers of a request as Node's own encoder writes them, in one block. */
async function blockOf(headers: { readonly [name: string]: string }): Promise<Buffer> {
  const written: Buffer[] = [];
  const session = connect("http://localhost", {
    createConnection: () =>
      new Duplex({
        read: () => undefined,
        write: (chunk: Buffer, _, done) => {
          written.push(chunk);
          done();
        },
      }),
  });
  session.on("error", () => undefined);
  const stream = session.request({ ":path": "/", ...headers }).on("error", () => undefined);
  const fragments = (): Buffer[] =>
    [...framesOf(Buffer.concat(written))].filter(
      (each) => each.length !== clientPreface.length && (each[3] === headersType || each[3] === continuationType),
    );
  while (fragments().length === 0) await new Promise((resolve) => setImmediate(resolve));
  stream.destroy();
  session.destroy();
  return Buffer.concat(fragments().map((each) => each.subarray(9)));
}

/** Values that the block gives to names of its own, as they are coded. */
function* codedValues(block: Buffer): Generator<Buffer> {
  let at = 0;
  const text = (): Buffer => {
    let [length, factor] = [(block[at++] ?? 0) & 127, 1];
    for (let isLast = length < 127; !isLast; factor *= 128) {
      const byte = block[at++] ?? 0;
      length += (byte & 127) * factor;
      isLast = byte < 128;
    }
    at += length;
    return block.subarray(at - length, at);
  };
  while (at < block.length) {
    const kind = block[at++] ?? 0;
    if (kind >= 0x80) continue;
    if (kind !== 0x40) text();
    else {
      text();
      yield text();
    }
  }
}

test("the Huffman code of every byte that a header may have is read as Node writes it", async () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => byte === 9 || (byte > 32 && byte !== 127),
  );
  // Short codes beside it: the encoder takes the code only where it is shorter.
  const texts = bytes.map((byte) => `${"e".repeat(40)}${String.fromCharCode(byte)}o`);
  const values = [...codedValues(await blockOf(Object.fromEntries(texts.map((text, i) => [`x-${i}`, text]))))];
  assert.deepEqual(
    values.map((value) => decodeHuffman(value)?.toString("latin1")),
    texts,
  );
});

test("what is no Huffman code is not read", () => {
  const cases: Record<string, number[]> = {
    "the end of the string within it": [0xff, 0xff, 0xff, 0xff],
    "padding of a whole byte": [0x1f, 0xff],
    "padding with zeros": [0x20],
  };
  for (const [what, bytes] of Object.entries(cases)) assert.equal(decodeHuffman(Buffer.from(bytes)), undefined, what);
});

const bytes = 100 * 1024;
/** Eight times the same end at a whole byte, whatever its code is. */
const eight = "a-Z9%2C~".repeat(8);
const longText = eight.repeat(Math.ceil(bytes / eight.length));
const inFrames = (block: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(block.length / size) }, (_, i) => {
    const isLast = (i + 1) * size >= block.length;
    const flags = (i === 0 ? endStream : 0) + (isLast ? endHeaders : 0);
    return frame(i === 0 ? headersType : continuationType, flags, block.subarray(i * size, (i + 1) * size));
  });
const whole = (block: Buffer): Buffer[] => inFrames(block, block.length);
const longPath = plain(`/a?q=${longText}`);

const sent: Record<string, { frames: () => readonly Buffer[] | Promise<readonly Buffer[]>; atATime?: number }> = {
  "in one frame": { frames: () => whole(request(longPath)) },
  "in frames of the size that everybody may send": { frames: () => inFrames(request(longPath), 16 * 1024) },
  "in pieces of any size": { frames: () => inFrames(request(longPath), 16 * 1024), atATime: 1021 },
  "in a frame with padding and a priority": {
    frames: () => {
      const payload = [Buffer.from([100]), Buffer.alloc(5), request(longPath), Buffer.alloc(100)];
      return [frame(headersType, endStream | endHeaders | padded | priority, Buffer.concat(payload))];
    },
  },
  "with a name for the table of the compression": {
    frames: () => {
      const path = Buffer.concat([Buffer.from([0x44]), longPath]);
      const others = [
        field(":method", plain("GET")),
        field(":scheme", plain("https")),
        field(":authority", plain("a")),
      ];
      return whole(Buffer.concat([...others, path, field("x-short", plain("short"), 0x40)]));
    },
  },
  "with Huffman's code": {
    frames: async () => {
      const [part = Buffer.alloc(0)] = codedValues(await blockOf({ "x-part": eight }));
      const [head = Buffer.alloc(0)] = codedValues(
        await blockOf({ "x-part": "/a?q=/a?q=/a?q=/a?q=/a?q=/a?q=/a?q=/a?q=" }),
      );
      return whole(
        request(coded(Buffer.concat([head, ...Array.from({ length: longText.length / eight.length }, () => part)]))),
      );
    },
  },
};

for (const [how, { frames, atATime }] of Object.entries(sent)) {
  test(`a query of 100 KB is served ${how}`, async (t) => {
    const session = await sessionThatSends(t, await served(t), await frames(), atATime);
    const { status, text } = await answerTo(session.request({ ":path": "/" }));
    assert.equal(status, 200);
    const [length, end, names] = JSON.parse(text);
    assert.ok(length >= longText.length, `${length}`);
    assert.deepEqual([end, names], [longText.slice(-8), ["host", "x-short"]]);
  });
}

test("a long value has its name, a long name nobody's", async (t) => {
  const long = [field("x-long", plain(longText)), field(`x-${"n".repeat(bytes)}`, plain("v"))];
  const block = Buffer.concat([request(plain("/a?q=1")), ...long]);
  const session = await sessionThatSends(t, await served(t), whole(block));
  const { text } = await answerTo(session.request({ ":path": "/" }));
  assert.deepEqual(JSON.parse(text), [
    3,
    "q=1",
    ["host", "x-aaaaaaaaaaaaaaaaaa", "x-long", "x-short"],
    longText.length,
  ]);
});

const notTaken: Record<string, { reason: string; frames: readonly Buffer[] }> = {
  "longer than HTTP/1.1 allows": {
    reason: "the frame is larger than any that was allowed",
    frames: whole(request(plain(`/${"a".repeat(limits.maxHeaderBytes.value)}`))),
  },
  "with bytes that no header may have": {
    reason: "as Node has it",
    frames: whole(request(plain(`/a?${"\n".repeat(bytes)}`))),
  },
  "with what is no Huffman code": {
    reason: "RFC 7541: an error of the connection",
    frames: whole(request(coded(Buffer.alloc(bytes, 0xff)))),
  },
  "longer than their frame": { reason: "the same", frames: whole(request(plain(longText)).subarray(0, bytes)) },
  "in more frames than they need": { reason: "frames cost something each", frames: inFrames(request(longPath), 100) },
  "among more headers than a request may have": {
    reason: "each costs something",
    frames: whole(Buffer.concat([request(longPath), ...Array.from({ length: 3000 }, () => field("x-a", plain("b")))])),
  },
  "with another frame between": {
    reason: "RFC 9113: an error of the connection",
    frames: inFrames(request(longPath), 16 * 1024).flatMap((each) => [each, frame(settingsType, 0, Buffer.alloc(0))]),
  },
};

for (const [what, { reason, frames }] of Object.entries(notTaken)) {
  test(`long headers ${what} are not taken`, async (t) => {
    const session = await sessionThatSends(t, await served(t), frames);
    let isServed = false;
    const stream = session.request({ ":path": "/" }).once("response", () => {
      isServed = true;
    });
    stream.on("error", () => undefined);
    await new Promise((resolve) => stream.once("close", resolve));
    assert.equal(isServed, false, reason);
  });
}

test("a request beside one with a long header is served, and so is what follows", async (t) => {
  const port = await served(t);
  const session = await sessionThatSends(t, port, whole(request(longPath)));
  assert.equal((await answerTo(session.request({ ":path": "/" }))).status, 200);
  const other = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  t.after(() => other.destroy());
  const answers = await Promise.all(["/a", "/b?c"].map((path) => answerTo(other.request({ ":path": path }))));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
});
