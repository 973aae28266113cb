/** create, update and patch of one resource: each is a walk through `write-stages.ts` that ends with a commit. */
import type { JsonObject } from "../../apis/meta/v1.ts";
import { newConflict, StatusError } from "../../errors/status-error.ts";
import { isObject } from "../../machinery/json.ts";
import { managerName } from "../../machinery/managed-fields/manager-name.ts";
import { type Pace, paceOf } from "../../machinery/turns.ts";
import type {
  Creater,
  EncodedObject,
  Patcher,
  RequestContext,
  Updater,
  WriteRequest,
  WriteResult,
} from "../rest/interface.ts";
import type { Part, View } from "../rest/part.ts";
import { appliedChange, applyPatchType, readApplied } from "./applied.ts";
import { type Change, noChange, patchChange, replacement } from "./change.ts";
import { isFinished } from "./deletion.ts";
import type { Birth } from "./object-meta-rules.ts";
import { wholeObject } from "./object-parts.ts";
import { readPatch } from "./patch-types.ts";
import { type Repeat, Repeats, repeatOf } from "./repeats.ts";
import { keyOf, nameOf, namespaceOf, type StoredResource } from "./stored-resource.ts";
import { changeObject, insertObject, MissingObject } from "./transaction.ts";
import { draftOf, runStages, type Write } from "./write.ts";
import { decisionStages, proposalStages, readingStages, repeatStages, writeStages } from "./write-stages.ts";

/** Names that are tried before a create with generateName gives up (API C-07). */
const nameAttempts = 8;

/** `leaves`: the stored object that the write, as it was sent, leaves as it is. */
type Written = WriteResult & { readonly leaves?: EncodedObject };

export class Writes implements Creater, Updater, Patcher {
  readonly patchTypes: readonly string[];
  readonly #resource: StoredResource;
  readonly #whole: Part;
  readonly #repeats = new Repeats();

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

  update(context: RequestContext, request: WriteRequest, part: Part = this.#whole): Promise<WriteResult> {
    return this.#unlessRepeated(context, request, part, (...write) => this.#update(...write));
  }

  async #update(context: RequestContext, request: WriteRequest, part: Part): Promise<Written> {
    const { decoder } = part.view;
    const { body, options } = request;
    const pace = paceOf(context, body);
    const change = await pace.runSteps(replacement(body, decoder, options.fieldValidation));
    decoder.checkIdentity(change.whole, {
      namespace: namespaceOf(context, this.#resource),
      name: request.name,
    });
    const write = this.#begin(context, request, { change, pace, part });
    if (this.#resource.strategy.createsOnUpdate === true && part === this.#whole) {
      return this.#reviseOrCreate(write, change.whole);
    }
    try {
      return await this.#revise(write);
    } catch (error) {
      // What is no object of the kind is that also where there is none to replace; another kind was read already.
      if (error instanceof MissingObject && part.view === part.whole)
        await runStages(readingStages, draftOf(undefined), write);
      throw error;
    }
  }

  patch(context: RequestContext, request: WriteRequest, part: Part = this.#whole): Promise<WriteResult> {
    return this.#unlessRepeated(context, request, part, (...write) => this.#patch(...write));
  }

