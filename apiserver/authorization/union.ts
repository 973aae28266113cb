import type { Attributes, Authorizer, Decision } from "./authorizer.ts";

/**
 * Asks in order; the first `allow` or `deny` stands. When nobody has an opinion, their reasons are the answer's.
 * A failure stands too, unless somebody asked before had an opinion (API Z-10).
 */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize: async (attributes: Attributes, signal?: AbortSignal): Promise<Decision> => {
      const reasons: string[] = [];
      for (const authorizer of authorizers) {
        const decision = await authorizer.authorize(attributes, signal);
        if (decision.decision !== "noOpinion") return decision;
        if (decision.reason !== "") reasons.push(decision.reason);
      }
      return { decision: "noOpinion", reason: reasons.join("\n") };
    },
  };
}
