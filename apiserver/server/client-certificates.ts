import { TLSSocket } from "node:tls";
import type { ConnectionInfo } from "../authentication/authenticator.ts";

/**
 * What a client showed in the handshake, and what OpenSSL found wrong with it under the CAs the listener trusted then. It
 * is read once per connection; whom it makes of the client is judged for every request.
 */
export function clientCertificatesOf(socket: object): Pick<ConnectionInfo, "clientCertificates" | "certificateError"> {
  if (!(socket instanceof TLSSocket)) return { clientCertificates: [], certificateError: undefined };
  const clientCertificates = peerCertificates(socket);
  const refused = clientCertificates.length > 0 && !socket.authorized;
  return {
    clientCertificates,
    certificateError: refused ? String(socket.authorizationError ?? "it was not verified") : undefined,
  };
}

function peerCertificates(socket: TLSSocket): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  let certificate = socket.getPeerCertificate(true);
  const seen = new Set<string>();
  while (certificate?.raw !== undefined && !seen.has(certificate.fingerprint256)) {
    seen.add(certificate.fingerprint256);
    certificates.push(certificate.raw);
    certificate = certificate.issuerCertificate;
  }
  return certificates;
}
