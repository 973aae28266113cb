/** Third step: from a composed server to one that listens, reconciles, and stops in order. */
import { randomUUID, X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import { ClientEventRecorder } from "../../controllers/runtime/event-recorder.ts";
import { SharedInformers } from "../../controllers/runtime/informers.ts";
import { LeaderElector } from "../../controllers/runtime/lease.ts";
import { Manager } from "../../controllers/runtime/manager.ts";
import { group as computeGroup } from "../apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../apis/meta/v1.ts";
import type { ResourceClient } from "../client/client.ts";
import { delay, systemClock } from "../machinery/clock.ts";
import { objectOf, textOf } from "../machinery/fields.ts";
import {
  controllerMetrics,
  type ObjectState,
  registerCertificateExpiry,
  registerLeadership,
  registerObjectStates,
} from "../observability/controller-metrics.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";
import type { Chain } from "../server/chain.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import type { StoreGuard } from "../storage/guard/store-guard.ts";
import { leaderElection, type Progress } from "./compose-chain.ts";
import { isStoredVersion } from "./compose-registry.ts";
import type { Options } from "./options.ts";
import type { Profile } from "./profile.ts";

export type RunParts = {
  readonly profile: Profile;
  readonly own: ResourceClient;
  readonly endpoints: readonly ResourceEndpoint[];
  readonly chain: Chain;
  readonly guard: StoreGuard;
  readonly progress: Progress;
  readonly metrics: RequestMetrics;
  /** What must be there before anybody is let in; may be tried again. */
  readonly begin: () => Promise<void>;
  readonly options: Options;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

export type Started = {
  readonly address: string;
  readonly port: number;
  /** In order: not ready, no new connections, requests end, controllers end. */
  stop(): Promise<void>;
};

type Stoppable = { stop(): Promise<void> };

/** Requests in flight get this long when the server stops, in ms: as long as any may take (API R-20). */
const shutdownGraceMs = 60_000;

/** Listens, and reconciles as soon as the store may be used. */
export async function runServer(parts: RunParts): Promise<Started> {
  const { guard, progress, begin, options, log, signal } = parts;
  const isUsable = guard.refusal === undefined;
  if (isUsable) await begin();
  const server = await listen(parts);
  progress.started = true;
  const enter = (): Stoppable => {
    progress.synced = true;
    return startControllers(parts);
  };
  let controllers = isUsable ? enter() : undefined;
  if (!isUsable) {
    void beginLate(guard, begin, log, signal).then((hasBegun) => {
      if (hasBegun && !progress.stopping) controllers = enter();
    });
  }
  return {
    address: server.address,
    port: server.port,
    stop: async () => {
      progress.stopping = true;
      // By half of the time Services lead new connections elsewhere; open ones are to follow before they are cut.
      await delay(systemClock, options.shutdownDelayDuration / 2, signal);
      server.retire();
      await delay(systemClock, options.shutdownDelayDuration / 2, signal);
      await Promise.all([server.close(shutdownGraceMs), controllers?.stop()]);
    },
  };
}

/** On the port of the options, with whatever certificate is the newest. */
async function listen({ profile, chain, metrics, options, log }: RunParts): Promise<RunningServer> {
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
  registerCertificateExpiry(metrics.registry, () => new X509Certificate(served.cert).validToDate.getTime());
  reloadTls(); // they may have changed while the listener was opened
  return server;
}

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
    await delay(systemClock, beginAgainMs, signal);
  }
  return false;
}

function stateOf(kind: string, object: KubeObject): ObjectState {
  const status = objectOf(object, "status");
  return { kind, phase: textOf(status, "phase"), reason: textOf(status, "reason") };
}

function startControllers({
  profile,
  own,
  endpoints,
  progress,
  metrics: requestMetrics,
  log: parent,
}: RunParts): Stoppable {
  const log = parent.child({ component: "controllers" });
  const clock = systemClock;
  const health = progress.components;
  const ownInformers = new SharedInformers({ client: own, clock, log, health });
  const hostInformers =
    profile.host === own ? ownInformers : new SharedInformers({ client: profile.host, clock, log, health });
  const events = new ClientEventRecorder({ client: profile.host, clock, log, component: "function-mesh" });
  // Each object once: controllers know it as it is stored.
  const types = endpoints.filter(isStoredVersion);
  const { registry } = requestMetrics;
  const metrics = controllerMetrics(registry);
  const kinds = types.filter(({ group }) => group === computeGroup).map((type) => ownInformers.informer(type));
  registerObjectStates(registry, () =>
    kinds.flatMap(({ type, lister }) => lister.list().map((object) => stateOf(type.kind, object))),
  );
  const controllers = profile.controllers({ own: ownInformers, host: hostInformers, events, types, metrics });
  const ending = new AbortController();
  const { election } = profile;
  const onUnknown = (error: unknown): void => health.erred(leaderElection, error);
  const elector =
    election && new LeaderElector({ clock, log, identity: `${hostname()}_${randomUUID()}`, onUnknown, ...election });
  if (elector !== undefined) registerLeadership(registry, elector.lease, () => elector.leading);
  const manager = new Manager({
    informers: [...new Set([ownInformers, hostInformers])],
    controllers,
    ...(elector === undefined ? {} : { elector }),
    health,
    clock,
    log,
  });
  const running = manager.run(ending.signal).catch((err: unknown) => {
    health.failed("controllers", err);
    log.error({ err }, "controllers ended");
  });
  return {
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}
