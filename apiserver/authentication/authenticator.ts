import type { ConnectionInfo } from "../endpoints/api-handler.ts";
import type { UserInfo } from "./user.ts";

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
