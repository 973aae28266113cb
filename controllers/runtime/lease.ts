/**
 * Leader election on a `coordination.k8s.io/v1` Lease, as client-go's `leaderelection` does it.
 *
 * Invariant: a holder stops leading, by its own clock, before anyone else may take over by theirs: `renewDeadlineMs`
 * counts from before the last successful renewal was sent, `leaseDurationMs` from when the other saw it. Clocks need
 * not agree on the time, only run at about the same speed; times inside the Lease are for people.
 */
import type { KubeObject, ObjectMeta } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "../../apiserver/client/client.ts";
import { isConflict, isNotFound } from "../../apiserver/errors/status-error.ts";
import { type Clock, delay, withJitter } from "../../apiserver/machinery/clock.ts";
import { formatMicroTime } from "../../apiserver/machinery/time.ts";
import type { Logger } from "./logger.ts";

export const leaseType: ResourceType = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  resource: "leases",
  namespaced: true,
};

/** client-go's defaults, which every Kubernetes controller uses. */
export const defaultLeaseTimes = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 } as const;

export type LeaseTimes = {
  /** How long others wait after the last renewal they saw. */
  readonly leaseDurationMs: number;
  /** How long a holder leads without a successful renewal; less than `leaseDurationMs`. */
  readonly renewDeadlineMs: number;
  /** Between attempts, by holders and candidates alike. */
  readonly retryPeriodMs: number;
};

export type LeaderElectorOptions = {
  readonly client: ResourceClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly namespace: string;
  readonly name: string;
  /** Unique per process, e.g. host name and a random part. */
  readonly identity: string;
  readonly times?: LeaseTimes;
  /** In [0, 1). */
  readonly random?: () => number;
  /** Told at each attempt that for longer than a lease lasts nobody could tell who leads, and why. */
  readonly onUnknown?: (error: unknown) => void;
};

type LeaseSpec = {
  holderIdentity?: string;
  leaseDurationSeconds?: number;
  acquireTime?: string;
  renewTime?: string;
  leaseTransitions?: number;
};
type Lease = { metadata: ObjectMeta; spec: LeaseSpec };

/** The Lease as last seen to change, and when that was by our clock. */
type Observation = { readonly resourceVersion: string; readonly atMs: number };

