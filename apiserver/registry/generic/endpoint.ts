import { randomUUID } from "node:crypto";
import type { SchemaSet } from "../../../openapi/schema.ts";
import { apiVersionOf, type GroupVersionKind, type Status } from "../../apis/meta/v1.ts";
import { Cacher } from "../../cacher/cacher.ts";
import { type Clock, systemClock } from "../../machinery/clock.ts";
import { subdomainProblems } from "../../machinery/names.ts";
import type { StorageBackend } from "../../storage/interface.ts";
import { resourcePrefix } from "../../storage/keys.ts";
import type { ResourceEndpoint, RestStorage } from "../rest/interface.ts";
import type { View } from "../rest/part.ts";
import type { ResourceDefinition, ServedVersion } from "../rest/strategy.ts";
import { emptyObjectOf } from "../schema/empty-object.ts";
import { fieldTypeOf } from "../schema/field-types.ts";
import { patchSchema } from "../schema/patch-schema.ts";
import { compileSchema } from "../schema/structural.ts";
import type { CachedObject, RecentObjects } from "./cached-object.ts";
import { KindCodec, type StoredForms } from "./codec.ts";
import { GenericStore } from "./generic-store.ts";
import { watchFailure } from "./interpret-error.ts";
import { ObjectDecoder } from "./object-decoder.ts";
import { hasStatus, ownView } from "./object-parts.ts";
import { patchTypesOf } from "./patch-types.ts";
import { Selections } from "./selection.ts";
import type { Admission, StoredResource } from "./stored-resource.ts";
import { TrackedKind } from "./tracking.ts";
import { storedForm, versionView } from "./version-view.ts";

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
  /** Of all kinds of the server. */
  readonly recent?: RecentObjects;
  /** The cache lost storage and will try again; worth a line in the log. */
  readonly onCacheFailure?: (resource: string, error: unknown) => void;
  /** A watch was closed because its client does not read; worth a counter (API W-42). */
  readonly onSlowReader?: (resource: string) => void;
};

/**
 * Serves one kind from storage, in each of its versions: the stored one first. Starts its watch cache at once, the same for
 * all versions; requests wait for it.
 */
export function createEndpoints(
  definition: ResourceDefinition,
  deps: EndpointDependencies,
): readonly ResourceEndpoint[] {
  const shared = sharedByVersions(definition, deps);
  const others = (definition.otherVersions ?? []).map((other) => {
    return endpointOf(shared, other, versionView(shared.gvk, decoderOf(definition, other, deps), other), deps);
  });
  return [endpointOf(shared, definition, ownView(shared.decoder), deps), ...others];
}

function endpointOf(
  shared: SharedByVersions,
  served: ServedVersion,
  view: View,
  { schemas }: EndpointDependencies,
): ResourceEndpoint {
  const { definition } = shared;
  const { group = definition.group, version, schemaName, columns, selectableFields } = served;
  const { kind, namespaced } = definition;
  const ofVersion = {
    gvr: { group, version, resource: definition.resource },
    selections: new Selections({ namespaced, selectableFields: Object.keys(selectableFields) }),
    patchTypes: patchTypesOf(patchSchema(schemas, schemaName)),
  };
  const store = new GenericStore({ ...shared, ...ofVersion }, view);
  const parts = { definition, store, view, storedDecoder: shared.decoder, tracked: shared.tracked, schemas };
  const ownBody = { kind: { group, version, kind }, schemaName };
  return {
    group,
    version,
    stored: { group: definition.group, version: definition.version },
    resource: definition.resource,
    singular: definition.singular,
    kind,
    listKind: definition.listKind,
    namespaced,
    shortNames: definition.shortNames,
    categories: definition.categories,
    schemaName,
    columns,
    selectableFields: Object.keys(selectableFields),
    storage: definition.deletesSingly === true ? withoutDeleteCollection(store) : store,
    subresources: definition.subresources.map(({ name, body, storage }) => ({
      name,
      ...(body ?? ownBody),
      storage: storage(parts),
    })),
    acceptsProtobuf: definition.acceptsProtobuf,
    bareItems: definition.bareItems === true,
    returnsDeleted: definition.returnsDeleted === true,
    storedSize: () => shared.cacher.size,
  };
}

