/**
 * Who is connected, and how much of that is allowed: connections are capped in number, those of people who have not
 * shown who they are in number and bytes (design D10). Where one must go it is an idle one of whoever has the most, so
 * that nobody can lock others out.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ConnectionInfo } from "../authentication/authenticator.ts";
import { limits } from "../limits.ts";
import { systemClock } from "../machinery/clock.ts";
import { clientCertificatesOf } from "./client-certificates.ts";

export type ConnectionLimits = {
  readonly maxConnections?: number;
  readonly maxUnidentified?: number;
  /** Read from all of those since their last request, in bytes. */
  readonly maxUnidentifiedBytes?: number;
  /** From the first packet to a finished handshake, in ms. */
  readonly handshakeTimeoutMs?: number;
  /** Without a request, in ms: of people unknown, and of others. */
  readonly unidentifiedIdleMs?: number;
  readonly idleMs?: number;
};

/** How often idle connections are looked for, in ms. */
const sweepMs = 1_000;
/** The protocol on a connection knows better how to end it, and has this long to do so, in ms. */
const slackMs = 2_000;

/**
 * Runs `close` when what clients have sent so far was read: a request that waits in the kernel for a busy event loop is no
 * sign of idleness, and whoever sent it would be told that the server is gone. Immediates run right behind a reading; the
 * second is behind one that began after this call.
 */
export const afterReading = (close: () => void): void => void setImmediate(() => setImmediate(close));

/** One TCP connection, from its acceptance on. */
export class Connection implements ConnectionInfo {
  readonly remoteAddress: string;
  /** Ends it without harm to what is under way. HTTP/1.1 closes it behind its last answer by itself. */
  closeGracefully: () => void;
  /** Asks the client to send new requests elsewhere, where the protocol can say so before the end. */
  announceEnd: () => unknown = () => undefined;
  readonly #socket: Socket;
  readonly #move: (connection: Connection, owner: string) => void;
  #tls: TLSSocket | undefined;
  #certificates: ReturnType<typeof clientCertificatesOf> | undefined;
  #user: string | undefined;
  #active = 0;
  #isRetiring = false;
  #idleSinceMs = systemClock.elapsedMs();
  #bytesBefore = 0;

  constructor(socket: Socket, move: (connection: Connection, owner: string) => void) {
    this.#socket = socket;
    this.#move = move;
    this.remoteAddress = socket.remoteAddress ?? "";
    this.closeGracefully = () => afterReading(() => this.#active === 0 && this.destroy());
  }

  /** Whose it is: a user, or who is at an address. */
  get owner(): string {
    return this.#user === undefined ? `at ${this.remoteAddress}` : `user ${this.#user}`;
  }

  get isIdentified(): boolean {
    return this.#user !== undefined;
  }

  get isSecure(): boolean {
    return this.#tls !== undefined;
  }

  /** Since when no request is under way, as `Clock.elapsedMs` counts; `undefined` while one is. */
  get idleSinceMs(): number | undefined {
    return this.#active > 0 ? undefined : this.#idleSinceMs;
  }

  /** Whether it ends behind its next answer. */
  get isRetiring(): boolean {
    return this.#isRetiring;
  }

  /** Bytes since the last request began: a request that isn't whole yet. */
  get bytesPending(): number {
    return this.#bytesRead - this.#bytesBefore;
  }

  get clientCertificates(): readonly Uint8Array[] {
    return this.#shown().clientCertificates;
  }

  /** Whether the client has shown a certificate of an authority that the listener trusts. */
  get hasProvenKey(): boolean {
    return this.clientCertificates.length > 0 && this.certificateError === undefined;
  }

  get certificateError(): string | undefined {
    return this.#shown().certificateError;
  }

  secured(tls: TLSSocket): void {
    this.#tls = tls;
  }

  /** Somebody has proved who they are; of several on one connection the last counts as its owner. */
  identified(user: string): void {
    if (this.#user === user) return;
    const { owner } = this;
    this.#user = user;
    this.#move(this, owner);
  }

  /** A request has come. The result is called when its answer is written or given up. */
  begin(): () => void {
    this.#active++;
    this.#bytesBefore = this.#bytesRead;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#active--;
      this.#idleSinceMs = systemClock.elapsedMs();
    };
  }

  /** Who uses it looks for another one, and never writes to one that is closed that very moment. */
  retire(): void {
    this.#isRetiring = true;
    // Where nothing is under way, the next request has it announced.
    if (this.#active > 0) this.announceEnd();
  }

  destroy(): void {
    (this.#tls ?? this.#socket).destroy();
  }

  #shown(): ReturnType<typeof clientCertificatesOf> {
    this.#certificates ??= clientCertificatesOf(this.#tls ?? this.#socket);
    return this.#certificates;
  }

  get #bytesRead(): number {
    return this.#tls?.bytesRead ?? 0;
  }
}

export class Connections {
  readonly #limits: Required<ConnectionLimits>;
  readonly #byPeer = new Map<string, Connection>();
  readonly #bySocket = new WeakMap<Socket, Connection>();
  readonly #byOwner = new Map<string, Set<Connection>>();
  readonly #sweeper: NodeJS.Timeout;
  #unidentified = 0;

