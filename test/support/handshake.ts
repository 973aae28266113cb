/** A real TLS handshake in this process: what OpenSSL says of a client's chain is nobody's to imitate. */
import { connect, createServer, type TLSSocket } from "node:tls";
import type { ConnectionInfo } from "../../apiserver/authentication/authenticator.ts";
import { clientCertificatesOf } from "../../apiserver/server/client-certificates.ts";
import { contextOf } from "../../apiserver/server/server.ts";
import { issueOdd, keyPem, nameOf } from "./certificates.ts";

const server = issueOdd({ name: nameOf("server") });

/**
 * What the server learns of a client that shows `chain` (PEM, its own certificate first) and has `key` (PEM), under
 * `trusted` (PEM).
 */
export async function handshake(trusted: string, chain: string, key: string): Promise<ConnectionInfo> {
  const tls = { cert: server.certificate, key: keyPem(server.key), clientCas: trusted };
  const listener = createServer({ ...contextOf(tls), requestCert: true, rejectUnauthorized: false });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  const seen = new Promise<ConnectionInfo>((resolve) => {
    listener.once("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => undefined);
      resolve({ remoteAddress: "192.0.2.1", ...clientCertificatesOf(socket) });
    });
    listener.once("tlsClientError", (error) =>
      resolve({ remoteAddress: "192.0.2.1", clientCertificates: [], certificateError: error.message }),
    );
  });
  const client = connect({ port: address.port, host: "127.0.0.1", cert: chain, key, rejectUnauthorized: false });
  client.on("error", () => undefined);
  const info = await seen;
  client.destroy();
  listener.close();
  return info;
}
