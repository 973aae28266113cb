import { hash } from "node:crypto";
import { ExpiringCache } from "../client/expiring-cache.ts";
import { systemClock } from "../machinery/clock.ts";
import type { Authenticator, Credentials } from "./authenticator.ts";
import type { UserInfo } from "./user.ts";

/** Whom a token stands for, and the audiences it is good for out of those asked about. */
export type TokenIdentity = { readonly user: UserInfo; readonly audiences: readonly string[] };

export interface TokenVerifier {
  /**
   * `undefined`: the token is none of those this verifier knows, or is no longer good.
   * Rejects when that cannot be found out.
   * @param audiences those that would do; empty: the API server's own
   */
  verify(token: string, audiences: readonly string[], signal: AbortSignal): Promise<TokenIdentity | undefined>;
}

/** Users by `Authorization: Bearer`. A token nobody vouches for is a failure, never anonymous (API A-15). */
export function bearerTokenAuthenticator(verifier: TokenVerifier): Authenticator {
  return {
    authenticate: async ({ headers }, signal) => {
      const token = bearerToken(headers);
      if (token === undefined) return undefined;
      const identity = await verifier.verify(token, [], signal);
      if (identity === undefined) throw new Error("invalid bearer token");
      return identity.user;
    },
  };
}

/** Websocket clients cannot set headers, so the token may come as a sub-protocol (API A-19). */
const websocketProtocol = "base64url.bearer.authorization.k8s.io.";

/** The token a request carries, or `undefined` when it claims none; other schemes are not claims. */
export function bearerToken(headers: Credentials["headers"]): string | undefined {
  const [scheme, token] = (headers.get("authorization")?.[0] ?? "").trim().split(" ");
  if (scheme?.toLowerCase() === "bearer" && token !== undefined && token !== "") return token;
  const protocols = (headers.get("sec-websocket-protocol") ?? []).flatMap((value) => value.split(","));
  const encoded = protocols.map((each) => each.trim()).find((each) => each.startsWith(websocketProtocol));
  return encoded === undefined
    ? undefined
    : Buffer.from(encoded.slice(websocketProtocol.length), "base64url").toString("utf8");
}

/** How long an answer about a token holds, in ms: revocation takes at most this long (API A-11). */
const tokenTtlMs = 10_000;
const cacheCapacity = 4096;

/** Remembers answers, good and bad, for ten seconds; failures to answer are not remembered. */
export function cachedTokenVerifier(verifier: TokenVerifier, now: () => number = systemClock.elapsedMs): TokenVerifier {
  const cache = new ExpiringCache<{ readonly identity: TokenIdentity | undefined }>({ capacity: cacheCapacity, now });
  return {
    verify: async (token, audiences, signal) => {
      // Tokens themselves are not kept: a heap dump should hold none.
      const key = hash("sha256", JSON.stringify([token, audiences]), "base64");
      const known = cache.get(key);
      if (known !== undefined) return known.identity;
      const identity = await verifier.verify(token, audiences, signal);
      cache.set(key, { identity }, now() + tokenTtlMs);
      return identity;
    },
  };
}
