/**
 * What a kubelet does for one container, without a node: it starts it again when it ends, ends it when its liveness probe
 * has failed as often as the Deployment says, and knows from its readiness probe whether Services may lead to it.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject } from "../../../apiserver/apis/meta/v1.ts";
import { numberOf, objectOf, textOf } from "../../../apiserver/machinery/fields.ts";
import { eventually, freePort, type Process, type ProcessOptions } from "../../support/processes.ts";
import { ServicePort } from "../../support/service-port.ts";
import { deployedContainer, type Installation } from "./aggregated.ts";
import { get } from "./http.ts";

export type Probe = {
  readonly path: string;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
  /** From SIGTERM to SIGKILL when it is this probe that ends the container. */
  readonly graceMs: number;
};

/** A container's probe with Kubernetes' own defaults for what it leaves out. */
export function probeOf(container: JsonObject, name: "livenessProbe" | "readinessProbe"): Probe {
  const probe = objectOf(container, name);
  return {
    path: textOf(objectOf(probe, "httpGet"), "path"),
    periodMs: (numberOf(probe, "periodSeconds") ?? 10) * 1000,
    timeoutMs: (numberOf(probe, "timeoutSeconds") ?? 1) * 1000,
    failures: numberOf(probe, "failureThreshold") ?? 3,
    graceMs: (numberOf(probe, "terminationGracePeriodSeconds") ?? 80) * 1000,
  };
}

export type PodOptions = {
  readonly url: string;
  readonly ca: string;
  readonly start: () => Process;
  readonly liveness: Probe;
  readonly readiness: Probe;
  readonly onReadiness: () => void;
};

export class Pod implements AsyncDisposable {
  readonly #options: PodOptions;
  readonly #loops: Promise<void>[];
  #process: Process;
  #wanted = true;
  #disposed = false;
  #ready = false;
  #started: Process | undefined;
  #restarts = 0;

  constructor(options: PodOptions) {
    this.#options = options;
    this.#process = options.start();
    this.#loops = [this.#keepRunning(), this.#watchReadiness(), this.#watchLiveness()];
  }

  get ready(): boolean {
    return this.#ready;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get process(): Process {
    return this.#process;
  }

  /** As when it is deleted: nothing starts it again before `start`. */
  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#process.stop(30_000);
  }

  start(): void {
    this.#wanted = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#process.kill("SIGKILL");
    await Promise.all(this.#loops);
  }

  async #keepRunning(): Promise<void> {
    for (; !this.#disposed; await pause(500)) {
      await this.#process.exited;
      this.#noteReadiness(false);
      if (!this.#wanted || this.#disposed) continue;
      this.#restarts++;
      this.#process = this.#options.start();
    }
  }

  async #watchReadiness(): Promise<void> {
    const { readiness } = this.#options;
    for (let failures = 0; !this.#disposed; ) {
      const next = pause(readiness.periodMs);
      failures = (await this.#passes(readiness)) ? 0 : failures + 1;
      if (failures === 0) this.#noteReadiness(true);
      else if (failures >= readiness.failures) this.#noteReadiness(false);
      await next;
    }
  }

  async #watchLiveness(): Promise<void> {
    const { liveness } = this.#options;
    for (let failures = 0; !this.#disposed; ) {
      const next = pause(liveness.periodMs);
      const probed = this.#process;
      const passes = await this.#passes(liveness);
      // Until it has answered once, the startup probe is patient with it.
      failures = passes || probed !== this.#started ? 0 : failures + 1;
      if (failures >= liveness.failures && this.#wanted) {
        failures = 0;
        await probed.stop(liveness.graceMs);
      }
      await next;
    }
  }

  async #passes({ path, timeoutMs }: Probe): Promise<boolean> {
    const { url, ca } = this.#options;
    const probed = this.#process;
    const answered = get(`${url}${path}`, ca).then(
      ({ status }) => status === 200,
      () => false,
    );
    const passes = await Promise.race([answered, pause(timeoutMs).then(() => false)]);
    if (passes) this.#started = probed;
    return passes;
  }

  #noteReadiness(ready: boolean): void {
    if (ready === this.#ready) return;
    this.#ready = ready;
    this.#options.onReadiness();
  }
}

/** Replicas as the Deployment runs them, and the Service that leads to those that are ready. */
export type Replicas = AsyncDisposable & {
  readonly pods: readonly Pod[];
  readonly service: ServicePort;
  /** Of the container's liveness probe. */
  readonly liveness: Probe;
  /** Resolves when the Service leads to all of them. */
  ready(): Promise<void>;
};

const startMs = 90_000;

/** Starts `count` replicas and has the aggregator reach them by their Service, once all are ready. */
export async function startReplicas(
  installation: Installation,
  count: number,
  options: ProcessOptions = {},
): Promise<Replicas> {
  await using stack = new AsyncDisposableStack();
  const container = await deployedContainer();
  const [liveness, readiness] = [probeOf(container, "livenessProbe"), probeOf(container, "readinessProbe")];
  const service = stack.use(await ServicePort.open());
  const pods: Pod[] = [];
  const endpoints = new Map<Pod, number>();
  const onReadiness = (): void => {
    service.endpoints = [...endpoints].filter(([pod]) => pod.ready).map(([, port]) => port);
  };
  for (let index = 0; index < count; index++) {
    const port = await freePort();
    const pod = new Pod({
      url: `https://127.0.0.1:${port}`,
      ca: installation.servingAuthority.pem,
      start: () => installation.startReplica(`server-${index}`, port, options),
      ...{ liveness, readiness, onReadiness },
    });
    pods.push(stack.use(pod));
    endpoints.set(pod, port);
  }
  const ready = (): Promise<void> =>
    eventually(async () => {
      if (service.endpoints.length !== count) throw new Error(`${service.endpoints.length} of ${count} are ready`);
    }, startMs);
  await ready();
  await installation.route(service.port);
  const owned = stack.move();
  return { pods, service, liveness, ready, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
