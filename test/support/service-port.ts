/** A Service as kube-proxy makes it: new connections go to the endpoints in turn; open ones stay where they are. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";

export class ServicePort implements AsyncDisposable {
  /** Ports on 127.0.0.1; none: connections are refused. */
  endpoints: readonly number[] = [];
  /** How long every piece of bytes is under way in either direction, in ms. */
  latencyMs = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #turn = 0;

  private constructor() {
    this.#server = createServer((client) => this.#lead(client));
  }

  static async open(): Promise<ServicePort> {
    const service = new ServicePort();
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    return service;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the Service has no port");
    return address.port;
  }

  #lead(client: Socket): void {
    const port = this.endpoints[this.#turn++ % this.endpoints.length];
    if (port === undefined) {
      client.destroy();
      return;
    }
    const server = connect(port, "127.0.0.1");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(this.#delayed()).pipe(to);
    }
  }

  #delayed(): Transform {
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        if (this.latencyMs === 0) done(null, chunk);
        else setTimeout(done, this.latencyMs, null, chunk);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.endpoints = [];
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
