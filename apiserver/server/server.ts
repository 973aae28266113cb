/** The TLS listener: HTTP/1.1 over one port, and an orderly end (API N-65, R-20). */

import { constants } from "node:crypto";
import { createServer, type Server, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { ApiHandler } from "../endpoints/api-handler.ts";
import { StartError } from "../errors/start-error.ts";
import { limits } from "../limits.ts";
import type { Logger } from "../observability/log.ts";
import { type AdapterOptions, expressAdapter } from "./express-adapter.ts";

/**
 * PEM. OpenSSL verifies the chains of clients under `clientCas`, and clients are told their names; what a verified chain is
 * good for is judged by `authentication/`.
 */
export type TlsFiles = { readonly cert: string; readonly key: string; readonly clientCas?: string };

export type ServeOptions = Pick<AdapterOptions, "bodyStallMs" | "writeStallMs"> & {
  readonly handler: ApiHandler;
  readonly bindAddress: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls: TlsFiles;
  readonly log: Logger;
  /** Time to send the headers, in ms; default as in kube-apiserver (API N-65). */
  readonly headerTimeoutMs?: number;
};

export type RunningServer = {
  readonly address: string;
  readonly port: number;
  /** New connections get the new certificate, open ones keep theirs (API R-24). @throws Error for bad PEM */
  reloadTls(tls: TlsFiles): void;
  /**
   * Stops listening, ends watches, lets other requests finish for at most `graceMs`, then cuts what is left.
   * May be called again with a shorter time.
   */
  close(graceMs: number): Promise<void>;
};

const defaultHeaderTimeoutMs = 32_000;
/** Time between requests, in ms: as in kube-apiserver. */
const keepAliveMs = 90_000;
/** Time for the whole request with its body, in ms: more than any deadline lets it live. */
const requestTimeoutMs = 300_000;
const handshakeTimeoutMs = 10_000;
/** How often Node looks for connections beyond those times, in ms; sooner where they are shorter. */
const checkIntervalMs = 5_000;

/**
 * @throws Error that says so when the port is taken, the address isn't ours, or the certificate is unusable
 */
export async function startServer(options: ServeOptions): Promise<RunningServer> {
  const { listener, drain } = expressAdapter(options);
  const { headerTimeoutMs = defaultHeaderTimeoutMs } = options;
  const server = createServer(
    {
      ...contextOf(options.tls),
      requestCert: true,
      rejectUnauthorized: false,
      handshakeTimeout: handshakeTimeoutMs,
      noDelay: true,
      keepAlive: true,
      maxHeaderSize: limits.maxHeaderBytes.value,
      headersTimeout: headerTimeoutMs,
      requestTimeout: requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: Math.min(checkIntervalMs, headerTimeoutMs),
    },
    listener,
  );
  const silent = silentConnections(server);
  server.on("tlsClientError", (err) => options.log.debug({ err }, "TLS handshake failed"));
  const { address, port } = await listen(server, options);
  server.on("error", (err) => options.log.error({ err }, "listener failed"));
  return {
    address,
    port,
    reloadTls: (tls) => {
      server.setSecureContext(contextOf(tls));
      // A client that is refused under the old CAs may be welcome under the new ones: it connects anew.
      server.closeIdleConnections();
    },
    close: (graceMs) => {
      for (const socket of silent.values()) socket.destroy();
      return close(server, drain, graceMs);
    },
  };
}

/**
 * Connections that have not sent a whole request yet, by who is at the other end: first the TCP connection, then the
 * TLS connection over it. Node counts them as busy, so they would hold up its end.
 */
function silentConnections(server: Server): ReadonlyMap<string, Socket> {
  const silent = new Map<string, Socket>();
  const peerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  const enter = (socket: Socket): void => {
    const peer = peerOf(socket);
    silent.set(peer, socket);
    socket.once("close", () => silent.get(peer) === socket && silent.delete(peer));
  };
  server.on("connection", enter);
  server.on("secureConnection", enter);
  server.on("request", ({ socket }) => silent.delete(peerOf(socket)));
  return silent;
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

function close(server: Server, drain: () => void, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    drain();
    server.closeIdleConnections();
  });
}
