/** The TLS listener: HTTP/1.1 and HTTP/2 over one port, and an orderly end (API N-65, R-20). */
import { constants } from "node:crypto";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { StartError } from "../errors/start-error.ts";
import { limits } from "../limits.ts";
import { afterReading, type ConnectionLimits, Connections } from "./connections.ts";
import { Exchange, type ExchangeOptions } from "./exchange.ts";
import { expressAdapter } from "./express-adapter.ts";
import { http2Adapter } from "./http2-adapter.ts";
import { refusePlainHttp } from "./plain-http.ts";
import { isWebSocketWatch, serveWebSocket } from "./websocket-adapter.ts";

/**
 * PEM. OpenSSL verifies the chains of clients under `clientCas`, and clients are told their names; what a verified chain is
 * good for is judged by `authentication/`.
 */
export type TlsFiles = { readonly cert: string; readonly key: string; readonly clientCas?: string };

export type ServeOptions = ExchangeOptions & {
  readonly bindAddress: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: TlsFiles;
  readonly connections?: ConnectionLimits;
  /** False: HTTP/1.1 alone is offered. */
  readonly http2?: boolean;
  readonly http2MaxStreams?: number;
  /** Time to send the headers, in ms; default as in kube-apiserver (API N-65). */
  readonly headerTimeoutMs?: number;
};

export type RunningServer = {
  readonly address: string;
  readonly port: number;
  /**
   * New connections get the new certificate, open ones keep theirs (API R-24); with other `clientCas` those end behind
   * their next answer. @throws Error for bad PEM
   */
  reloadTls(tls: TlsFiles): void;
  /**
   * Ends each connection with the next answer on it, so that who uses it looks for another server and doesn't write to one
   * that is closed that very moment. Watches go on, and who comes anew is served.
   */
  retire(): void;
  /**
   * Stops listening, ends watches, lets other requests finish for at most `graceMs`, then cuts what is left.
   * May be called again with a shorter time.
   */
  close(graceMs: number): Promise<void>;
};

/** How often Node looks for connections beyond those times, in ms; sooner where they are shorter. */
const checkIntervalMs = 1_000;

/**
 * @throws Error that says so when the port is taken, the address isn't ours, or the certificate is unusable
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { log, http2 = true, headerTimeoutMs = limits.maxHeaderMs.value } = options;
  const exchange = new Exchange(options);
  const connections = new Connections({ unidentifiedIdleMs: headerTimeoutMs, ...options.connections });
  let { clientCas } = options.tls;
  const server = createServer(
    {
      ...contextOf(options.tls),
      ALPNProtocols: http2 ? ["h2", "http/1.1"] : ["http/1.1"],
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: limits.maxHandshakeMs.value,
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: limits.maxHeaderBytes.value,
      headersTimeout: headerTimeoutMs,
      // Bodies have a time of their own: this is for what follows a refusal.
      requestTimeout: limits.maxAnswerMs.value,
      keepAliveTimeout: limits.maxIdleMs.value,
      connectionsCheckingInterval: Math.min(checkIntervalMs, headerTimeoutMs),
      shouldUpgradeCallback: isWebSocketWatch,
    },
    expressAdapter(exchange, (socket) => connections.of(socket)),
  );
  // One more than is allowed: that there were too many must be seen.
  server.maxHeadersCount = limits.maxHeaders.value + 1;
  server.on("upgrade", (message, socket, head) => {
    socket.unshift(head);
    serveWebSocket(message, socket, { exchange, connection: connections.of(message.socket) });
  });
  guard(server, connections);
  divideByProtocol(server, connections, http2Adapter({ exchange, maxStreams: options.http2MaxStreams }));
  server.on("tlsClientError", (err) => log.debug({ err }, "TLS handshake failed"));
  const { address, port } = await listen(server, options);
  server.on("error", (err) => log.error({ err }, "listener failed"));
  return {
    address,
    port,
    reloadTls: (tls) => {
      server.setSecureContext(contextOf(tls));
      // A client that is refused under the old CAs may be welcome under the new ones: it connects anew.
      if (tls.clientCas !== clientCas) connections.retire();
      ({ clientCas } = tls);
    },
    retire: () => {
      exchange.retire();
      connections.retire();
    },
    close: (graceMs) => close(server, { exchange, connections, graceMs }),
  };
}

/** Puts the caps, and the answer to those who speak no TLS, before the handshake. */
function guard(server: Server, connections: Connections): void {
  intercept<Socket>(server, "connection", (socket, handshake) => {
    if (connections.accept(socket) === undefined) socket.destroy();
    else refusePlainHttp(socket, handshake);
  });
}

function divideByProtocol(
  server: Server,
  connections: Connections,
  serveHttp2: (socket: TLSSocket, connection: ReturnType<Connections["of"]>) => void,
): void {
  intercept<TLSSocket>(server, "secureConnection", (socket, serveHttp1) => {
    const connection = connections.secured(socket);
    if (socket.alpnProtocol === "h2") serveHttp2(socket, connection);
    else serveHttp1();
  });
}

/** Has `decide` called in place of the listeners that the server set up for itself; it may call them. */
function intercept<T extends Socket>(
  server: Server,
  event: "connection" | "secureConnection",
  decide: (socket: T, goOn: () => void) => void,
): void {
  const own = server.listeners(event);
  server.removeAllListeners(event);
  server.on(event, (socket: T) =>
    decide(socket, () => {
      for (const listener of own) listener.call(server, socket);
    }),
  );
}

/** Without tickets every connection shows its certificates itself; a resumed one would lack intermediates. */
export function contextOf({ cert, key, clientCas }: TlsFiles): ServerOptions {
  return {
    cert,
    key,
    // Without a list OpenSSL would trust every public CA.
    ca: clientCas?.includes("-----BEGIN CERTIFICATE-----") === true ? clientCas : [],
    minVersion: "TLSv1.2",
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

function listen(server: Server, { bindAddress, port }: ServeOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      reject(new StartError(`cannot listen on ${bindAddress} port ${port}: ${reasonOf(error)}`, { cause: error }));
    };
    server.once("error", onError);
    server.listen({ host: bindAddress, port }, () => {
      server.off("error", onError);
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the listener has no port"));
      else resolve(address);
    });
  });
}

const reasons: { readonly [code: string]: string } = {
  EADDRINUSE: "the port is already in use",
  EADDRNOTAVAIL: "this machine does not have that address",
  EACCES: "not permitted",
};
const reasonOf = (error: NodeJS.ErrnoException): string => reasons[error.code ?? ""] ?? error.message;

type Ending = { readonly exchange: Exchange; readonly connections: Connections; readonly graceMs: number };

function close(server: Server, { exchange, connections, graceMs }: Ending): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => connections.cut(), graceMs);
    exchange.drain();
    // Node closes idle connections with the listener.
    afterReading(() =>
      server.close(() => {
        clearTimeout(timer);
        connections[Symbol.dispose]();
        resolve();
      }),
    );
    connections.drain();
  });
}
