import { randomUUID } from "node:crypto";
import type { SchemaSet } from "../../../openapi/schema.ts";
import { Cacher } from "../../storage/cacher/cacher.ts";
import { type Clock, systemClock } from "../../storage/cacher/clock.ts";
import type { StorageBackend } from "../../storage/interface.ts";
import { resourcePrefix } from "../../storage/keys.ts";
import type { ResourceEndpoint, SubresourceEndpoint } from "../rest/interface.ts";
import type { ResourceDefinition } from "../rest/strategy.ts";
import { compileSchema } from "../schema/structural.ts";
import { KindCodec } from "./codec.ts";
import { InputDecoder } from "./input.ts";
import { watchFailure } from "./interpret-error.ts";
import type { Admission, Resource } from "./resource.ts";
import { scaleKind, scaleSchemaName, scaleStore } from "./scale.ts";
import { Selections } from "./selection.ts";
import { finalizeStore, statusStore } from "./status.ts";
import { GenericStore } from "./store.ts";
import { typedDecoder } from "./typed-body.ts";

export type EndpointDependencies = {
  readonly backend: StorageBackend;
  readonly schemas: SchemaSet;
  readonly admission: Admission;
  /** Ends the watch cache, and with it every open watch. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Uniform in [0, 1), for generated names. */
  readonly random?: () => number;
  readonly newUid?: () => string;
  /** The cache lost storage and will try again; worth a line in the log. */
  readonly onCacheFailure?: (resource: string, error: unknown) => void;
  /** A watch was closed because its client does not read; worth a counter (API W-42). */
  readonly onSlowReader?: (resource: string) => void;
};

/**
 * Serves one kind from storage. Starts its watch cache at once; requests wait for it.
 *
 * @param more subresources besides `status` and `scale`, `namespaces/finalize` for example
 */
export function createEndpoint(
  definition: ResourceDefinition,
  deps: EndpointDependencies,
  more: (store: GenericStore) => readonly SubresourceEndpoint[] = () => [],
): ResourceEndpoint {
  const store = new GenericStore(resourceOf(definition, deps));
  return {
    group: definition.group,
    version: definition.version,
    resource: definition.resource,
    singular: definition.singular,
    kind: definition.kind,
    listKind: definition.listKind,
    namespaced: definition.namespaced,
    shortNames: definition.shortNames,
    categories: definition.categories,
    schemaName: definition.schemaName,
    columns: definition.columns,
    selectableFields: Object.keys(definition.selectableFields),
    storage: store,
    subresources: [...subresourcesOf(definition, store, deps.schemas), ...more(store)],
    acceptsProtobuf: definition.acceptsProtobuf,
  };
}

function subresourcesOf(
  definition: ResourceDefinition,
  store: GenericStore,
  schemas: SchemaSet,
): readonly SubresourceEndpoint[] {
  const { group, version, kind, schemaName, scale } = definition;
  const status: SubresourceEndpoint = {
    name: "status",
    kind: { group, version, kind },
    schemaName,
    storage: statusStore(definition, store),
  };
  const subresources: SubresourceEndpoint[] = [];
  if (definition.finalize === true) {
    const storage = finalizeStore(definition, store);
    subresources.push({ name: "finalize", kind: { group, version, kind }, schemaName, storage });
  }
  if (scale !== undefined) {
    const storage = scaleStore(definition, scale, store, typedDecoder(scaleKind, schemas, scaleSchemaName));
    subresources.push({ name: "scale", kind: scaleKind, schemaName: scaleSchemaName, storage });
  }
  if (definition.status) subresources.push(status);
  return subresources;
}

function resourceOf(definition: ResourceDefinition, deps: EndpointDependencies): Resource {
  const { backend, schemas, admission, signal, clock = systemClock, random = Math.random, newUid = randomUUID } = deps;
  const { group, version, kind, resource, schemaName, strategy } = definition;
  const gvk = { group, version, kind };
  const codec = new KindCodec(gvk);
  const prefix = resourcePrefix({ group, resource });
  const cacher = new Cacher({
    backend,
    prefix,
    codec,
    clock,
    signal,
    describeFailure: watchFailure,
    onFailure: (error) => deps.onCacheFailure?.(resource, error),
    onSlowReader: () => deps.onSlowReader?.(resource),
  });
  void cacher.run();
  return {
    definition,
    gvk,
    gvr: { group, version, resource },
    groupResource: { group, resource },
    strategy,
    tracksGeneration: schemas.get(schemaName)?.properties?.spec !== undefined,
    prefix,
    backend,
    cacher,
    codec,
    decoder: new InputDecoder(gvk, compileSchema(schemas, schemaName)),
    selections: new Selections(definition),
    admission,
    clock,
    random,
    newUid,
  };
}
