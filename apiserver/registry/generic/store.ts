import type {
  Creater,
  DeleteRequest,
  DeleteResult,
  Deleter,
  EncodedObject,
  Getter,
  Lister,
  ListOptions,
  ListResult,
  Patcher,
  RequestContext,
  RestWatchEvent,
  Updater,
  Watcher,
  WatchOptions,
  WriteRequest,
  WriteResult,
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
export class GenericStore implements Getter, Lister, Watcher, Creater, Updater, Patcher, Deleter {
  readonly patchTypes: readonly string[];
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #deletes: Deletes;

  constructor(resource: Resource) {
    this.patchTypes = [...resource.patchTypes.keys()];
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

  create(context: RequestContext, request: WriteRequest): Promise<WriteResult> {
    return this.#writes.create(context, request);
  }

  /** @param part  what is written of the object; all of it by default */
  update(context: RequestContext, request: WriteRequest, part?: Part): Promise<WriteResult> {
    return this.#writes.update(context, request, part);
  }

  /** @param part  as of `update` */
  patch(context: RequestContext, request: WriteRequest, part?: Part): Promise<WriteResult> {
    return this.#writes.patch(context, request, part);
  }

  delete(context: RequestContext, name: string, request: DeleteRequest): Promise<DeleteResult> {
    return this.#deletes.delete(context, name, request);
  }

  deleteCollection(context: RequestContext, list: ListOptions, request: DeleteRequest): Promise<ListResult> {
    return this.#deletes.deleteCollection(context, list, request);
  }
}
