/** Who takes part in the hostile tenant's minute, and how they reach the server. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";

export type Identity = { readonly ca: string; readonly cert?: string; readonly key?: string };
export type Answer = { readonly status: number; readonly text: string };

/** One user's connections. */
export class Tenant implements Disposable {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(url: string, identity: Identity, maxSockets: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, maxSockets, ...identity });
  }

  /** @throws Error when there is no answer */
  async open(
    method: string,
    path: string,
    headers: { readonly [name: string]: string } = {},
    body?: string | Uint8Array,
  ): Promise<IncomingMessage> {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const call = request(`${this.#url}${path}`, {
      method,
      agent: this.#agent,
      headers: { accept: "application/json", "user-agent": "limits", ...headers, ...length },
    });
    // One that comes while the answer is read ends that as well.
    call.on("error", () => {});
    call.end(body);
    const [answer]: IncomingMessage[] = await once(call, "response");
    if (answer === undefined) throw new Error("no answer");
    return answer;
  }

  async send(...asked: Parameters<Tenant["open"]>): Promise<Answer> {
    const answer = await this.open(...asked);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk);
    return { status: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }

  json(method: string, path: string, body: object, mediaType = "application/json"): Promise<Answer> {
    return this.send(method, path, { "content-type": mediaType }, JSON.stringify(body));
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
