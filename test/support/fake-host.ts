import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceType } from "../../apiserver/client/client.ts";
import * as types from "../../apiserver/client/resource-types.ts";
import { hostControllers } from "../../controllers/host/host.ts";
import { ComponentHealth } from "../../controllers/runtime/component-health.ts";
import { SharedInformers } from "../../controllers/runtime/informers.ts";
import type { EventRecord } from "../../controllers/runtime/interface.ts";
import { type Logger, silentLogger } from "../../controllers/runtime/logger.ts";
import { Manager } from "../../controllers/runtime/manager.ts";
import { FakeClient } from "./fake-client.ts";
import { FakeClock, settle } from "./fake-clock.ts";

/** A namespaced kind of no particular behaviour. */
export const functionType: ResourceType = {
  group: "compute.functionmesh.io",
  version: "v1alpha1",
  kind: "Function",
  resource: "functions",
  namespaced: true,
};

/** The host simulator over a server in memory, already settled, with namespace `demo`. */
export class FakeHost {
  readonly clock = new FakeClock();
  readonly client = new FakeClient(this.clock);
  readonly events: EventRecord[] = [];
  /** Error fields of what was logged as an error. */
  readonly errors: object[] = [];
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor() {
    const { client, clock } = this;
    const log: Logger = { ...silentLogger, error: (fields) => this.errors.push(fields), child: () => log };
    const informers = new SharedInformers({ client, clock, log });
    const controllers = hostControllers({
      client,
      clock,
      log,
      informers,
      events: { record: (_, event) => this.events.push(event) },
      types: [...Object.values(types), functionType],
      rootCa: "PEM",
      issueToken: async (account, secret) => `token of ${account.metadata.uid} in ${secret.metadata.uid}`,
      maxReplicas: 100,
    });
    this.#running = new Manager({
      informers: [informers],
      controllers,
      health: new ComponentHealth(clock),
      clock,
      log,
    }).run(this.#abort.signal);
  }

  static async start(): Promise<FakeHost> {
    const host = new FakeHost();
    await host.client.create(types.namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name: "demo" } });
    await settle();
    return host;
  }

  /** What is stored now, if anything. */
  find(type: ResourceType, name: string, namespace = "demo"): Promise<KubeObject | undefined> {
    return this.client.get({ type, name, namespace }).catch(() => undefined);
  }

  async names(type: ResourceType): Promise<readonly string[]> {
    const { items } = await this.client.list(type);
    return items.map(({ metadata }) => metadata.name ?? "").sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }
}