  constructor(given: ConnectionLimits = {}) {
    this.#limits = {
      maxConnections: given.maxConnections ?? limits.maxConnections.value,
      maxUnidentified: given.maxUnidentified ?? limits.maxUnidentifiedConnections.value,
      maxUnidentifiedBytes: given.maxUnidentifiedBytes ?? limits.maxUnidentifiedBytes.value,
      handshakeTimeoutMs: given.handshakeTimeoutMs ?? limits.maxHandshakeMs.value,
      unidentifiedIdleMs: given.unidentifiedIdleMs ?? limits.maxHeaderMs.value,
      idleMs: given.idleMs ?? limits.maxIdleMs.value,
    };
    const period = Math.min(sweepMs, this.#limits.unidentifiedIdleMs, this.#limits.idleMs);
    this.#sweeper = setInterval(() => this.#sweep(), period).unref();
  }

  get size(): number {
    return this.#byPeer.size;
  }

  /** Enters a connection. `undefined`: there is no room, and none could be made. */
  accept(socket: Socket): Connection | undefined {
    const { maxConnections, maxUnidentified, handshakeTimeoutMs } = this.#limits;
    if (this.#unidentified >= maxUnidentified && !this.#makeRoom((owner) => owner.startsWith("at "))) return undefined;
    if (this.size >= maxConnections && !this.#makeRoom(() => true)) return undefined;
    const peer = peerOf(socket);
    const connection = new Connection(socket, (moved, from) => this.#moved(moved, from));
    this.#byPeer.set(peer, connection);
    this.#enter(connection);
    this.#unidentified++;
    const timer = setTimeout(() => connection.isSecure || connection.destroy(), handshakeTimeoutMs).unref();
    socket.once("close", () => {
      clearTimeout(timer);
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
      this.#leave(connection, connection.owner);
      if (!connection.isIdentified) this.#unidentified--;
    });
    return connection;
  }

  /** The connection that `socket` is the secure end of. @throws Error when it was never accepted, or is gone */
  secured(socket: TLSSocket): Connection {
    const connection = this.#byPeer.get(peerOf(socket));
    if (connection === undefined) throw new Error("the connection is gone");
    connection.secured(socket);
    this.#bySocket.set(socket, connection);
    return connection;
  }

  /** @throws Error for a socket that `secured` hasn't seen */
  of(socket: Socket): Connection {
    const connection = this.#bySocket.get(socket);
    if (connection === undefined) throw new Error("not one of this server's connections");
    return connection;
  }

  /** Ends what is idle at once and the rest when it is done; `cut` ends everything. */
  drain(): void {
    for (const connection of this.#byPeer.values()) connection.closeGracefully();
  }

  /** Has each end behind its next answer. */
  retire(): void {
    for (const connection of this.#byPeer.values()) connection.retire();
  }

  cut(): void {
    for (const connection of this.#byPeer.values()) connection.destroy();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sweeper);
  }

  #enter(connection: Connection): void {
    const { owner } = connection;
    const own = this.#byOwner.get(owner);
    if (own === undefined) this.#byOwner.set(owner, new Set([connection]));
    else own.add(connection);
  }

  #leave(connection: Connection, owner: string): void {
    const own = this.#byOwner.get(owner);
    own?.delete(connection);
    if (own?.size === 0) this.#byOwner.delete(owner);
  }

  #moved(connection: Connection, from: string): void {
    this.#leave(connection, from);
    this.#enter(connection);
    if (from.startsWith("at ")) this.#unidentified--;
  }

  /** Ends the idle connection that is so for longest, of the owner with the most who has one. */
  #makeRoom(isConcerned: (owner: string) => boolean): boolean {
    const groups = [...this.#byOwner].filter(([owner]) => isConcerned(owner)).sort(([, a], [, b]) => b.size - a.size);
    for (const [, group] of groups) {
      let idlest: Connection | undefined;
      for (const connection of group) {
        const since = connection.idleSinceMs;
        if (since !== undefined && since < (idlest?.idleSinceMs ?? Number.POSITIVE_INFINITY)) idlest = connection;
      }
      if (idlest === undefined) continue;
      idlest.destroy();
      return true;
    }
    return false;
  }

  #sweep(): void {
    const { unidentifiedIdleMs, idleMs, maxUnidentifiedBytes } = this.#limits;
    const now = systemClock.elapsedMs();
    const pending: Connection[] = [];
    let bytes = 0;
    for (const connection of this.#byPeer.values()) {
      const { idleSinceMs, isIdentified } = connection;
      if (idleSinceMs === undefined) continue;
      if (now - idleSinceMs > (isIdentified ? idleMs : unidentifiedIdleMs) + slackMs) connection.closeGracefully();
      else if (!isIdentified) {
        pending.push(connection);
        bytes += connection.bytesPending;
      }
    }
    pending.sort((a, b) => b.bytesPending - a.bytesPending);
    for (const connection of pending) {
      if (bytes <= maxUnidentifiedBytes) return;
      bytes -= connection.bytesPending;
      connection.destroy();
    }
  }
}

const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
