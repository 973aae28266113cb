/** Who asks and whether they may (API MT-17). */
import { Counter, Histogram, type Registry } from "@prometheus-io/client";

const durationBuckets = [0.001, 0.005, 0.025, 0.1, 0.5, 1, 5];

export type AuthenticationResult = "success" | "failure" | "error";
export type AuthorizationResult = "allowed" | "denied" | "error";

export type AccessMetrics = {
  /** @param user  name of who was found */
  readonly authenticated: (result: AuthenticationResult, ms: number, user?: string) => void;
  readonly authorized: (result: AuthorizationResult, ms: number) => void;
};

export function accessMetrics(registry: Registry): AccessMetrics {
  const registers = [registry];
  const byResult = { labelNames: ["result"] as const, registers };
  const users = new Counter({
    name: "authenticated_user_requests",
    help: "Requests by who asked: a component of Kubernetes, an address of mail, or somebody else.",
    labelNames: ["username"] as const,
    registers,
  });
  const attempts = new Counter({
    name: "authentication_attempts",
    help: "Requests by what came of their credentials.",
    ...byResult,
  });
  const authentications = new Histogram({
    name: "authentication_duration_seconds",
    help: "How long it took to find out who asks.",
    buckets: durationBuckets,
    ...byResult,
  });
  const decisions = new Counter({
    name: "authorization_attempts_total",
    help: "Requests by whether their user may.",
    ...byResult,
  });
  const authorizations = new Histogram({
    name: "authorization_duration_seconds",
    help: "How long it took to find out whether they may.",
    buckets: durationBuckets,
    ...byResult,
  });
  return {
    authenticated: (result, ms, user) => {
      attempts.inc({ result });
      authentications.observe({ result }, ms / 1000);
      if (user !== undefined) users.inc({ username: kindOfUser(user) });
    },
    authorized: (result, ms) => {
      decisions.inc({ result });
      authorizations.observe({ result }, ms / 1000);
    },
  };
}

const components: ReadonlySet<string> = new Set([
  "system:admin",
  "system:anonymous",
  "system:apiserver",
  "system:aggregator",
  "system:kube-aggregator",
  "system:kube-controller-manager",
  "system:kube-scheduler",
]);

/** A name is the client's to choose, so it is no label; as upstream, but with the names that Kubernetes has today. */
function kindOfUser(name: string): string {
  if (components.has(name)) return name;
  return name.includes("@") ? "email_id" : "other";
}
