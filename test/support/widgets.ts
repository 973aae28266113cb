import type { TestContext } from "node:test";
import { AdmissionChain } from "../../apiserver/admission/chain.ts";
import type { AdmissionPlugin } from "../../apiserver/admission/interface.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { StatusError } from "../../apiserver/errors/status-error.ts";
import { isObject, stringifyJson } from "../../apiserver/machinery/json.ts";
import { everyField, everyLabel } from "../../apiserver/machinery/selectors.ts";
import { createEndpoints } from "../../apiserver/registry/generic/endpoint.ts";
import { scaleSchemaName } from "../../apiserver/registry/generic/scale.ts";
import { scaleSubresource, statusSubresource } from "../../apiserver/registry/generic/subresources.ts";
import type {
  Creater,
  Deleter,
  EncodedObject,
  Getter,
  Lister,
  ListOptions,
  Patcher,
  RequestContext,
  ResourceEndpoint,
  Updater,
  Watcher,
  WatchOptions,
  WriteOptions,
  WriteRequest,
} from "../../apiserver/registry/rest/interface.ts";
import type {
  Conversion,
  ResourceDefinition,
  ServedVersion,
  Strategy,
} from "../../apiserver/registry/rest/strategy.ts";
import type { StorageBackend } from "../../apiserver/storage/interface.ts";
import type { Schema, SchemaSet } from "../../openapi/schema.ts";
import { FakeClock, settle } from "./fake-clock.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { objectAt, widgetKind } from "./objects.ts";

const schemaName = "example.test.v1.Widget";
const laterSchemaName = "example.test.v2.Widget";
const schema: Schema = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      properties: {
        size: { type: "integer", format: "int32" },
        color: { type: "string", default: "grey" },
        replicas: { type: "integer", format: "int32" },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      },
    },
    status: {
      type: "object",
      properties: { phase: { type: "string" }, replicas: { type: "integer" }, selector: { type: "string" } },
    },
  },
};
/** As kube-apiserver publishes it, as far as `/scale` needs it. */
/** The same widgets said in other words. */
const laterSchema: Schema = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: {
      type: "object",
      properties: {
        measures: { type: "object", properties: { size: { type: "integer", format: "int32" } } },
        colour: { type: "string", default: "grey" },
        replicas: { type: "integer", format: "int32" },
        free: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
      },
    },
    status: {
      type: "object",
      properties: { state: { type: "string" }, replicas: { type: "integer" }, selector: { type: "string" } },
    },
  },
};
const scaleSchema: Schema = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { type: "object" },
    spec: { type: "object", properties: { replicas: { type: "integer", format: "int32" } } },
    status: {
      type: "object",
      properties: { replicas: { type: "integer", format: "int32" }, selector: { type: "string" } },
    },
  },
};
const schemas: SchemaSet = new Map([
  [schemaName, schema],
  [laterSchemaName, laterSchema],
  [scaleSchemaName, scaleSchema],
]);

/** `v2` of widgets: `spec.size` is `spec.measures.size`, `spec.color` is `spec.colour`, `status.phase` is `status.state`. */
export const laterWidgets: ServedVersion & Conversion = {
  version: "v2",
  schemaName: laterSchemaName,
  columns: [],
  selectableFields: { "spec.colour": ({ spec }) => colorOf(spec) },
  fromStored(stored) {
    const { size, color, ...spec } = objectAt(stored, "spec");
    const { phase, ...status } = objectAt(stored, "status");
    const measures = size === undefined ? {} : { measures: { size } };
    return {
      ...stored,
      ...("spec" in stored && { spec: { ...spec, ...measures, ...named("colour", color) } }),
      ...("status" in stored && { status: { ...status, ...named("state", phase) } }),
    };
  },
  toStored(served) {
    const { measures, colour, ...spec } = objectAt(served, "spec");
    const { state, ...status } = objectAt(served, "status");
    const size = isObject(measures) ? measures.size : undefined;
    return {
      ...served,
      ...("spec" in served && { spec: { ...spec, ...named("size", size), ...named("color", colour) } }),
      ...("status" in served && { status: { ...status, ...named("phase", state) } }),
    };
  },
};

