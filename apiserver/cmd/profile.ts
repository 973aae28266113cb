/** What differs between a laptop and a cluster, in the order in which it comes into being. */
import type { Controller, ControllerMetrics } from "../../controllers/runtime/controller.ts";
import type { EventRecorder, InformerFactory } from "../../controllers/runtime/interface.ts";
import type { LeaseTimes } from "../../controllers/runtime/lease.ts";
import type { SchemaSet } from "../../openapi/schema.ts";
import type { AdmissionPlugin } from "../admission/interface.ts";
import type { Authenticator } from "../authentication/authenticator.ts";
import type { FrontProxyConfig } from "../authentication/front-proxy.ts";
import type { Authorizer } from "../authorization/authorizer.ts";
import type { ResourceClient, ResourceType } from "../client/client.ts";
import type { Logger } from "../observability/log.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import type { ResourceEndpoint } from "../registry/rest/interface.ts";
import type { ResourceDefinition } from "../registry/rest/strategy.ts";
import type { TlsFiles } from "../server/server.ts";
import type { StoreMemory } from "../storage/guard/store-memory.ts";
import type { Options } from "./options.ts";

export type FoundationParts = {
  readonly options: Options;
  readonly metrics: RequestMetrics;
  readonly log: Logger;
  /** Ends whatever the foundation follows. */
  readonly signal: AbortSignal;
};

/** What there is before anything may be read from storage: keys, other clusters. */
export type Foundation = {
  /** Where it is remembered which store this installation uses. */
  readonly storeMemory: StoreMemory;
  /** A store that must not be used ends the start; else the server waits for a better one and says why. */
  readonly refusesAtStart: boolean;
  readonly profile: (parts: ProfileParts) => Promise<Profile>;
};

/** What a profile may build on, now that there is storage. */
export type ProfileParts = {
  /** This server's own API; requests wait until it is composed. */
  readonly own: ResourceClient;
  readonly schemas: SchemaSet;
  /** Why the store must not be used now; `undefined` while it may. */
  readonly refusal: () => string | undefined;
};

export type Profile = {
  readonly definitions: readonly ResourceDefinition[];
  /** Endpoints that no storage is behind. */
  readonly reviews: readonly ResourceEndpoint[];
  readonly admission: readonly AdmissionPlugin[];
  readonly tls: () => TlsFiles;
  /** Has `listener` called whenever `tls` gives something else. */
  readonly onTlsChange: (listener: () => void) => void;
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

/** The Lease by which one replica is chosen. */
export type Election = {
  readonly client: ResourceClient;
  readonly namespace: string;
  readonly name: string;
  readonly times: LeaseTimes;
};

/** What a profile's controllers are made from. */
export type ControllerParts = {
  /** Of the kinds this server serves. */
  readonly own: InformerFactory;
  /** Of the cluster the workloads run in. */
  readonly host: InformerFactory;
  readonly events: EventRecorder;
  readonly types: readonly ResourceType[];
  readonly metrics: (controller: string) => ControllerMetrics;
};

/** Picks controllers by `--controllers`: `*` is all of them, `-name` leaves one out, `name` adds one. */
export function selectControllers(all: readonly Controller[], wanted: readonly string[]): readonly Controller[] {
  return all.filter(({ name }) => wanted.includes(name) || (wanted.includes("*") && !wanted.includes(`-${name}`)));
}