const withoutDeleteCollection = (store: GenericStore): RestStorage => ({
  patchTypes: store.patchTypes,
  get: (context, name, options) => store.get(context, name, options),
  list: (context, options) => store.list(context, options),
  watch: (context, options) => store.watch(context, options),
  create: (context, request) => store.create(context, request),
  update: (context, request) => store.update(context, request),
  patch: (context, request) => store.patch(context, request),
  delete: (context, name, request) => store.delete(context, name, request),
});

function decoderOf(
  definition: ResourceDefinition,
  { group = definition.group, version, schemaName }: ServedVersion,
  { schemas }: EndpointDependencies,
): ObjectDecoder {
  const { kind, acceptsProtobuf } = definition;
  const schema = compileSchema(schemas, schemaName, { omitEmpty: acceptsProtobuf });
  return new ObjectDecoder({ group, version, kind }, schema, acceptsProtobuf);
}

function storedFormsOf(gvk: GroupVersionKind, { otherVersions = [] }: ResourceDefinition): StoredForms {
  return new Map(otherVersions.map((other) => [apiVersionOf({ group: gvk.group, ...other }), storedForm(gvk, other)]));
}

/** Of all versions: they read stored objects, so a label says the same in each that has it. */
const selectableFieldsOf = ({ selectableFields, otherVersions = [] }: ResourceDefinition) =>
  Object.assign({}, ...otherVersions.map((other) => other.selectableFields), selectableFields);

function trackedKind(gvk: GroupVersionKind, definition: ResourceDefinition, schemas: SchemaSet): TrackedKind {
  const { schemaName, otherVersions = [] } = definition;
  return new TrackedKind(gvk, [
    {
      apiVersion: apiVersionOf(gvk),
      type: fieldTypeOf(schemas, schemaName),
      empty: emptyObjectOf(schemas, schemaName),
    },
    ...otherVersions.map((other) => ({
      apiVersion: apiVersionOf({ group: gvk.group, ...other }),
      type: fieldTypeOf(schemas, other.schemaName),
      empty: emptyObjectOf(schemas, other.schemaName),
      fromStored: other.fromStored,
      toStored: storedForm(gvk, other),
    })),
  ]);
}

type SharedByVersions = Omit<StoredResource, "gvr" | "selections" | "patchTypes">;

function sharedByVersions(definition: ResourceDefinition, deps: EndpointDependencies): SharedByVersions {
  const { backend, schemas, admission, signal, clock = systemClock, random = Math.random, newUid = randomUUID } = deps;
  const { group, version, kind, resource, schemaName, strategy } = definition;
  const gvk = { group, version, kind };
  const codec = new KindCodec(gvk, {
    storedForms: storedFormsOf(gvk, definition),
    selectableFields: selectableFieldsOf(definition),
    ...(deps.recent && { recent: deps.recent }),
  });
  const prefix = resourcePrefix({ group, resource });
  const cacher = new Cacher<CachedObject, Status>({
    backend,
    prefix,
    encoder: codec,
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
    groupResource: { group, resource },
    strategy,
    tracksGeneration: strategy.tracksGeneration !== false && schemas.get(schemaName)?.properties?.spec !== undefined,
    prefix,
    backend,
    cacher,
    codec,
    decoder: decoderOf(definition, definition, deps),
    tracked: trackedKind(gvk, definition, schemas),
    metaRules: { namespaced: definition.namespaced, validateName: strategy.validateName ?? subdomainProblems },
    hasStatus: hasStatus(definition),
    admission,
    clock,
    random,
    newUid,
  };
}
