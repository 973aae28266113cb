/**
 * The physical limit: an HTTPS server of Node that sends bytes which are ready in memory and does nothing else. A request
 * names the work in a header and is answered by the bytes that this server's own answer to such work had; they are read from
 * `DIRECTORY` once. A watch stays open, and whoever writes to something watched has all watchers sent one event.
 *
 * `node bare.ts DIRECTORY PORT CERTIFICATE KEY`
 */
import { existsSync, readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { createServer } from "node:https";
import { join } from "node:path";

/** Names the work that a request is. */
export const workHeader = "bench-work";

/** Names of works as names of files. */
export const fileOf = (directory: string, work: string): string =>
  join(directory, `${work.replaceAll(/[^a-zA-Z0-9]+/g, "-")}.body`);

const pieceBytes = 512 * 1024;

function sendAll(response: ServerResponse, bytes: Buffer, isEnd: boolean, from = 0): void {
  for (let at = from; at < bytes.length; at += pieceBytes) {
    if (response.write(bytes.subarray(at, at + pieceBytes))) continue;
    response.once("drain", () => sendAll(response, bytes, isEnd, at + pieceBytes));
    return;
  }
  if (isEnd) response.end();
}

function serve(directory: string, port: number, cert: string, key: string): void {
  const bodies = new Map<string, Buffer>();
  const watchers = new Set<ServerResponse>();
  const bodyOf = (work: string): Buffer => {
    const file = fileOf(directory, work);
    const known = bodies.get(work) ?? (existsSync(file) ? readFileSync(file) : Buffer.from("{}"));
    if (known.length > 2) bodies.set(work, known);
    return known;
  };
  const isZipped = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;
  const server = createServer(
    { cert: readFileSync(cert), key: readFileSync(key), requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const bytes = bodyOf(String(request.headers[workHeader] ?? ""));
      request.resume();
      request.on("end", () => {
        const url = request.url ?? "";
        if (url.includes("watch=true")) {
          response.writeHead(200, { "content-type": "application/json" });
          if (url.includes("sendInitialEvents")) return sendAll(response, bytes, false);
          response.flushHeaders();
          watchers.add(response);
          response.on("close", () => watchers.delete(response));
          return;
        }
        const encoding = isZipped(bytes) ? { "content-encoding": "gzip" } : {};
        response.writeHead(request.method === "POST" ? 201 : 200, {
          "content-type": "application/json",
          "content-length": bytes.length,
          ...encoding,
        });
        sendAll(response, bytes, true);
        if (request.method === "PATCH" && watchers.size > 0) {
          const event = bodyOf("event");
          for (const watcher of watchers) watcher.write(event);
        }
      });
    },
  );
  server.listen(port, "127.0.0.1");
}

const [directory, port, cert, key] = process.argv.slice(2);
if (import.meta.main && directory !== undefined && cert !== undefined && key !== undefined)
  serve(directory, Number(port), cert, key);
