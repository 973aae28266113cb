import type { Authenticator } from "./authenticator.ts";
import type { TokenVerifier } from "./bearer-token.ts";

/**
 * Asks in order; the first user wins. One method's failure does not stop the next, but when none succeeds and one
 * failed, the failure stands (API A-01).
 */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator {
  return {
    authenticate: (credentials, signal) =>
      firstSuccess(authenticators, (each) => each.authenticate(credentials, signal)),
  };
}

/** The same for verifiers of bearer tokens. */
export function unionTokenVerifier(verifiers: readonly TokenVerifier[]): TokenVerifier {
  return {
    verify: (token, audiences, signal) => firstSuccess(verifiers, (each) => each.verify(token, audiences, signal)),
  };
}

async function firstSuccess<Method, Found>(
  methods: readonly Method[],
  run: (method: Method) => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const failures: unknown[] = [];
  for (const method of methods) {
    try {
      const found = await run(method);
      if (found !== undefined) return found;
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return undefined;
  throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join("; "));
}
