/** Our registration with the host's aggregation layer (API K-20), and what the host says of it (API K-04). */

import { group, version } from "../apis/compute/v1alpha1/group.ts";
import type { KubeObject } from "../apis/meta/v1.ts";
import type { ResourceClient } from "../client/client.ts";
import { apiServiceType } from "../client/resource-types.ts";
import { isNotFound } from "../errors/status-error.ts";
import { listOf, numberOf, objectOf, textOf } from "../machinery/fields.ts";
import { isObject } from "../machinery/json.ts";

export const apiServiceName = `${version}.${group}`;
const fieldManager = "function-mesh-apiserver";

/** Where kube-apiserver reaches us. */
export type ServiceReference = { readonly namespace: string; readonly name: string; readonly port: number };

/** What is registered, as far as it concerns us. */
export type Registration = {
  /** PEM of the CAs that kube-apiserver trusts for us; `""`: none. */
  readonly caBundle: string;
  /** `undefined`: kube-apiserver serves the group itself, from CRDs. */
  readonly service: ServiceReference | undefined;
  /** `Available` as the host reports it. */
  readonly available: { readonly status: string; readonly reason: string; readonly message: string } | undefined;
};

const defaultPort = 443;

export class ApiServiceRegistration {
  readonly #client: ResourceClient;
  readonly #service: ServiceReference;

  constructor(client: ResourceClient, service: ServiceReference) {
    this.#client = client;
    this.#service = service;
  }

  /** @throws StatusError; `undefined`: nothing is registered */
  async read(signal?: AbortSignal): Promise<Registration | undefined> {
    try {
      const ref = { type: apiServiceType, name: apiServiceName };
      return registrationOf(await this.#client.get(ref, signal === undefined ? {} : { signal }));
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /**
   * Makes kube-apiserver trust `caBundle` for us, and registers us when nobody has. Priorities of an APIService that is
   * there already are left to whoever made it.
   * @throws StatusError when the host refuses
   */
  async ensure(caBundle: string, signal?: AbortSignal): Promise<void> {
    const current = await this.read(signal);
    if (current !== undefined && current.caBundle === caBundle && this.#isOurs(current)) return;
    const spec = { service: { ...this.#service }, caBundle: Buffer.from(caBundle).toString("base64") };
    const options = { fieldManager, ...(signal === undefined ? {} : { signal }) };
    if (current !== undefined) {
      const ref = { type: apiServiceType, name: apiServiceName };
      await this.#client.patch(ref, { type: "merge", body: { spec } }, options);
      return;
    }
    const object: KubeObject = {
      apiVersion: `${apiServiceType.group}/${apiServiceType.version}`,
      kind: apiServiceType.kind,
      metadata: { name: apiServiceName },
      spec: { group, version, groupPriorityMinimum: 1000, versionPriority: 15, ...spec },
    };
    await this.#client.create(apiServiceType, object, options);
  }

  /** What is wrong with a registration, in words; `undefined` when requests reach us. */
  problemOf(registration: Registration | undefined): string | undefined {
    if (registration === undefined)
      return `APIService ${apiServiceName} does not exist: apply it, or start with --register-apiservice`;
    if (registration.service === undefined)
      return `APIService ${apiServiceName} names no Service: kube-apiserver serves the group from CustomResourceDefinitions`;
    if (!this.#isOurs(registration)) {
      const { namespace, name } = registration.service;
      return `APIService ${apiServiceName} points to Service ${namespace}/${name}, not to ${this.#service.namespace}/${this.#service.name}`;
    }
    const { available } = registration;
    if (available === undefined || available.status === "True") return undefined;
    return `kube-apiserver cannot use APIService ${apiServiceName}: ${available.reason}: ${available.message}`;
  }

  #isOurs({ service }: Registration): boolean {
    const own = this.#service;
    return (
      service !== undefined &&
      service.namespace === own.namespace &&
      service.name === own.name &&
      service.port === own.port
    );
  }
}

function registrationOf(object: KubeObject): Registration {
  const spec = objectOf(object, "spec");
  const service = objectOf(spec, "service");
  const condition = listOf(objectOf(object, "status"), "conditions")
    .filter(isObject)
    .find(({ type }) => type === "Available");
  return {
    caBundle: Buffer.from(textOf(spec, "caBundle"), "base64").toString(),
    service: service && {
      namespace: textOf(service, "namespace"),
      name: textOf(service, "name"),
      port: numberOf(service, "port") ?? defaultPort,
    },
    available: condition && {
      status: textOf(condition, "status"),
      reason: textOf(condition, "reason"),
      message: textOf(condition, "message"),
    },
  };
}
