/** Writers and watchers of a server over HTTPS, which go on whatever becomes of it. */

import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { type ClientIdentity, identityOf } from "../bench/client.ts";
import type { Follower, Ledger } from "./chain.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";
/** How soon somebody who was cut off tries again, in ms. */
const againMs = 50;
const answerMs = 15_000;

export class FaultClient {
  readonly #identity: ClientIdentity;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(identity: ClientIdentity) {
    this.#identity = identity;
  }

  static async of(kubeconfig: string): Promise<FaultClient> {
    return new FaultClient(await identityOf(kubeconfig));
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Rejects when there is no answer. */
  async send(method: string, path: string, body?: object): Promise<{ readonly status: number; readonly text: string }> {
    const response = await this.open(method, path, body);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }

  open(method: string, path: string, body?: object, own = false): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call: ClientRequest = request(this.#identity.server + path, {
        method,
        ca: this.#identity.ca,
        cert: this.#identity.cert,
        key: this.#identity.key,
        agent: own ? false : this.#agent,
        timeout: answerMs,
        ...(body === undefined ? {} : { headers: { "content-type": "application/json" } }),
      });
      call.once("response", resolve);
      call.once("error", reject);
      if (!own) call.once("timeout", () => call.destroy(new Error("no answer")));
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

export type Found = { readonly name: string; readonly revision: number };

export async function list(
  client: FaultClient,
): Promise<{ readonly revision: number; readonly items: readonly Found[] }> {
  const { status, text } = await client.send("GET", configMaps);
  if (status !== 200) throw new Error(`${status} ${text}`);
  const parsed = JSON.parse(text);
  return {
    revision: Number(parsed.metadata.resourceVersion),
    items: parsed.items
      .map(({ metadata }: { metadata: { name: string; resourceVersion: string } }) => ({
        name: metadata.name,
        revision: Number(metadata.resourceVersion),
      }))
      .filter(({ name }: Found) => name.startsWith("fault-")),
  };
}

/**
 * Creates, replaces and deletes objects of its own until the signal aborts; after a silence it reads what became of it, until
 * nobody wants to know any more.
 */
export async function writeOn(
  client: FaultClient,
  writer: string,
  ledger: Ledger,
  {
    chance,
    signal,
    ending,
    bytes = 200,
    everyMs = 0,
  }: { chance: () => number; signal: AbortSignal; ending: AbortSignal; bytes?: number; everyMs?: number },
): Promise<void> {
  const names = Array.from({ length: 5 }, (_, index) => `fault-${writer}-${index}`);
  while (!signal.aborted && !ending.aborted) {
    const name = names[Math.floor(chance() * names.length)] ?? "";
    try {
      await act(client, name, ledger, chance, bytes);
    } catch {
      ledger.unknown++;
      await settle(client, name, ledger, ending);
    }
    if (everyMs > 0) await pause(everyMs);
  }
}

async function act(client: FaultClient, name: string, ledger: Ledger, chance: () => number, bytes: number) {
  const before = ledger.current.get(name) ?? 0;
  if (before > 0 && chance() < 0.1) {
    const { status, text } = await client.send("DELETE", `${configMaps}/${name}`);
    if (status !== 200) throw new Error(`${status} ${text}`);
    ledger.deleted(name);
    return;
  }
  const resourceVersion = before === 0 ? {} : { resourceVersion: String(before) };
  const object = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, ...resourceVersion },
    data: { before: String(before), filler: "x".repeat(bytes) },
  };
  const { status, text } =
    before === 0
      ? await client.send("POST", configMaps, object)
      : await client.send("PUT", `${configMaps}/${name}`, object);
  if (status !== 200 && status !== 201) throw new Error(`${status} ${text}`);
  ledger.wrote(name, Number(JSON.parse(text).metadata.resourceVersion));
}

/** What was not answered may have been done: what is there is what was written last, or what was before. */
async function settle(client: FaultClient, name: string, ledger: Ledger, ending: AbortSignal): Promise<void> {
  while (!ending.aborted) {
    try {
      const { status, text } = await client.send("GET", `${configMaps}/${name}`);
      const before = ledger.current.get(name) ?? 0;
      if (status === 404) {
        ledger.deleted(name);
        return;
      }
      if (status === 200) {
        const { metadata, data } = JSON.parse(text);
        const revision = Number(metadata.resourceVersion);
        if (revision === before) return;
        if (Number(data.before) !== before) throw new TypeError(`${name}: ${text} does not follow ${before}`);
        ledger.wrote(name, revision);
        return;
      }
    } catch (error) {
      if (error instanceof TypeError) throw error;
    }
    await pause(againMs);
  }
}

/** Follows from a revision, over as many connections as it takes, until the signal aborts. */
export async function follow(client: FaultClient, follower: Follower, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const path = `${configMaps}?watch=1&allowWatchBookmarks=true&resourceVersion=${follower.last}`;
      const response = await client.open("GET", path, undefined, true);
      const end = (): void => void response.destroy();
      signal.addEventListener("abort", end, { once: true });
      try {
        if (response.statusCode === 200) await readEvents(response, follower);
        else response.resume();
      } finally {
        signal.removeEventListener("abort", end);
      }
    } catch {
      // The server went away.
    }
    follower.resumed++;
    await pause(againMs);
  }
}

async function readEvents(response: IncomingMessage, follower: Follower): Promise<void> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) takeLine(line, follower);
  }
}

/** Without parsing it whole: a thousand followers share a processor with the server. */
function takeLine(line: string, follower: Follower): void {
  const type = /^\{"type":"([A-Z]+)"/.exec(line)?.[1];
  if (type === "ERROR") {
    follower.relists++;
    return;
  }
  const revision = Number(/"resourceVersion":"(\d+)"/.exec(line)?.[1]);
  if (type === "BOOKMARK") {
    follower.last = Math.max(follower.last, revision);
    return;
  }
  const key = /"name":"(fault-[^"]+)"/.exec(line)?.[1];
  if (key === undefined) return;
  const before = type === "DELETED" ? undefined : Number(/"before":"(\d+)"/.exec(line)?.[1]);
  follower.take({ key, revision, before });
}

/** Number of an unlabelled or summed metric. */
export async function metric(client: FaultClient, name: string): Promise<number> {
  const { text } = await client.send("GET", "/metrics");
  const values = text.split("\n").filter((line) => line.startsWith(name) && !line.startsWith("#"));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}
