import type { Authenticator } from "./authenticator.ts";
import { CertificateVerifier, type CertificateVerifierOptions } from "./certificate-verifier.ts";

/**
 * Users by client certificate: the common name is the user, each organization a group (API A-09). An empty bundle
 * turns the method off.
 */
export function clientCertificateAuthenticator(options: CertificateVerifierOptions): Authenticator {
  const verifier = new CertificateVerifier(options);
  return {
    authenticate: async ({ connection }) => {
      if (connection.clientCertificates.length === 0 || options.bundle() === "") return undefined;
      const { commonName, organizations, uid } = verifier.verify(connection);
      // A nameless holder would be the anonymous user with groups; upstream refuses no name, but nothing can grant to it.
      if (commonName === "") throw new Error("the client certificate has no common name");
      return { name: commonName, groups: organizations, ...(uid === undefined ? {} : { uid }) };
    },
  };
}
