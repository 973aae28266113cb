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
import type { Part, View } from "../rest/part.ts";
import { frameOf } from "./codec.ts";
import { Deletes } from "./deletes.ts";
import { Reads } from "./reads.ts";
import type { StoredResource } from "./stored-resource.ts";
import { Writes } from "./writes.ts";

/**
 * Every verb once, for all kinds (design D4). What differs per kind is its `ResourceDefinition`; what differs per served
 * version is the view.
 *
 * @throws StatusError for everything a client can be told; other errors are bugs or stored bytes that are no object
 */
export class GenericStore implements Getter, Lister, Watcher, Creater, Updater, Patcher, Deleter {
  readonly patchTypes: readonly string[];
  readonly #view: View;
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #deletes: Deletes;

  /** @param view  how objects look to clients; what comes from the registry's inside is as it is stored */
  constructor(resource: StoredResource, view: View) {
    this.#view = view;
    this.#reads = new Reads(resource);
    this.#writes = new Writes(resource, view);
    this.patchTypes = this.#writes.patchTypes;
    this.#deletes = new Deletes(resource, this.#reads, view);
  }

  async get(context: RequestContext, name: string, options: { resourceVersion: string }): Promise<EncodedObject> {
    return this.#view.present(await this.getStored(context, name, options));
  }

  /** As it is stored, for subresources that show it in a way of their own. */
  getStored(context: RequestContext, name: string, options: { resourceVersion: string }): Promise<EncodedObject> {
    return this.#reads.get(context, name, options);
  }

  async list(context: RequestContext, options: ListOptions): Promise<ListResult> {
    return presentedList(await this.#reads.list(context, options), this.#view);
  }

  async watch(context: RequestContext, options: WatchOptions): Promise<AsyncIterable<readonly RestWatchEvent[]>> {
    return presentedEvents(await this.#reads.watch(context, options), this.#view);
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

  async delete(context: RequestContext, name: string, request: DeleteRequest): Promise<DeleteResult> {
    const { deleted, item } = await this.#deletes.delete(context, name, request);
    return { deleted, item: this.#view.present(item) };
  }

  async deleteCollection(context: RequestContext, list: ListOptions, request: DeleteRequest): Promise<ListResult> {
    return presentedList(await this.#deletes.deleteCollection(context, list, request), this.#view);
  }
}

function presentedList(list: ListResult, view: View): ListResult {
  return view.isOwn ? list : { ...list, items: list.items.map(view.present) };
}

function presentedEvents(events: AsyncIterable<readonly RestWatchEvent[]>, view: View) {
  return view.isOwn ? events : converted(events, view);
}

async function* converted(
  events: AsyncIterable<readonly RestWatchEvent[]>,
  { present }: View,
): AsyncGenerator<readonly RestWatchEvent[]> {
  for await (const batch of events) {
    yield batch.map((event) => {
      if (event.type === "BOOKMARK" || event.type === "ERROR") return event;
      const item = present(event.item);
      return { type: event.type, item, frame: frameOf(event.type, item.json) };
    });
  }
}
