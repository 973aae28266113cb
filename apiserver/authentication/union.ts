import type { Authenticator } from "./authenticator.ts";

/**
 * Asks in order; the first user wins. One method's failure does not stop the next, but when none succeeds and one
 * failed, the failure stands (API A-01).
 */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator {
  return {
    authenticate: async (credentials, signal) => {
      const failures: unknown[] = [];
      for (const authenticator of authenticators) {
        try {
          const found = await authenticator.authenticate(credentials, signal);
          if (found !== undefined) return found;
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length === 0) return undefined;
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, failures.map(String).join("; "));
    },
  };
}
