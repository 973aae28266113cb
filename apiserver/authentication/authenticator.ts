import type { UserInfo } from "./user.ts";

/** What a transport knows of the connection a request came by. */
export type ConnectionInfo = {
  readonly remoteAddress: string;
  /** None: this process asks itself. */
  readonly isInProcess?: true;
  /** DER of the certificate the client proved it has, and of those between it and a CA as far as they are known. */
  readonly clientCertificates: readonly Uint8Array[];
  /** Why that chain proves nothing under any CA the listener trusts, in OpenSSL's words; `undefined`: it does. */
  readonly certificateError: string | undefined;
  /** Told that a user proved who they are on it: it no longer counts among those of strangers. */
  readonly identified?: (user: string) => void;
};

/** The part of a request that can prove an identity. */
export type Credentials = {
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly connection: ConnectionInfo;
};

export interface Authenticator {
  /**
   * The user, or `undefined` when the request has no credentials of this kind.
   * Rejects when it has, and they are wrong or cannot be checked (API A-01): the answer is then 401 unless another
   * method succeeds.
   */
  authenticate(credentials: Credentials, signal: AbortSignal): Promise<UserInfo | undefined>;
}
