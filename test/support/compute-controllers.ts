import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import { computeControllers } from "../../controllers/controllers.ts";
import { ComponentHealth } from "../../controllers/runtime/component-health.ts";
import { SharedInformers } from "../../controllers/runtime/informers.ts";
import type { EventRecord } from "../../controllers/runtime/interface.ts";
import { type Logger, silentLogger } from "../../controllers/runtime/logger.ts";
import { Manager } from "../../controllers/runtime/manager.ts";
import { defaultSettings, type Settings } from "../../controllers/settings.ts";
import { hostTypes } from "../../controllers/workloads/host-types.ts";
import { FakeClient, type Request } from "./fake-client.ts";
import { FakeClock, settle } from "./fake-clock.ts";

/** A valid Java Function as our API stores it; `spec` is laid over it. */
export function aFunction(
  name: string,
  { metadata, spec }: { metadata?: KubeObject["metadata"]; spec?: JsonObject } = {},
): KubeObject {
  return {
    apiVersion: "compute.functionmesh.io/v1alpha1",
    kind: "Function",
    metadata: { name, namespace: "demo", ...metadata },
    spec: {
      name,
      className: "org.example.Exclaim",
      tenant: "public",
      namespace: "default",
      clusterName: "kubernetes",
      replicas: 1,
      minReplicas: 1,
      autoAck: true,
      processingGuarantee: "atleast_once",
      forwardSourceMessageProperty: true,
      maxPendingAsyncRequests: 1000,
      input: { topics: ["persistent://public/default/in"], typeClassName: "[B" },
      output: { topic: "persistent://public/default/out", typeClassName: "[B" },
      resources: { requests: { cpu: "100m", memory: "1G" }, limits: { cpu: "200m", memory: "1100M" } },
      pulsar: { pulsarConfig: "pulsar" },
      java: { jar: "/pulsar/fn.jar" },
      ...spec,
    },
  };
}

/** Which every workload needs. */
const pulsarConfig: KubeObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "pulsar", namespace: "demo" },
};

/** The controllers of the compute group over a server in memory, which is their own API and the cluster at once. */
export class ComputeControllers {
  readonly clock = new FakeClock();
  readonly client: FakeClient;
  readonly events: EventRecord[] = [];
  /** What was logged as an error. */
  readonly errors: object[] = [];
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(settings: Partial<Settings> = {}, client?: FakeClient) {
    this.client = client ?? new FakeClient(this.clock);
    const log: Logger = { ...silentLogger, error: (fields) => this.errors.push(fields), child: () => log };
    const { clock } = this;
    const informers = new SharedInformers({ client: this.client, clock, log });
    const controllers = computeControllers({
      compute: this.client,
      workloads: this.client,
      computeInformers: informers,
      workloadInformers: informers,
      verticalPodAutoscaling: true,
      recorder: { record: (_, event) => this.events.push(event) },
      settings: { ...defaultSettings, ...settings },
      clock,
      log,
    });
    this.#running = new Manager({
      informers: [informers],
      controllers,
      health: new ComponentHealth(clock),
      clock,
      log,
    }).run(this.#abort.signal);
  }

  static async start(settings: Partial<Settings> = {}, client?: FakeClient): Promise<ComputeControllers> {
    const started = new ComputeControllers(settings, client);
    if (client === undefined) await started.client.create(hostTypes.ConfigMap, pulsarConfig);
    await settle();
    return started;
  }

  /** What is stored now, if anything. */
  find(type: ResourceType, name: string, namespace = "demo"): Promise<KubeObject | undefined> {
    return this.client.get({ type, name, namespace }).catch(() => undefined);
  }

  async create(type: ResourceType, object: KubeObject): Promise<KubeObject> {
    const created = await this.client.create(type, object);
    await settle();
    return created;
  }

  async patch(type: ResourceType, name: string, body: JsonObject, subresource?: string): Promise<void> {
    const options = subresource === undefined ? {} : { subresource };
    await this.client.patch({ type, name, namespace: "demo" }, { type: "merge", body }, options);
    await settle();
  }

  async delete(type: ResourceType, name: string): Promise<void> {
    await this.client.delete({ type, name, namespace: "demo" });
    await settle();
  }

  /** Writes made by `work`, its own included, as `patch functions/a status`. */
  async writesOf(work: () => Promise<unknown>): Promise<string[]> {
    const before = this.client.writes.length;
    await work();
    await settle();
    return this.client.writes.slice(before).map(writeText);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }
}

const writeText = ({ verb, resource, name, subresource }: Request): string =>
  `${verb} ${resource}/${name}${subresource === "" ? "" : ` ${subresource}`}`;