export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #times: LeaseTimes;
  readonly #random: () => number;
  readonly #log: Logger;
  #observed: Observation = { resourceVersion: "", atMs: 0 };
  #leading = false;
  /** When it was last known who leads. */
  #knownAtMs: number;
  /** Why it is not, as last logged. */
  #toldCause: string | undefined;

  constructor(options: LeaderElectorOptions) {
    const times = options.times ?? defaultLeaseTimes;
    if (times.renewDeadlineMs >= times.leaseDurationMs || times.retryPeriodMs >= times.renewDeadlineMs) {
      throw new RangeError("a lease needs retryPeriodMs < renewDeadlineMs < leaseDurationMs");
    }
    this.#options = options;
    this.#times = times;
    this.#random = options.random ?? Math.random;
    this.#knownAtMs = options.clock.elapsedMs();
    this.#log = options.log.child({ lease: `${options.namespace}/${options.name}`, identity: options.identity });
  }

  get lease(): string {
    return this.#options.name;
  }

  get leading(): boolean {
    return this.#leading;
  }

  /**
   * Campaigns, calls `lead` whenever elected and campaigns again when the lease is lost, until `signal` aborts; then
   * gives the lease up, so that a successor need not wait. `lead` must stop everything before it resolves.
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const sentAt = this.#options.clock.elapsedMs();
      if (await this.#tryAcquire(signal)) await this.#reign(sentAt, signal, lead);
      else await this.#pause(signal);
    }
  }

  async #reign(acquiredAt: number, signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const term = new AbortController();
    const resign = () => term.abort(signal.reason);
    signal.addEventListener("abort", resign, { once: true });
    if (signal.aborted) resign();
    this.#leading = true;
    this.#log.info({}, "became leader");
    const renewing = this.#keepRenewed(acquiredAt, term);
    try {
      await lead(term.signal);
    } finally {
      const lost = term.signal.aborted && !signal.aborted;
      term.abort(new Error("the leader's work ended"));
      await renewing;
      this.#leading = false;
      signal.removeEventListener("abort", resign);
      if (lost) this.#log.warn({}, "lost the lease");
      else await this.#release();
    }
  }

  /** Aborts `term` when the lease is lost, whatever a renewal that is under way may still be waiting for. */
  async #keepRenewed(acquiredAt: number, term: AbortController): Promise<void> {
    const { clock } = this.#options;
    const lose = () => term.abort(new Error("the lease could not be renewed"));
    const expireAfter = (renewedAt: number) =>
      clock.after(renewedAt + this.#times.renewDeadlineMs - clock.elapsedMs(), lose);
    let cancel = expireAfter(acquiredAt);
    for (;;) {
      await this.#pause(term.signal);
      if (term.signal.aborted) break;
      const sentAt = clock.elapsedMs();
      if (await this.#tryAcquire(term.signal)) {
        cancel();
        cancel = expireAfter(sentAt);
      }
    }
    cancel();
  }

  #pause(signal: AbortSignal): Promise<void> {
    return delay(
      this.#options.clock,
      withJitter(this.#times.retryPeriodMs, () => this.#random() * 0.2),
      signal,
    );
  }

  /** Takes, keeps or renews the lease; false when someone else has it or the server can't be asked. */
  async #tryAcquire(signal: AbortSignal): Promise<boolean> {
    try {
      const acquired = await this.#acquire(signal);
      this.#known();
      return acquired;
    } catch (error) {
      if (isConflict(error)) this.#known();
      else if (!signal.aborted) this.#unknown(error);
      return false;
    }
  }

  #known(): void {
    this.#knownAtMs = this.#options.clock.elapsedMs();
    if (this.#toldCause !== undefined) this.#log.info({}, "it is known again who leads");
    this.#toldCause = undefined;
  }

  /** One attempt that fails is nobody's concern; what lasts is logged once per cause. */
  #unknown(error: unknown): void {
    const { clock, onUnknown } = this.#options;
    if (clock.elapsedMs() - this.#knownAtMs < this.#times.leaseDurationMs) return;
    onUnknown?.(error);
    const cause = error instanceof Error ? error.message : String(error);
    if (cause === this.#toldCause) return;
    this.#toldCause = cause;
    this.#log.warn({ cause }, "nobody can tell who leads: the Lease cannot be read or written");
  }

  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { client, clock, identity } = this.#options;
    const lease = await this.#read(signal);
    if (lease === undefined) {
      this.#saw(await client.create(leaseType, this.#lease({}, this.#claim({})), { signal }));
      return true;
    }
    const resourceVersion = lease.metadata.resourceVersion ?? "";
    if (resourceVersion !== this.#observed.resourceVersion)
      this.#observed = { resourceVersion, atMs: clock.elapsedMs() };
    const holder = lease.spec.holderIdentity ?? "";
    const expired = clock.elapsedMs() >= this.#observed.atMs + this.#times.leaseDurationMs;
    if (holder !== "" && holder !== identity && !expired) return false;
    this.#saw(await client.update(leaseType, this.#lease(lease.metadata, this.#claim(lease.spec)), { signal }));
    return true;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, namespace, name } = this.#options;
    try {
      const { metadata, spec } = await client.get({ type: leaseType, namespace, name }, { signal });
      return { metadata, spec: parseSpec(spec) };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #claim(previous: LeaseSpec): LeaseSpec {
    const { clock, identity } = this.#options;
    const now = formatMicroTime(clock.now());
    const kept = previous.holderIdentity === identity;
    const transitions = previous.leaseTransitions ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(this.#times.leaseDurationMs / 1000),
      acquireTime: kept ? (previous.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: kept || previous.holderIdentity === undefined ? transitions : transitions + 1,
    };
  }

  #lease(metadata: ObjectMeta, spec: LeaseSpec): KubeObject {
    const { namespace, name } = this.#options;
    return { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: { ...metadata, namespace, name }, spec };
  }

  #saw({ metadata }: KubeObject): void {
    this.#observed = { resourceVersion: metadata.resourceVersion ?? "", atMs: this.#options.clock.elapsedMs() };
  }

  /** Best effort: without it the successor waits for the lease to expire. */
  async #release(): Promise<void> {
    const { client, identity, clock } = this.#options;
    const signal = AbortSignal.timeout(this.#times.retryPeriodMs);
    try {
      const lease = await this.#read(signal);
      if (lease?.spec.holderIdentity !== identity) return;
      const now = formatMicroTime(clock.now());
      const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
      await client.update(leaseType, this.#lease(lease.metadata, spec), { signal });
      this.#log.info({}, "released the lease");
    } catch (error) {
      this.#log.debug({ err: error }, "lease not released");
    }
  }
}

function parseSpec(value: KubeObject[string]): LeaseSpec {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (field: string) => {
    const found = fields.get(field);
    return typeof found === "string" ? { [field]: found } : {};
  };
  const transitions = fields.get("leaseTransitions");
  return {
    ...text("holderIdentity"),
    ...text("acquireTime"),
    ...(typeof transitions === "number" ? { leaseTransitions: transitions } : {}),
  };
}
