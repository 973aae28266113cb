/** Second step: what becomes of a request, from its first filter to the registry. */
import type { ComponentHealth } from "../../controllers/runtime/component-health.ts";
import type { SchemaSet } from "../../openapi/schema.ts";
import type { ApiHandler } from "../endpoints/api-handler.ts";
import { discoveryHandlers } from "../endpoints/discovery.ts";
import { installApi } from "../endpoints/installer.ts";
import { openApiHandlers } from "../endpoints/openapi.ts";
import { openApiSource } from "../endpoints/openapi-source.ts";
import { indexHandlers, versionHandler } from "../endpoints/system-paths.ts";
import { withAuthentication } from "../filters/authentication.ts";
import { withAuthorization } from "../filters/authorization.ts";
import { withImpersonation } from "../filters/impersonation.ts";
import { withStoreGate } from "../filters/store-gate.ts";
import { accessMetrics } from "../observability/access-metrics.ts";
import { HealthMetrics } from "../observability/health-metrics.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import { watchMetrics } from "../observability/watch-metrics.ts";
import { buildChain, type Chain } from "../server/chain.ts";
import { healthHandlers, standardChecks, unknownCheckPrefixes } from "../server/health.ts";
import { metricsHandler } from "../server/metrics-handler.ts";
import type { StoreGuard } from "../storage/guard/store-guard.ts";
import type { StorageBackend } from "../storage/interface.ts";
import { cachesLoaded, type Registry } from "./compose-registry.ts";
import type { Options } from "./options.ts";
import type { Profile } from "./profile.ts";
import { version } from "./version.ts";

/** Name of the component that finds out which replica reconciles. */
export const leaderElection = "leader election";

/** How far the server has come; health tells of it. */
export type Progress = {
  started: boolean;
  synced: boolean;
  stopping: boolean;
  readonly components: ComponentHealth;
};

export type ChainParts = {
  readonly registry: Registry;
  readonly schemas: SchemaSet;
  readonly profile: Profile;
  readonly backend: StorageBackend;
  readonly guard: StoreGuard;
  readonly progress: Readonly<Progress>;
  readonly options: Options;
  readonly metrics: RequestMetrics;
  readonly log: Logger;
};

export function composeChain(parts: ChainParts): Chain {
  const { registry, profile, guard, options, metrics, log } = parts;
  const { authenticator, authorizer, frontProxy } = profile;
  const access = accessMetrics(metrics.registry);
  const stored = new Set(registry.stored.map(({ group, resource }) => `${group}/${resource}`));
  const gate = withStoreGate({
    refusal: () => guard.refusal,
    isStored: ({ group, resource }) => stored.has(`${group}/${resource}`),
  });
  return buildChain({
    handler: gate(apiHandler(parts)),
    resources: registry.resources,
    metrics,
    log,
    authentication: withAuthentication({
      authenticator,
      frontProxy,
      onResult: access.authenticated,
      onFailure: (err, { auditId }) => log.info({ auditId, reason: sentenceOf(err) }, "credentials refused"),
    }),
    impersonation: withImpersonation({ authorizer }),
    authorization: withAuthorization({
      authorizer,
      onResult: access.authorized,
      onFailure: (err, { auditId }) => log.error({ auditId, err }, "authorizer failed"),
    }),
    requestTimeoutMs: options.requestTimeout,
    inFlight: { readOnly: options.maxRequestsInflight, mutating: options.maxMutatingRequestsInflight },
  });
}

/** Everything beneath the filters: resources, documents, health. */
function apiHandler({ registry, schemas, backend, guard, progress, options, metrics, log }: ChainParts): ApiHandler {
  const { resources } = registry;
  const source = openApiSource(resources, schemas, { title: "Function Mesh", version: version.gitVersion });
  const openApi = openApiHandlers(source, new Date());
  const loaded = cachesLoaded(registry.stored);
  const erring = (): readonly string[] => progress.components.errors().map(({ component }) => component);
  const checks = standardChecks({
    ping: () => backend.ping(),
    pingWrite: () => backend.pingWrite(),
    storeRefusal: () => guard.refusal,
    informersSynced: () => progress.synced && loaded(),
    failedComponents: () => progress.components.failures().map(({ component, message }) => `${component}: ${message}`),
    erringPlugins: () => erring().filter((component) => component !== leaderElection),
    leaderUnknown: () => erring().includes(leaderElection),
    shuttingDown: () => progress.stopping,
    hooks: new Map([["start-function-mesh-apiserver", () => progress.started]]),
  });
  const slis = new HealthMetrics();
  const paths = new Map([
    ...discoveryHandlers(resources),
    ...openApi.paths,
    ...healthHandlers(checks, log, (check, endpoint, passed) => slis.observe(check, endpoint, passed)),
    ["/version", versionHandler(version)] as const,
    ["/metrics", metricsHandler(metrics)] as const,
    ["/metrics/slis", metricsHandler(slis)] as const,
  ]);
  return installApi({
    resources,
    paths: new Map([...indexHandlers(paths.keys()), ...paths]),
    prefixes: [...openApi.prefixes, ...unknownCheckPrefixes],
    minWatchMs: options.minRequestTimeout,
    watches: watchMetrics(metrics.registry, metrics.budget),
  });
}

/** Bad credentials are no defect of ours: one line, without a stack. */
const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
