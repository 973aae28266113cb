/** Clean-up from outside a namespace that is being deleted (see `remote-cleanup-job.ts`). */
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { isAlreadyExists } from "../../apiserver/errors/status-error.ts";
import { isTrue, listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deleteExactly } from "../runtime/delete-exactly.ts";
import type { Lister } from "../runtime/lister.ts";
import type { ObjectKey } from "../runtime/object-key.ts";
import type { Settings } from "../settings.ts";
import { ownerLabel } from "./cleanup-job.ts";
import { hostTypes } from "./host-types.ts";
import { componentLabel, fieldManager, nameLabel, namespaceLabel } from "./labels.ts";
import { partOf } from "./parts.ts";
import { cleanupAccess, secretFiles } from "./pulsar-access.ts";
import {
  type Connection,
  knownVariables,
  remoteCleanupJob,
  remoteCleanupName,
  remoteCleanupSecret,
} from "./remote-cleanup-job.ts";
import type { Workload } from "./workload.ts";

/** Jobs at once: a namespace of a thousand Functions must not fill a cluster with JVMs. */
const maxRunning = 10;

export type RemoteCleanupDeps = {
  /** The host cluster's. */
  readonly client: ResourceClient;
  readonly jobs: Lister<KubeObject>;
  readonly settings: Settings;
};

export class RemoteCleanup {
  readonly #client: ResourceClient;
  readonly #jobs: Lister<KubeObject>;
  readonly #settings: Settings;

  constructor({ client, jobs, settings }: RemoteCleanupDeps) {
    this.#client = client;
    this.#jobs = jobs;
    this.#settings = settings;
  }

  /** Where the Jobs run; absent: nowhere, as the installation has it. */
  get namespace(): string | undefined {
    return this.#settings.cleanupNamespace;
  }

  /** Prepared, running or ended. */
  jobOf(workload: Workload): KubeObject | undefined {
    const { namespace } = this;
    return namespace === undefined ? undefined : this.#jobs.get({ namespace, name: remoteCleanupName(workload) });
  }

  /**
   * Makes the Job, suspended. A namespace controller waits some seconds before it deletes the first Secret.
   *
   * @throws StatusError when what the Job needs is gone already, or may not be read
   */
  async prepare(workload: Workload, signal: AbortSignal): Promise<void> {
    const { namespace } = this;
    if (namespace === undefined || this.jobOf(workload) !== undefined) return;
    const connection = await readConnection(this.#client, workload, signal);
    const options = { fieldManager, signal };
    try {
      const wanted = remoteCleanupJob(workload, connection, this.#settings, namespace);
      const job = await this.#client.create(hostTypes.Job, wanted, options);
      const secret = remoteCleanupSecret(job, connection);
      if (secret !== undefined) await this.#client.create(hostTypes.Secret, secret, options);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  /** Whether it runs now; otherwise others have to end first. */
  async start(workload: Workload, signal: AbortSignal): Promise<boolean> {
    const { namespace } = this;
    if (namespace === undefined) return false;
    const running = this.#jobs.list(namespace).filter(isRunning);
    if (running.length >= maxRunning) return false;
    await this.prepare(workload, signal);
    const ref = { type: hostTypes.Job, namespace, name: remoteCleanupName(workload) };
    const patch = { type: "merge", body: { spec: { suspend: false } } } as const;
    await this.#client.patch(ref, patch, { fieldManager, signal });
    return true;
  }

  async remove(workload: Workload, signal: AbortSignal): Promise<void> {
    const job = this.jobOf(workload);
    if (job !== undefined) await this.#delete(job, signal);
  }

  /** Jobs of an object that is gone. */
  async removeOf(component: string, { namespace, name }: ObjectKey, signal: AbortSignal): Promise<void> {
    if (this.namespace === undefined) return;
    const wanted = { [componentLabel]: component, [namespaceLabel]: namespace, [nameLabel]: name };
    const left = this.#jobs
      .list(this.namespace)
      .filter(({ metadata }) => isOurs({ metadata }) && metadata.deletionTimestamp === undefined)
      .filter(({ metadata }) => Object.entries(wanted).every(([label, value]) => metadata.labels?.[label] === value));
    for (const job of left) await this.#delete(job, signal);
  }

  #delete(job: KubeObject, signal: AbortSignal): Promise<void> {
    return deleteExactly(this.#client, hostTypes.Job, job, { propagationPolicy: "Background", signal });
  }
}

export const isSuspended = (job: KubeObject): boolean => isTrue(partOf(job, "spec"), "suspend");

const isOurs = ({ metadata }: Pick<KubeObject, "metadata">): boolean =>
  metadata.name === remoteCleanupName({ uid: metadata.labels?.[ownerLabel] ?? "" });

/** Neither ended nor waiting. */
const isRunning = (job: KubeObject): boolean =>
  isOurs(job) && !isSuspended(job) && !listOf(objectOf(job, "status"), "conditions").some(isEnd);
const isEnd = (condition: JsonValue): boolean => ["Complete", "Failed"].includes(textOf(Object(condition), "type"));

/** @throws StatusError `NotFound`, `Forbidden` */
async function readConnection(client: ResourceClient, workload: Workload, signal: AbortSignal): Promise<Connection> {
  const access = cleanupAccess(workload.spec);
  const { pulsarConfig = "", authSecret = "", tlsSecret = "" } = access.messaging;
  const read = async (kind: "ConfigMap" | "Secret", name: string): Promise<JsonObject> => {
    if (name === "") return {};
    const object = await client.get({ type: hostTypes[kind], namespace: workload.namespace, name }, { signal });
    return objectOf(object, "data") ?? {};
  };
  const [config, ...secrets] = await Promise.all([
    read("ConfigMap", pulsarConfig),
    read("Secret", authSecret),
    read("Secret", tlsSecret),
  ]);
  const files = await Promise.all(
    secretFiles(access).map(async (file) => ({ file, content: textOf(await read("Secret", file.secret), file.key) })),
  );
  return { variables: known(config), secretVariables: known(Object.assign({}, ...secrets)), files };
}

const known = (data: JsonObject): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.keys(data)
      .filter((name) => knownVariables.has(name))
      .map((name) => [name, textOf(data, name)]),
  );
