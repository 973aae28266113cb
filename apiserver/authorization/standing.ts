/** What needs no policy and no question to anybody (API Z-01, Z-02, Z-04). */
import { mastersGroup } from "../authentication/user.ts";
import type { Authorizer, Decision } from "./authorizer.ts";
import { matchesPath } from "./rules.ts";

const noOpinion: Decision = { decision: "noOpinion", reason: "" };
const allow: Decision = { decision: "allow", reason: "" };

/** Members of `system:masters` may do everything. */
export const mastersAuthorizer: Authorizer = {
  authorize: async ({ user }) => (user.groups.includes(mastersGroup) ? allow : noOpinion),
};

/** Open to everybody, so that probes need no identity. */
export const defaultAllowedPaths: readonly string[] = ["/healthz", "/livez", "/readyz"];

/** @param patterns exact non-resource paths, or prefixes that end in `*` */
export function allowedPathsAuthorizer(patterns: readonly string[] = defaultAllowedPaths): Authorizer {
  return {
    authorize: async (attributes) =>
      !attributes.resourceRequest && patterns.some((pattern) => matchesPath(pattern, attributes.path))
        ? allow
        : noOpinion,
  };
}
