import { randomUUID } from "node:crypto";
import type { SchemaSet } from "../../../openapi/schema.ts";
import { subdomainProblems } from "../../machinery/names.ts";
import { Cacher } from "../../storage/cacher/cacher.ts";
import { type Clock, systemClock } from "../../storage/cacher/clock.ts";
import type { StorageBackend } from "../../storage/interface.ts";
import { resourcePrefix } from "../../storage/keys.ts";
import type { ResourceEndpoint, SubresourceEndpoint } from "../rest/interface.ts";
import type { RefusedScale, ResourceDefinition, ScalePaths } from "../rest/strategy.ts";
import { patchSchema } from "../schema/patch-schema.ts";
import { compileSchema } from "../schema/structural.ts";
import { KindCodec } from "./codec.ts";
import { watchFailure } from "./interpret-error.ts";
import { ObjectDecoder, VirtualDecoder } from "./object-decoder.ts";
import { finalizePart, ownView, statusPart } from "./part.ts";
import { partStore } from "./part-store.ts";
import { patchTypesOf } from "./patch-types.ts";
import type { Admission, Resource } from "./resource.ts";
import { refusedScale, scaleKind, scalePart, scaleSchemaName } from "./scale.ts";
import { Selections } from "./selection.ts";
import { GenericStore } from "./store.ts";

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
  const resource = resourceOf(definition, deps);
  const store = new GenericStore(resource);
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
    subresources: [...subresourcesOf(resource, store, deps.schemas), ...more(store)],
    acceptsProtobuf: definition.acceptsProtobuf,
  };
}

function subresourcesOf(resource: Resource, store: GenericStore, schemas: SchemaSet): readonly SubresourceEndpoint[] {
  const { definition, decoder, gvk: kind } = resource;
  const { schemaName, scale } = definition;
  const view = ownView(decoder);
  const subresources: SubresourceEndpoint[] = [];
  if (definition.finalize === true) {
    subresources.push({ name: "finalize", kind, schemaName, storage: partStore(store, finalizePart(view)) });
  }
  if (scale !== undefined) {
    const storage = scaleStorage(scale, resource, store, schemas);
    subresources.push({ name: "scale", kind: scaleKind, schemaName: scaleSchemaName, storage });
  }
  if (definition.status) {
    subresources.push({ name: "status", kind, schemaName, storage: partStore(store, statusPart(definition, view)) });
  }
  return subresources;
}

function scaleStorage(
  scale: ScalePaths | RefusedScale,
  { definition, decoder: parents }: Resource,
  store: GenericStore,
  schemas: SchemaSet,
) {
  if ("refusal" in scale) return refusedScale(scale, store.patchTypes);
  const scales = new VirtualDecoder(scaleKind, compileSchema(schemas, scaleSchemaName));
  return partStore(store, scalePart(definition, scale, { scales, parents }));
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
    decoder: new ObjectDecoder(gvk, compileSchema(schemas, schemaName), definition.acceptsProtobuf),
    patchTypes: patchTypesOf(patchSchema(schemas, schemaName)),
    metaRules: { namespaced: definition.namespaced, validateName: strategy.validateName ?? subdomainProblems },
    selections: new Selections(definition),
    admission,
    clock,
    random,
    newUid,
  };
}
