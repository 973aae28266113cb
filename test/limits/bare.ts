/**
 * A server that answers whatever it is sent at once and keeps nothing: what is left of an attack on it is the work of the
 * attackers themselves. At their priority, for it is one of them.
 */
import { createServer } from "node:https";
import { setPriority } from "node:os";

/** What `minute.ts` tells it, as JSON in its only argument. */
export type Bare = { readonly port: number; readonly cert: string; readonly key: string; readonly ca: string };

const { port, ...identity }: Bare = JSON.parse(process.argv[2] ?? "{}");
setPriority(10);
const answer = JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Success" });
createServer(
  { ...identity, requestCert: true, rejectUnauthorized: false, maxHeaderSize: 2 ** 21 },
  (request, response) => {
    request.resume();
    request.once("end", () => response.setHeader("content-type", "application/json").end(answer));
    request.on("error", () => response.destroy());
  },
).listen(port, "127.0.0.1");