const named = (name: string, value: JsonValue | undefined): JsonObject =>
  value === undefined ? {} : { [name]: value };

export function widgetDefinition(overrides: Partial<ResourceDefinition> = {}): ResourceDefinition {
  return {
    ...widgetKind,
    resource: "widgets",
    singular: "widget",
    listKind: "WidgetList",
    namespaced: true,
    shortNames: [],
    categories: [],
    schemaName,
    strategy: {},
    columns: [],
    selectableFields: { "spec.color": ({ spec }) => colorOf(spec) },
    subresources: [
      scaleSubresource({
        specReplicas: ["spec", "replicas"],
        statusReplicas: ["status", "replicas"],
        statusSelector: ["status", "selector"],
      }),
      statusSubresource,
    ],
    acceptsProtobuf: false,
    ...overrides,
  };
}

function colorOf(spec: KubeObject[string]): string {
  return typeof spec === "object" && spec !== null && "color" in spec && typeof spec.color === "string"
    ? spec.color
    : "";
}

export type FullStorage = Getter & Lister & Watcher & Creater & Updater & Patcher & Deleter;

/** Narrows the verbs of an endpoint to all of them. */
export function isFullStorage(storage: Partial<FullStorage>): storage is FullStorage {
  return ["get", "list", "watch", "create", "update", "patch", "delete", "deleteCollection"].every(
    (verb) => verb in storage,
  );
}

type Options = {
  readonly backend?: StorageBackend;
  readonly strategy?: Strategy;
  readonly definition?: Partial<ResourceDefinition>;
  readonly plugins?: readonly AdmissionPlugin[];
  readonly random?: () => number;
};

/** A served kind over a store in memory, with a clock that stands still. */
export class WidgetServer {
  readonly backend: StorageBackend;
  readonly clock = new FakeClock();
  /** One per served version. */
  readonly endpoints: readonly ResourceEndpoint[];
  /** Of the version that is stored. */
  readonly endpoint: ResourceEndpoint;
  readonly store: FullStorage;
  readonly warnings: string[] = [];
  /** Ends the watch cache, as the end of the test does. */
  readonly stop: () => void;

  constructor(
    t: TestContext,
    { backend = new MemoryBackend(), strategy, definition, plugins = [], random }: Options = {},
  ) {
    const controller = new AbortController();
    this.stop = () => controller.abort();
    t.after(this.stop);
    this.backend = backend;
    let uid = 0;
    const row = widgetDefinition({ ...(strategy === undefined ? {} : { strategy }), ...definition });
    this.endpoints = createEndpoints(row, {
      backend,
      schemas,
      admission: new AdmissionChain(plugins),
      signal: controller.signal,
      clock: this.clock,
      newUid: () => `uid-${++uid}`,
      ...(random === undefined ? {} : { random }),
    });
    this.endpoint = this.inVersion(row.version);
    const { storage } = this.endpoint;
    if (!isFullStorage(storage)) throw new Error("the generic store serves every verb");
    this.store = storage;
  }

  inVersion(version: string): ResourceEndpoint {
    const found = this.endpoints.find((endpoint) => endpoint.version === version);
    if (found === undefined) throw new Error(`no version ${version}`);
    return found;
  }

  context(overrides: Partial<RequestContext> = {}): RequestContext {
    return aContext({ warn: (text) => this.warnings.push(text), ...overrides });
  }

  async create(object: KubeObject, options: Partial<WriteOptions> = {}): Promise<EncodedObject> {
    const namespace = object.metadata.namespace ?? "demo";
    return (await this.store.create(this.context({ namespace }), writeOf("", object, options))).item;
  }

