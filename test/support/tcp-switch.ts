/** A TCP port that leads to one server, then to another, or nowhere, or in one direction only. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

type Direction = "toServer" | "toClient";
type Way = { readonly from: Socket; readonly to: Socket; readonly direction: Direction };

export class TcpSwitch implements AsyncDisposable {
  readonly #server: Server;
  readonly #ways = new Set<Way>();
  readonly #held = new Set<Direction>();
  #target: number | undefined;

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer((client) => this.#lead(client));
  }

  static async to(target: number): Promise<TcpSwitch> {
    const opened = new TcpSwitch(target);
    opened.#server.listen(0, "127.0.0.1");
    await once(opened.#server, "listening");
    return opened;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the switch has no port");
    return address.port;
  }

  /** Cuts every connection; new ones lead to the port, or are cut at once. */
  lead(target: number | undefined): void {
    this.#target = target;
    for (const { from } of this.#ways) from.destroy();
  }

  /** Nothing more passes in these directions, on connections that there are and on new ones; they stay open. */
  hold(...directions: readonly Direction[]): void {
    this.#held.clear();
    for (const direction of directions) this.#held.add(direction);
    for (const way of this.#ways) this.#open(way);
  }

  /** Everything passes again, what was held first: as after a partition. */
  release(): void {
    this.hold();
  }

  #lead(client: Socket): void {
    if (this.#target === undefined) {
      client.destroy();
      return;
    }
    const server = connect(this.#target, "127.0.0.1");
    for (const way of [
      { from: client, to: server, direction: "toServer" },
      { from: server, to: client, direction: "toClient" },
    ] as const) {
      const { from, to } = way;
      this.#ways.add(way);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.#ways.delete(way);
        to.destroy();
      });
      this.#open(way);
    }
  }

  #open({ from, to, direction }: Way): void {
    from.unpipe(to);
    if (this.#held.has(direction)) from.pause();
    else from.pipe(to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lead(undefined);
    this.#server.close();
    await once(this.#server, "close");
  }
}
