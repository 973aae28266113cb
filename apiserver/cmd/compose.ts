/**
 * The wiring of the whole program. What differs between a laptop and a cluster is a `Profile`; everything below is the
 * same for both and never asks which one it has.
 */

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { Controller } from "../../controllers/runtime/controller.ts";
import { ClientEventRecorder } from "../../controllers/runtime/event-recorder.ts";
import { SharedInformers } from "../../controllers/runtime/informers.ts";
import type { EventRecorder, InformerFactory } from "../../controllers/runtime/interface.ts";
import { LeaderElector, type LeaseTimes } from "../../controllers/runtime/lease.ts";
import { Manager } from "../../controllers/runtime/manager.ts";
import type { SchemaSet } from "../../openapi/schema.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { AdmissionChain } from "../admission/chain.ts";
import type { AdmissionPlugin } from "../admission/interface.ts";
import { followNamespaces } from "../admission/plugins/namespace-lifecycle/namespaces.ts";
import type { NamespaceLookup } from "../admission/plugins/namespace-lifecycle/plugin.ts";
import { admissionPlugins } from "../admission/plugins.ts";
import type { Authenticator } from "../authentication/authenticator.ts";
import type { FrontProxyConfig } from "../authentication/front-proxy.ts";
import { authenticatedGroup, mastersGroup, type UserInfo } from "../authentication/user.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { ResourceClient, ResourceType } from "../client/client.ts";
import { discoveryHandlers } from "../endpoints/discovery.ts";
import { installApi } from "../endpoints/installer.ts";
import { LoopbackClient } from "../endpoints/loopback-client.ts";
import { openApiHandlers } from "../endpoints/openapi.ts";
import { openApiSource } from "../endpoints/openapi-source.ts";
import { indexHandlers, versionHandler } from "../endpoints/system-paths.ts";
import { StartError } from "../errors/start-error.ts";
import { withAuthentication } from "../filters/authentication.ts";
import { withAuthorization } from "../filters/authorization.ts";
import { withImpersonation } from "../filters/impersonation.ts";
import { withStoreGate } from "../filters/store-gate.ts";
import { systemClock } from "../machinery/clock.ts";
import type { Logger } from "../observability/log.ts";
import { RequestMetrics } from "../observability/metrics.ts";
import { createEndpoints } from "../registry/generic/endpoint.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";
import type { ResourceDefinition } from "../registry/rest/strategy.ts";
import { buildChain } from "../server/chain.ts";
import { healthHandlers, standardChecks, unknownCheckPrefixes } from "../server/health.ts";
import { metricsHandler } from "../server/metrics-handler.ts";
import { startServer, type TlsFiles } from "../server/server.ts";
import type { StoreGuard } from "../storage/guard/store-guard.ts";
import type { StoreMemory } from "../storage/guard/store-memory.ts";
import { guardStorage } from "./guarded-storage.ts";
import { effectiveLimits } from "./limits-table.ts";
import type { Options } from "./options.ts";
import { openBackend } from "./storage.ts";
import { version } from "./version.ts";

/** What a profile's controllers are made from. */
export type ControllerParts = {
  /** Of the kinds this server serves. */
  readonly own: InformerFactory;
  /** Of the cluster the workloads run in. */
  readonly host: InformerFactory;
  readonly events: EventRecorder;
  readonly types: readonly ResourceType[];
};

/** The Lease by which one replica is chosen. */
export type Election = {
  readonly client: ResourceClient;
  readonly namespace: string;
  readonly name: string;
  readonly times: LeaseTimes;
};

/** What differs between the ways to run. */
export type Profile = {
  readonly definitions: readonly ResourceDefinition[];
  /** Endpoints that no storage is behind. */
  readonly reviews: readonly ResourceEndpoint[];
  readonly admission: readonly AdmissionPlugin[];
  readonly tls: () => TlsFiles;
  /** Has `listener` called whenever `tls` gives something else. */
  readonly onTlsChange: (listener: () => void) => void;
  /** Where it is remembered which store this installation uses. */
  readonly storeMemory: StoreMemory;
  /** A store that must not be used ends the start; else the server waits for a better one and says why. */
  readonly refusesAtStart: boolean;
  /** Which of several replicas runs the controllers. Absent: there is only one. */
  readonly election?: Election;
  readonly bindAddress: string;
  readonly authenticator: Authenticator;
  readonly frontProxy: () => FrontProxyConfig;
  readonly authorizer: Authorizer;
  /** The cluster that has namespaces and runs workloads; on a laptop this server itself. */
  readonly host: ResourceClient;
  /** Runs once the API answers in this process, before anybody else is let in. */
  readonly prepare: () => Promise<void>;
  readonly controllers: (parts: ControllerParts) => readonly Controller[];
};