  async #patch(context: RequestContext, request: WriteRequest, part: Part): Promise<Written> {
    if (request.body.mediaType === applyPatchType) return this.#apply(context, request, part);
    const { body } = request;
    const pace = paceOf(context, body);
    const change = patchChange(await pace.runSteps(readPatch(body, this.#resource.patchTypes)));
    return this.#revise(this.#begin(context, request, { change, pace, part }));
  }

  /** Carries out a write, unless it changed nothing when it was last sent and nothing was changed since. */
  async #unlessRepeated(
    context: RequestContext,
    request: WriteRequest,
    part: Part,
    carryOut: (context: RequestContext, request: WriteRequest, part: Part) => Promise<Written>,
  ): Promise<WriteResult> {
    const pace = paceOf(context, request.body);
    const repeat = repeatOf(request, part, managerName(request.options.fieldManager, context.userAgent));
    const key = keyOf(this.#resource, context.namespace, request.name);
    const before = this.#resource.cacher.latest(key);
    if (before !== undefined && this.#repeats.has(before, repeat)) {
      const item = await this.#repeat(this.#begin(context, request, { change: noChange, pace, part }), repeat);
      if (item !== undefined) return { item: part.view.present(item), created: false };
    }
    let warned = false;
    const warn = (text: string): void => {
      warned = true;
      context.warn(text);
    };
    const { leaves, ...result } = await carryOut({ ...context, warn }, request, part);
    // A warning has to be given every time.
    if (leaves !== undefined && !warned) this.#repeats.add(leaves, repeat);
    return result;
  }

  /** @returns `undefined` when what was known about the write doesn't hold any more */
  async #repeat(write: Write, repeat: Repeat): Promise<EncodedObject | undefined> {
    let holds = true;
    const { item } = await changeObject(this.#resource, {
      context: write.context,
      name: write.name,
      pace: write.pace,
      dryRun: write.options.dryRun,
      decide: async (existing, item) => {
        holds = this.#repeats.has(item, repeat);
        if (holds) holds = (await runStages(repeatStages, draftOf(existing), write)).object === existing;
        return { action: "keep" };
      },
    });
    return holds ? item : undefined;
  }

  /** Creates what is not there, if it is applied as a whole (API S-04, S-38). */
  async #apply(context: RequestContext, request: WriteRequest, part: Part): Promise<Written> {
    const { body, options } = request;
    const pace = paceOf(context, body);
    const applied = await pace.runSteps(readApplied(body));
    const change = appliedChange(applied, { ...options, warn: context.warn });
    const write = this.#begin(context, request, { change, pace, part });
    if (part === this.#whole) return this.#reviseOrCreate(write, applied.value);
    try {
      return await this.#revise(write);
    } catch (error) {
      // Of kinds that a PUT creates, whoever means one object in particular is told that it isn't there to be that.
      const mayCreate = this.#resource.strategy.createsOnUpdate === true && part.view === part.whole;
      if (error instanceof MissingObject && mayCreate) this.#refuseUid(write, applied.value);
      throw error;
    }
  }

  /** @param wanted  the body */
  async #reviseOrCreate(write: Write, wanted: JsonObject): Promise<Written> {
    const { context, options } = write;
    for (;;) {
      try {
        return await this.#revise(write);
      } catch (error) {
        if (!(error instanceof MissingObject)) throw error;
      }
      await this.#mayCreate(write, wanted);
      try {
        return await this.#create(write);
      } catch (error) {
        if (!isCollision(error) || options.dryRun) throw error;
        // Somebody else created it meanwhile: that one is changed.
        context.signal.throwIfAborted();
      }
    }
  }

  async #mayCreate(write: Write, wanted: JsonObject): Promise<void> {
    this.#refuseUid(write, wanted);
    await write.context.requireVerb("create");
  }

  /** What is not there has no uid (API S-05). */
  #refuseUid({ name, change }: Write, { metadata }: JsonObject): void {
    const uid = isObject(metadata) ? (metadata.uid ?? "") : "";
    if (uid !== "") {
      const why = change.isWhole
        ? `Precondition failed: UID in precondition: ${String(uid)}, UID in object meta: `
        : `uid mismatch: the provided object specified uid ${String(uid)}, and no existing object was found`;
      throw newConflict(this.#resource.groupResource, name, why);
    }
  }

  async #revise(write: Write): Promise<Written> {
    let isReshaped = false;
    const { item, unchanged } = await changeObject(this.#resource, {
      context: write.context,
      name: write.name,
      mayForgetManagers: write.change.mayForgetManagers,
      pace: write.pace,
      dryRun: write.options.dryRun,
      decide: async (existing) => {
        const draft = await runStages(writeStages, draftOf(existing), write);
        ({ isReshaped } = draft);
        return { action: isFinished(draft.object, this.#resource.strategy) ? "delete" : "put", object: draft.object };
      },
    });
    const leaves = unchanged && !isReshaped ? { leaves: item } : {};
    return { item: write.part.view.present(item), created: false, ...leaves };
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
