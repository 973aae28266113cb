import type { KubeObject } from "../../apis/meta/v1.ts";
import type {
  Creater,
  DeleteRequest,
  DeleteResult,
  Deleter,
  DryRun,
  EncodedObject,
  Getter,
  InputOptions,
  Lister,
  ListOptions,
  ListResult,
  RequestContext,
  RestWatchEvent,
  Transform,
  UpdateOptions,
  Updater,
  Watcher,
  WatchOptions,
} from "../rest/interface.ts";
import { Deletes } from "./deletes.ts";
import type { Part } from "./part.ts";
import { Reads } from "./reads.ts";
import type { Resource } from "./resource.ts";
import { Writes } from "./writes.ts";

/**
 * Every verb once, for all kinds (design D4). What differs per kind is its `ResourceDefinition`.
 *
 * @throws StatusError for everything a client can be told; other errors are bugs or stored bytes that are no object
 */
export class GenericStore implements Getter, Lister, Watcher, Creater, Updater, Deleter {
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #deletes: Deletes;

  constructor(resource: Resource) {
    this.#reads = new Reads(resource);
    this.#writes = new Writes(resource);
    this.#deletes = new Deletes(resource, this.#reads);
  }

  get(context: RequestContext, name: string, options: { resourceVersion: string }): Promise<EncodedObject> {
    return this.#reads.get(context, name, options);
  }

  list(context: RequestContext, options: ListOptions): Promise<ListResult> {
    return this.#reads.list(context, options);
  }

  watch(context: RequestContext, options: WatchOptions): Promise<AsyncIterable<readonly RestWatchEvent[]>> {
    return this.#reads.watch(context, options);
  }

  create(
    context: RequestContext,
    _name: string,
    object: KubeObject,
    options: DryRun & InputOptions,
  ): Promise<EncodedObject> {
    return this.#writes.create(context, object, options);
  }

  update(
    context: RequestContext,
    name: string,
    transform: Transform,
    options: UpdateOptions,
    part?: Part,
  ): Promise<EncodedObject> {
    return this.#writes.update(context, name, transform, options, part);
  }

  delete(context: RequestContext, name: string, request: DeleteRequest): Promise<DeleteResult> {
    return this.#deletes.delete(context, name, request);
  }

  deleteCollection(context: RequestContext, list: ListOptions, request: DeleteRequest): Promise<ListResult> {
    return this.#deletes.deleteCollection(context, list, request);
  }
}