/** What a profile may build on. `own` works once the server is composed. */
export type ProfileParts = {
  readonly own: ResourceClient;
  readonly options: Options;
  readonly log: Logger;
  readonly schemas: SchemaSet;
  readonly signal: AbortSignal;
  /** Why the store must not be used now; for what is asked once the server is composed. */
  readonly refusal: () => string | undefined;
};

export type Running = {
  readonly address: string;
  readonly port: number;
  /** Stops in order: not ready, no new connections, requests end, controllers end, storage closes. */
  stop(): Promise<void>;
};

/** The server as a user of its own API and, on a laptop, of its own cluster. */
const serverUser: UserInfo = { name: "system:apiserver", groups: [mastersGroup, authenticatedGroup] };
/** Requests in flight get this long when the server stops, in ms: as long as any may take (API R-20). */
const shutdownGraceMs = 60_000;

/**
 * Composes and starts a server.
 * @throws Error that says what is wrong when it cannot run: storage in use, port taken, host cluster unreachable
 */
export async function run(
  options: Options,
  log: Logger,
  makeProfile: (parts: ProfileParts) => Promise<Profile>,
): Promise<Running> {
  const ending = new AbortController();
  const { signal } = ending;
  await using failed = new AsyncDisposableStack();
  failed.defer(() => ending.abort());
  const opened = await openBackend(options);
  const schemas = loadSchemas();
  failed.use(opened);

  const own: ResourceClient = new LoopbackClient((request) => chain.loopback(request), serverUser);
  const profile = await makeProfile({ own, options, log, schemas, signal, refusal: () => guard.refusal });
  const { backend, guard } = await guardStorage(opened, profile.storeMemory, log, signal);
  if (profile.refusesAtStart && guard.refusal !== undefined) throw new StartError(guard.refusal);
  const namespaces = lateNamespaces();
  const { maxReplicas } = options;
  const admission = new AdmissionChain([
    ...admissionPlugins({ namespaces: namespaces.lookup, maxReplicas }),
    ...profile.admission,
  ]);
  const onCacheFailure = (resource: string, err: unknown): void =>
    log.warn({ resource, err }, "watch cache lost storage, starting again");
  const metrics = new RequestMetrics({ processMetrics: true });
  metrics.setLimits(effectiveLimits(options));
  const endpoints = profile.definitions.flatMap((definition) =>
    createEndpoints(definition, {
      backend,
      schemas,
      admission,
      signal,
      onCacheFailure,
      onSlowReader: (resource) => metrics.watcherTerminated(resource),
    }),
  );
  const resources = [...endpoints, ...profile.reviews];
  const state = { started: false, synced: false, stopping: false };
  const openApi = openApiHandlers(
    openApiSource(resources, schemas, { title: "Function Mesh", version: version.gitVersion }),
    new Date(),
  );
  const checks = standardChecks({
    ping: () => backend.ping(),
    pingWrite: () => backend.pingWrite(),
    storeRefusal: () => guard.refusal,
    informersSynced: () => state.synced,
    shuttingDown: () => state.stopping,
    hooks: new Map([["start-function-mesh-apiserver", () => state.started]]),
  });
  const paths = new Map([
    ...discoveryHandlers(resources),
    ...openApi.paths,
    ...healthHandlers(checks, log),
    ["/version", versionHandler(version)] as const,
    ["/metrics", metricsHandler(metrics)] as const,
  ]);
  const handler = installApi({
    resources,
    paths: new Map([...indexHandlers(paths.keys()), ...paths]),
    prefixes: [...openApi.prefixes, ...unknownCheckPrefixes],
    minWatchMs: options.minRequestTimeout,
  });
  const { authenticator, authorizer, frontProxy } = profile;
  const stored = new Set(endpoints.map(({ group, resource }) => `${group}/${resource}`));
  const gate = withStoreGate({
    refusal: () => guard.refusal,
    isStored: ({ group, resource }) => stored.has(`${group}/${resource}`),
  });
  const chain = buildChain({
    handler: gate(handler),
    resources,
    metrics,
    log,
    authentication: withAuthentication({
      authenticator,
      frontProxy,
      onFailure: (err, { auditId }) => log.info({ auditId, reason: sentenceOf(err) }, "credentials refused"),
    }),
    impersonation: withImpersonation({ authorizer }),
    authorization: withAuthorization({
      authorizer,
      onFailure: (err, { auditId }) => log.error({ auditId, err }, "authorizer failed"),
    }),
    requestTimeoutMs: options.requestTimeout,
    inFlight: { readOnly: options.maxRequestsInflight, mutating: options.maxMutatingRequestsInflight },
  });

  const onError = (err: unknown): void => log.warn({ err }, "cannot follow namespaces");
  const begin = async (): Promise<void> => {
    if (!namespaces.isSet()) namespaces.set(await followNamespaces(profile.host, { signal, onError }));
    await profile.prepare();
    await Promise.all(endpoints.map((endpoint) => own.list(endpoint, { limit: 1 })));
  };
  const isUsable = guard.refusal === undefined;
  if (isUsable) await begin();
  const tls = profile.tls();
  const server = await startServer({
    handler: chain.handler,
    bindAddress: profile.bindAddress,
    port: options.securePort,
    tls,
    http2: options.http2,
    http2MaxStreams: options.http2MaxStreams,
    log,
  });
  let served = tls;
  const reloadTls = (): void => {
    const next = profile.tls();
    if (next.cert === served.cert && next.key === served.key && next.clientCas === served.clientCas) return;
    server.reloadTls(next);
    served = next;
  };
  profile.onTlsChange(reloadTls);
  reloadTls(); // they may have changed while the listener was opened
  state.started = true;
  const enter = (): { stop(): Promise<void> } => {
    state.synced = true;
    return startControllers(profile, own, endpoints, log);
  };
  let controllers = isUsable ? enter() : undefined;
  if (!isUsable) {
    void beginLate(guard, begin, log, signal).then((hasBegun) => {
      if (hasBegun && !state.stopping) controllers = enter();
    });
  }
  failed.move();
  return {
    address: server.address,
    port: server.port,
    stop: async () => {
      state.stopping = true;
      if (options.shutdownDelayDuration > 0)
        await new Promise((resolve) => setTimeout(resolve, options.shutdownDelayDuration));
      await Promise.all([server.close(shutdownGraceMs), controllers?.stop()]);
      ending.abort();
      await backend[Symbol.asyncDispose]();
    },
  };
}