  /** Replaces the object by `object`, or by what that makes of the one that is stored. */
  async put(
    name: string,
    object: KubeObject | ((existing: KubeObject) => KubeObject),
    options: Partial<WriteOptions> = {},
  ): Promise<EncodedObject> {
    return putTo(this.store, this.context(), name, object, options);
  }

  /** A merge patch, unless `patch` is a list of operations. */
  async patch(name: string, patch: JsonValue, options: Partial<WriteOptions> = {}): Promise<EncodedObject> {
    return (await this.store.patch(this.context(), patchOf(name, patch, options))).item;
  }

  subresource(name: string): Partial<FullStorage> {
    const found = this.endpoint.subresources.find((subresource) => subresource.name === name);
    if (found === undefined) throw new Error(`no subresource ${name}`);
    return found.storage;
  }

  /** Lets the watch cache catch up with what was written. */
  settle(): Promise<void> {
    return settle();
  }
}

export function aContext(overrides: Partial<RequestContext> = {}): RequestContext {
  return {
    user: { name: "tester", groups: [] },
    namespace: "demo",
    signal: new AbortController().signal,
    auditId: "audit",
    userAgent: "tester/1",
    requireVerb: async () => {},
    warn: () => {},
    ...overrides,
  };
}

const noOptions: WriteOptions = { dryRun: false, fieldValidation: "Warn", fieldManager: "", force: false };

/** A create or update as its handler makes it. */
export function writeOf(name: string, body: JsonValue, options: Partial<WriteOptions> = {}): WriteRequest {
  const bytes = Buffer.from(stringifyJson(body));
  return { name, body: { bytes, mediaType: "application/json" }, options: { ...noOptions, ...options } };
}

export function patchOf(name: string, patch: JsonValue, options: Partial<WriteOptions> = {}): WriteRequest {
  const mediaType = Array.isArray(patch) ? "application/json-patch+json" : "application/merge-patch+json";
  const { body, ...write } = writeOf(name, patch, options);
  return { ...write, body: { ...body, mediaType } };
}

/** What `manager` wants, as YAML or as JSON, which is YAML. */
export function applyOf(name: string, wanted: JsonValue, manager: string, options: Partial<WriteOptions> = {}) {
  const { body, ...write } = writeOf(name, wanted, { fieldManager: manager, ...options });
  const bytes = typeof wanted === "string" ? Buffer.from(wanted) : body.bytes;
  return { ...write, body: { bytes, mediaType: "application/apply-patch+yaml" } };
}

/** Replaces what `storage` shows of an object by `object`, or by what that makes of it. */
export async function putTo(
  storage: Partial<Getter & Updater>,
  context: RequestContext,
  name: string,
  object: KubeObject | ((shown: KubeObject) => KubeObject),
  options: Partial<WriteOptions> = {},
): Promise<EncodedObject> {
  const { get, update } = storage;
  if (get === undefined || update === undefined) throw new Error("neither read nor written");
  const next =
    typeof object === "function"
      ? object((await get.call(storage, context, name, { resourceVersion: "" })).object)
      : object;
  return (await update.call(storage, context, writeOf(name, next, options))).item;
}

export const listOptions = (overrides: Partial<ListOptions> = {}): ListOptions => ({
  labels: everyLabel,
  fields: everyField,
  limit: 0,
  continue: "",
  resourceVersion: "",
  resourceVersionMatch: "",
  ...overrides,
});

export const watchOptions = (overrides: Partial<WatchOptions> = {}): WatchOptions => ({
  labels: everyLabel,
  fields: everyField,
  resourceVersion: "",
  sendInitialEvents: undefined,
  allowBookmarks: false,
  ...overrides,
});

/** Matches a StatusError for `assert.rejects`. */
export function refused(code: number, message: string | RegExp) {
  return (error: unknown): boolean => {
    if (!(error instanceof StatusError)) throw error;
    const matches = typeof message === "string" ? error.message === message : message.test(error.message);
    if (error.status.code === code && matches) return true;
    throw new Error(`expected ${code} ${String(message)}, found ${error.status.code} ${error.message}`);
  };
}
