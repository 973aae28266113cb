/** delete and deletecollection of one resource (API 3.7). */
import { apiVersionOf, type KubeObject } from "../../apis/meta/v1.ts";
import { isNotFound } from "../../errors/status-error.ts";
import { Pace } from "../../machinery/turns.ts";
import type {
  DeleteRequest,
  DeleteResult,
  Deleter,
  EncodedObject,
  Lister,
  ListOptions,
  ListResult,
  RequestContext,
} from "../rest/interface.ts";
import type { View } from "../rest/part.ts";
import { planDeletion } from "./deletion.ts";
import { checkPreconditions } from "./preconditions.ts";
import { nameOf, type StoredResource } from "./stored-resource.ts";
import { changeObject, removeUndecodable } from "./transaction.ts";

/** Objects listed at once when the caller set no limit (API X-15). */
const collectionPageSize = 10_000;
/** Deletions under way at once: enough for storage to commit them in groups. */
const concurrentDeletions = 16;

export class Deletes implements Deleter {
  readonly #resource: StoredResource;
  readonly #lister: Lister;
  readonly #view: View;

  /** @param view  how admission is shown objects */
  constructor(resource: StoredResource, lister: Lister, view: View) {
    this.#view = view;
    this.#resource = resource;
    this.#lister = lister;
  }

  async delete(context: RequestContext, name: string, request: DeleteRequest): Promise<DeleteResult> {
    const { strategy, clock, gvk } = this.#resource;
    if (request.ignoresReadErrors === true) return this.#deleteUnreadable(context, name, request.dryRun);
    return changeObject(this.#resource, {
      context,
      name,
      dryRun: request.dryRun,
      pace: new Pace(context.user.name, false),
      decide: async (existing) => {
        checkPreconditions(gvk, existing, request.preconditions);
        await this.#admit(context, existing, request.dryRun);
        return planDeletion(existing, request, { strategy, nowMs: clock.now() });
      },
    });
  }

  /** Deletes what cannot be decoded, as it is: nobody knows its uid, its finalizers, or who would mind (API X-13). */
  async #deleteUnreadable(context: RequestContext, name: string, dryRun: boolean): Promise<DeleteResult> {
    await context.requireVerb("unsafe-delete-ignore-read-errors");
    await removeUndecodable(this.#resource, { context, name, dryRun });
    const { gvk, codec } = this.#resource;
    const item = codec.unstored({ apiVersion: apiVersionOf(gvk), kind: gvk.kind, metadata: { name } });
    return { deleted: true, item };
  }

  async deleteCollection(context: RequestContext, list: ListOptions, request: DeleteRequest): Promise<ListResult> {
    const page = await this.#lister.list(context, list.limit > 0 ? list : { ...list, limit: collectionPageSize });
    await this.#deleteAll(context, page.items, request);
    if (list.limit > 0) return page;
    const items = [...page.items];
    let { metadata } = page;
    while (metadata.continue !== undefined) {
      const position = { continue: metadata.continue, resourceVersion: "", resourceVersionMatch: "" } as const;
      const next = await this.#lister.list(context, { ...list, ...position, limit: collectionPageSize });
      await this.#deleteAll(context, next.items, request);
      items.push(...next.items);
      metadata = next.metadata;
    }
    return { items, metadata };
  }

  async #deleteAll(context: RequestContext, items: readonly EncodedObject[], request: DeleteRequest): Promise<void> {
    const waiting = items.values();
    const worker = async (): Promise<void> => {
      for (const { object } of waiting) {
        context.signal.throwIfAborted();
        await this.#deleteOne(context, object, request);
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrentDeletions, items.length) }, worker));
  }

  /** Somebody else may have deleted it since it was listed: that is as good (API X-14). */
  async #deleteOne(context: RequestContext, object: KubeObject, request: DeleteRequest): Promise<void> {
    try {
      await this.delete(context, nameOf(object), request);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async #admit(context: RequestContext, oldObject: KubeObject, dryRun: boolean): Promise<void> {
    const { admission, definition, gvr } = this.#resource;
    const attributes = {
      operation: "DELETE",
      kind: this.#view.decoder.gvk,
      resource: gvr,
      subresource: "",
      namespace: definition.namespaced ? context.namespace : "",
      name: nameOf(oldObject),
      object: undefined,
      oldObject: this.#view.show(oldObject),
      user: context.user,
      dryRun,
      options: { kind: "DeleteOptions" },
      auditId: context.auditId,
      signal: context.signal,
      warn: context.warn,
    } as const;
    await admission.admit(attributes);
    await admission.validate(attributes);
  }
}