/** Bad credentials are no defect of ours: one line, without a stack. */
const sentenceOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Between two attempts to begin on a store that has just become usable, in ms. */
const beginAgainMs = 1000;

/** Begins when the store may be used at last; false when the server stops before. */
async function beginLate(guard: StoreGuard, begin: () => Promise<void>, log: Logger, signal: AbortSignal) {
  while (!signal.aborted) {
    await guard.whenUsable();
    try {
      await begin();
      return true;
    } catch (err) {
      if (!signal.aborted) log.warn({ err }, "the server could not begin, trying again");
    }
    await new Promise((resolve) => systemClock.after(beginAgainMs, () => resolve(undefined)));
  }
  return false;
}

/** Admission is built before there is a client to ask for namespaces; nothing is admitted before there is one. */
function lateNamespaces(): {
  readonly lookup: NamespaceLookup;
  set(lookup: NamespaceLookup): void;
  isSet(): boolean;
} {
  const known = Promise.withResolvers<NamespaceLookup>();
  const late: NamespaceLookup = async (name, signal) => (await known.promise)(name, signal);
  let current = late;
  return {
    lookup: (name, signal) => current(name, signal),
    set(lookup) {
      current = lookup;
      known.resolve(lookup);
    },
    isSet: () => current !== late,
  };
}

function startControllers(
  profile: Profile,
  own: ResourceClient,
  endpoints: readonly ResourceEndpoint[],
  parent: Logger,
): { stop(): Promise<void> } {
  const log = parent.child({ component: "controllers" });
  const clock = systemClock;
  const ownInformers = new SharedInformers({ client: own, clock, log });
  const hostInformers = profile.host === own ? ownInformers : new SharedInformers({ client: profile.host, clock, log });
  const events = new ClientEventRecorder({ client: profile.host, clock, log, component: "function-mesh" });
  // Each object once: controllers know it as it is stored.
  const types = endpoints.filter(({ group, version, stored }) => group === stored.group && version === stored.version);
  const controllers = profile.controllers({ own: ownInformers, host: hostInformers, events, types });
  const ending = new AbortController();
  const { election } = profile;
  const elector = election && new LeaderElector({ clock, log, identity: `${hostname()}_${randomUUID()}`, ...election });
  const manager = new Manager({
    informers: [...new Set([ownInformers, hostInformers])],
    controllers,
    ...(elector === undefined ? {} : { elector }),
    log,
  });
  const running = manager.run(ending.signal).catch((err: unknown) => log.error({ err }, "controllers ended"));
  return {
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

/** Picks controllers by `--controllers`: `*` is all of them, `-name` leaves one out, `name` adds one. */
export function selectControllers(all: readonly Controller[], wanted: readonly string[]): readonly Controller[] {
  return all.filter(({ name }) => wanted.includes(name) || (wanted.includes("*") && !wanted.includes(`-${name}`)));
}
