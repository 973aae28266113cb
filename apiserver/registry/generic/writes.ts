/** create, update and patch of one resource: each is a walk through `write-stages.ts` that ends with a commit. */
import type { JsonObject } from "../../apis/meta/v1.ts";
import { newConflict, StatusError } from "../../errors/status-error.ts";
import { isObject } from "../../machinery/json.ts";
import { managerName } from "../../machinery/managed-fields/manager-name.ts";
import { type Pace, paceOf } from "../../machinery/turns.ts";
import type { Creater, Patcher, RequestContext, Updater, WriteRequest, WriteResult } from "../rest/interface.ts";
import type { Part, View } from "../rest/part.ts";
import { appliedChange, applyPatchType, readApplied } from "./applied.ts";
import { type Change, patchChange, replacement } from "./change.ts";
import { isFinished } from "./deletion.ts";
import type { Birth } from "./object-meta-rules.ts";
import { wholeObject } from "./object-parts.ts";
import { readPatch } from "./patch-types.ts";
import { nameOf, namespaceOf, type StoredResource } from "./stored-resource.ts";
import { changeObject, insertObject, MissingObject } from "./transaction.ts";
import { draftOf, runStages, type Write } from "./write.ts";
import { decisionStages, proposalStages, writeStages } from "./write-stages.ts";

/** Names that are tried before a create with generateName gives up (API C-07). */
const nameAttempts = 8;

export class Writes implements Creater, Updater, Patcher {
  readonly patchTypes: readonly string[];
  readonly #resource: StoredResource;
  readonly #whole: Part;

  constructor(resource: StoredResource, view: View) {
    this.patchTypes = [...resource.patchTypes.keys(), applyPatchType];
    this.#resource = resource;
    this.#whole = wholeObject({ ...resource, view });
  }

  async create(context: RequestContext, request: WriteRequest): Promise<WriteResult> {
    const { body, options } = request;
    const { decoder } = this.#whole.view;
    const pace = paceOf(context, body);
    const change = await pace.runSteps(replacement(body, decoder, options.fieldValidation));
    return this.#create(this.#begin(context, { ...request, name: "" }, { change, pace, part: this.#whole }));
  }

  async #create(write: Write): Promise<WriteResult> {
    const { context, options, change } = write;
    const mayForgetManagers = change.mayForgetManagers;
    const proposal = await runStages(proposalStages, draftOf(undefined), write);
    const isNamed = nameOf(proposal.object) !== "";
    for (let attempt = 1; ; attempt++) {
      const { object } = await runStages(decisionStages, proposal, write);
      try {
        const item = await insertObject(this.#resource, {
          context,
          object,
          dryRun: options.dryRun,
          mayForgetManagers,
          pace: write.pace,
        });
        return { item: this.#whole.view.present(item), created: true };
      } catch (error) {
        if (isNamed || !isCollision(error)) throw error;
        if (attempt === nameAttempts) throw noUniqueName(error);
      }
    }
  }

  async update(context: RequestContext, request: WriteRequest, part: Part = this.#whole): Promise<WriteResult> {
    const { decoder } = part.view;
    const { body, options } = request;
    const pace = paceOf(context, body);
    const change = await pace.runSteps(replacement(body, decoder, options.fieldValidation));
    decoder.checkIdentity(change.whole, {
      namespace: namespaceOf(context, this.#resource),
      name: request.name,
    });
    return this.#revise(this.#begin(context, request, { change, pace, part }));
  }

  async patch(context: RequestContext, request: WriteRequest, part: Part = this.#whole): Promise<WriteResult> {
    if (request.body.mediaType === applyPatchType) return this.#apply(context, request, part);
    const { body } = request;
    const pace = paceOf(context, body);
    const change = patchChange(await pace.runSteps(readPatch(body, this.#resource.patchTypes)));
    return this.#revise(this.#begin(context, request, { change, pace, part }));
  }

  /** Creates what is not there, if it is applied as a whole (API S-04, S-38). */
  async #apply(context: RequestContext, request: WriteRequest, part: Part): Promise<WriteResult> {
    const { body, options } = request;
    const pace = paceOf(context, body);
    const value = await pace.runSteps(readApplied(body, options.fieldValidation, context.warn));
    const write = this.#begin(context, request, { change: appliedChange(value, options.force), pace, part });
    for (;;) {
      try {
        return await this.#revise(write);
      } catch (error) {
        if (part !== this.#whole || !(error instanceof MissingObject)) throw error;
      }
      await this.#mayCreate(context, request.name, value);
      try {
        return await this.#create(write);
      } catch (error) {
        if (!isCollision(error) || options.dryRun) throw error;
        // Somebody else created it meanwhile: it is applied to that.
        context.signal.throwIfAborted();
      }
    }
  }

  async #mayCreate(context: RequestContext, name: string, { metadata }: JsonObject): Promise<void> {
    const uid = isObject(metadata) ? (metadata.uid ?? "") : "";
    if (uid !== "") {
      const why = `uid mismatch: the provided object specified uid ${String(uid)}, and no existing object was found`;
      throw newConflict(this.#resource.groupResource, name, why);
    }
    await context.requireVerb("create");
  }

  async #revise(write: Write): Promise<WriteResult> {
    const { item } = await changeObject(this.#resource, {
      context: write.context,
      name: write.name,
      mayForgetManagers: write.change.mayForgetManagers,
      pace: write.pace,
      dryRun: write.options.dryRun,
      decide: async (existing) => {
        const { object } = await runStages(writeStages, draftOf(existing), write);
        return { action: isFinished(object, this.#resource.strategy) ? "delete" : "put", object };
      },
    });
    return { item: write.part.view.present(item), created: false };
  }

  #begin(context: RequestContext, request: WriteRequest, read: Read): Write {
    const resource = this.#resource;
    const { name, options, preconditions } = request;
    const manager = managerName(options.fieldManager, context.userAgent);
    const birth = lazily(() => birthOf(context, resource));
    return {
      resource,
      context,
      name,
      options,
      preconditions,
      manager,
      birth,
      ...read,
    };
  }
}

/** What became of the body, and where it goes. */
type Read = { readonly change: Change; readonly pace: Pace; readonly part: Part };

function birthOf(context: RequestContext, resource: StoredResource): Birth {
  const { tracksGeneration, newUid, clock } = resource;
  return {
    namespace: namespaceOf(context, resource),
    uid: newUid(),
    nowMs: clock.now(),
    tracksGeneration,
  };
}

function lazily<T extends object>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}

const isCollision = (error: unknown): error is StatusError =>
  error instanceof StatusError && error.status.reason === "AlreadyExists";

function noUniqueName({ status }: StatusError): StatusError {
  return new StatusError({
    ...status,
    message: `${status.message}, the server was not able to generate a unique name for the object`,
    details: { ...status.details, retryAfterSeconds: 1 },
  });
}
