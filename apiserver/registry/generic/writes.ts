/** create, update and patch of one resource: each is a walk through `write-stages.ts` that ends with a commit. */
import { StatusError } from "../../errors/status-error.ts";
import type { Creater, Patcher, RequestContext, Updater, WriteRequest, WriteResult } from "../rest/interface.ts";
import type { Part, View } from "../rest/part.ts";
import { type Change, patchChange, replacement } from "./change.ts";
import { isFinished } from "./deletion.ts";
import type { Birth } from "./object-meta-rules.ts";
import { wholeObject } from "./part.ts";
import { readPatch } from "./patch-types.ts";
import { nameOf, namespaceOf, type Resource } from "./resource.ts";
import { changeObject, insertObject } from "./transaction.ts";
import { draftOf, runStages, type Write } from "./write.ts";
import { decisionStages, proposalStages, writeStages } from "./write-stages.ts";

/** API C-07. */
const nameAttempts = 8;

export class Writes implements Creater, Updater, Patcher {
  readonly patchTypes: readonly string[];
  readonly #resource: Resource;
  readonly #whole: Part;

  constructor(resource: Resource, view: View) {
    this.patchTypes = [...resource.patchTypes.keys()];
    this.#resource = resource;
    this.#whole = wholeObject(resource.definition, view);
  }

  async create(context: RequestContext, request: WriteRequest): Promise<WriteResult> {
    const change = replacement(request.body, this.#whole.view.decoder, request.options.fieldValidation);
    const write = this.#begin(context, request, change, this.#whole);
    const proposal = await runStages(proposalStages, draftOf(undefined), write);
    const isNamed = nameOf(proposal.object) !== "";
    for (let attempt = 1; ; attempt++) {
      const { object } = await runStages(decisionStages, proposal, write);
      try {
        const item = await insertObject(this.#resource, { context, object, dryRun: request.options.dryRun });
        return { item: this.#whole.view.present(item), created: true };
      } catch (error) {
        if (isNamed || !isCollision(error)) throw error;
        if (attempt === nameAttempts) throw noUniqueName(error);
      }
    }
  }

  async update(context: RequestContext, request: WriteRequest, part: Part = this.#whole): Promise<WriteResult> {
    const { decoder } = part.view;
    const change = replacement(request.body, decoder, request.options.fieldValidation);
    decoder.checkIdentity(change.apply(undefined), {
      namespace: namespaceOf(context, this.#resource),
      name: request.name,
    });
    return this.#revise(this.#begin(context, request, change, part), request.name);
  }

  async patch(context: RequestContext, request: WriteRequest, part: Part = this.#whole): Promise<WriteResult> {
    const change = patchChange(readPatch(request.body, this.#resource.patchTypes));
    return this.#revise(this.#begin(context, request, change, part), request.name);
  }

  async #revise(write: Write, name: string): Promise<WriteResult> {
    const { item } = await changeObject(this.#resource, {
      context: write.context,
      name,
      dryRun: write.options.dryRun,
      decide: async (existing) => {
        const { object } = await runStages(writeStages, draftOf(existing), write);
        return { action: isFinished(object, this.#resource.strategy) ? "delete" : "put", object };
      },
    });
    return { item: write.part.view.present(item), created: false };
  }

  #begin(context: RequestContext, request: WriteRequest, change: Change, part: Part): Write {
    const resource = this.#resource;
    const { options, preconditions } = request;
    return { resource, part, context, options, preconditions, change, birth: lazily(() => birthOf(context, resource)) };
  }
}

function birthOf(context: RequestContext, resource: Resource): Birth {
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
