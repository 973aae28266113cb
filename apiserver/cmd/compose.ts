/**
 * The wiring of the whole program, in three steps: storage and registry, the chain of a request, the running server. What
 * differs between a laptop and a cluster is a `Profile`; everything here is the same for both and never asks which it has.
 *
 * Invariant: each part is made from parts that exist. The one circle, our own API and those who ask it, is closed by `late`.
 */
import { ComponentHealth } from "../../controllers/runtime/component-health.ts";
import { followByInformer } from "../../controllers/runtime/follow.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { followNamespaces } from "../admission/plugins/namespace-lifecycle/namespaces.ts";
import type { NamespaceLookup } from "../admission/plugins/namespace-lifecycle/plugin.ts";
import { authenticatedGroup, mastersGroup, type UserInfo } from "../authentication/user.ts";
import type { ResourceClient } from "../client/client.ts";
import type { ApiHandler } from "../endpoints/api-handler.ts";
import { LoopbackClient } from "../endpoints/loopback-client.ts";
import { StartError } from "../errors/start-error.ts";
import { systemClock } from "../machinery/clock.ts";
import { registerComponentMetrics } from "../observability/component-metrics.ts";
import type { Logger } from "../observability/log.ts";
import { RequestMetrics, registerBuildInfo } from "../observability/metrics.ts";
import { registerStorageSize, storageCallMetrics } from "../observability/storage-metrics.ts";
import { MeteredBackend } from "../storage/metered-backend.ts";
import { composeChain, type Progress } from "./compose-chain.ts";
import { composeRegistry } from "./compose-registry.ts";
import { runServer, type Started } from "./compose-run.ts";
import { guardStorage } from "./guarded-storage.ts";
import { late } from "./late.ts";
import { effectiveLimits } from "./limits-table.ts";
import type { Options } from "./options.ts";
import type { Foundation, FoundationParts } from "./profile.ts";
import { openBackendWhenReachable } from "./storage.ts";
import { version } from "./version.ts";

export type Running<F extends Foundation> = Started & { readonly foundation: F };

/** The server as a user of its own API and, on a laptop, of its own cluster. */
const serverUser: UserInfo = { name: "system:apiserver", groups: [mastersGroup, authenticatedGroup] };

/**
 * Composes and starts a server.
 * @throws Error that says what is wrong when it cannot run: storage in use, port taken, host cluster unreachable
 */
export async function run<F extends Foundation>(
  options: Options,
  log: Logger,
  layFoundation: (parts: FoundationParts) => Promise<F>,
): Promise<Running<F>> {
  const ending = new AbortController();
  const { signal } = ending;
  await using failed = new AsyncDisposableStack();
  failed.defer(() => ending.abort());
  const opened = failed.use(await openBackendWhenReachable(options, { log, signal }));
  const metrics = new RequestMetrics({ processMetrics: true });
  metrics.setLimits(effectiveLimits(options));
  registerBuildInfo(metrics.registry, version);
  const foundation = await layFoundation({ options, metrics, log, signal });
  const metered = new MeteredBackend(opened, storageCallMetrics(metrics.registry, metrics.budget));
  const { backend, guard } = await guardStorage(metered, foundation.storeMemory, log, signal);
  registerStorageSize(metrics.registry, options.etcdServers.length === 0 ? "embedded" : "etcd", () =>
    opened.sizeBytes(),
  );
  if (foundation.refusesAtStart && guard.refusal !== undefined) throw new StartError(guard.refusal);

  const schemas = loadSchemas();
  const loopback = late<Parameters<ApiHandler>, Awaited<ReturnType<ApiHandler>>>();
  const own: ResourceClient = new LoopbackClient(loopback.call, serverUser);
  const profile = await foundation.profile({ own, schemas, refusal: () => guard.refusal });

  const namespaces = late<Parameters<NamespaceLookup>, Awaited<ReturnType<NamespaceLookup>>>();
  const { maxReplicas } = options;
  const parts = { backend, guard, schemas, profile, options, metrics, log, signal };
  const components = new ComponentHealth(systemClock);
  const registry = composeRegistry({ ...parts, namespaces: namespaces.call, maxReplicas, health: components });

  const progress: Progress = { started: false, synced: false, stopping: false, components };
  registerComponentMetrics(parts.metrics.registry, () => components.states());
  const chain = composeChain({ ...parts, registry, progress });
  loopback.set(chain.loopback);

  const follow = followByInformer({ clock: systemClock, log, health: components });
  const following = once(async () => namespaces.set(await followNamespaces(profile.host, follow, signal)));
  const begin = async (): Promise<void> => {
    await following();
    await profile.prepare();
    await Promise.all(registry.stored.map((endpoint) => own.list(endpoint, { limit: 1 })));
  };
  const started = await runServer({ ...parts, own, endpoints: registry.stored, chain, progress, begin });
  failed.move();
  return {
    ...started,
    foundation,
    /** As of `Started`; then storage closes. */
    stop: async () => {
      await started.stop();
      ending.abort();
      await backend[Symbol.asyncDispose]();
    },
  };
}

/** Does `work` at the first call, and again only after it failed; calls meanwhile wait for the same. */
function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work().catch((error: unknown) => {
      done = undefined;
      throw error;
    });
    return done;
  };
}
