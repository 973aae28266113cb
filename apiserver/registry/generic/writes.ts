/** create and update of one resource: the way of an object from a request to storage (API AD-03). */
import type { AdmissionAttributes } from "../../admission/interface.ts";
import type { KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import { newAlreadyExists, newBadRequest, newInvalid, StatusError } from "../../errors/status-error.ts";
import { generateName, subdomainProblems } from "../../machinery/names.ts";
import {
  finalizerWarnings,
  type ObjectMetaRules,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from "../../machinery/object-meta.ts";
import { isStorageError } from "../../storage/errors.ts";
import type {
  DryRun,
  EncodedObject,
  InputOptions,
  RequestContext,
  Transform,
  UpdateOptions,
} from "../rest/interface.ts";
import { isFinished } from "./deletion.ts";
import { interpretError, interpreted } from "./interpret-error.ts";
import {
  duplicateOwnersWarning,
  metaForCreate,
  withGeneration,
  withoutDuplicateOwners,
  withStatus,
} from "./object-meta-rules.ts";
import { type Part, wholeObject } from "./part.ts";
import { checkClaims, checkPreconditions } from "./preconditions.ts";
import { decodeStored, keyOf, nameOf, type Resource } from "./resource.ts";
import { changeObject } from "./transaction.ts";

/** API C-07. */
const nameAttempts = 8;
const silently: InputOptions = { fieldValidation: "Ignore" };
const noWarning = (): void => {};

export class Writes {
  readonly #resource: Resource;
  readonly #whole: Part;
  readonly #metaRules: ObjectMetaRules;

  constructor(resource: Resource) {
    this.#resource = resource;
    this.#whole = wholeObject(resource.definition);
    this.#metaRules = {
      namespaced: resource.definition.namespaced,
      validateName: resource.strategy.validateName ?? subdomainProblems,
    };
  }

  async create(context: RequestContext, body: KubeObject, options: DryRun & InputOptions): Promise<EncodedObject> {
    const place = { namespace: this.#namespaceOf(context), name: undefined };
    const input = this.#resource.decoder.decode(body, place, options, context.warn);
    if (input.object.metadata.resourceVersion !== undefined) {
      throw newBadRequest("resourceVersion should not be set on objects to be created");
    }
    const newborn = this.#newborn(context);
    const object = newborn(input.object);
    this.#refuse(object, input.errors.filter(this.#whole.concerns), () =>
      validateObjectMeta(this.#named(object).metadata, this.#metaRules),
    );
    const defaulted = this.#withoutDuplicateOwners(this.#resource.strategy.default?.(object) ?? object, context);
    const admitted = await this.#admit(defaulted, undefined, context, options, this.#whole, newborn);
    if (nameOf(admitted) !== "") return this.#createNamed(admitted, context, options);
    return this.#createGenerated(admitted, context, options);
  }

  async update(
    context: RequestContext,
    name: string,
    transform: Transform,
    options: UpdateOptions,
    part: Part = this.#whole,
  ): Promise<EncodedObject> {
    const { item } = await changeObject(this.#resource, {
      context,
      name,
      dryRun: options.dryRun,
      decide: async (existing) => {
        const object = await this.#revise(context, existing, transform, options, part);
        const finished = isFinished(object, this.#resource.strategy);
        return { action: finished ? "delete" : "put", object };
      },
    });
    return item;
  }

  async #revise(
    context: RequestContext,
    existing: KubeObject,
    transform: Transform,
    options: UpdateOptions,
    part: Part,
  ): Promise<KubeObject> {
    const { groupResource, decoder, strategy, definition } = this.#resource;
    checkPreconditions(groupResource, existing, options.preconditions);
    const place = { namespace: this.#namespaceOf(context), name: nameOf(existing), previous: existing };
    const input = decoder.decode(await transform(existing), place, options, context.warn);
    const allowUnconditional = strategy.allowUnconditionalUpdate === true;
    checkClaims(this.#resource, input.object.metadata, existing, {
      allowUnconditional,
      fullReplacement: options.fullReplacement,
    });

    const isolate = (next: KubeObject): KubeObject => part.isolate(next, existing);
    const validateMeta = (object: KubeObject) => validateObjectMetaUpdate(object.metadata, existing.metadata);
    const isolated = isolate(input.object);
    this.#refuse(isolated, input.errors.filter(part.concerns), () => validateMeta(isolated));
    const defaulted = part.desiredState ? (strategy.default?.(isolated) ?? isolated) : isolated;
    const single = this.#withoutDuplicateOwners(defaulted, context);
    const admitted = await this.#admit(single, existing, context, options, part, isolate);
    const prepared = part.desiredState ? (strategy.prepareForUpdate?.(admitted, existing) ?? admitted) : admitted;
    const next = withGeneration(prepared, existing, definition.status);

    const errors = validateMeta(next);
    if (part.desiredState) {
      errors.push(...(strategy.validate?.(next, existing) ?? []), ...(strategy.validateUpdate?.(next, existing) ?? []));
    }
    if (errors.length > 0) throw this.#invalid(next, errors);
    this.#warn(next, existing, context);
    await this.#resource.admission.validate(this.#attributes(next, existing, context, options, part));
    return next;
  }

  /** What a new object is whatever the client sent; the same uid and time however often it is asked. */
  #newborn(context: RequestContext): (object: KubeObject) => KubeObject {
    const { definition, tracksGeneration, newUid, clock } = this.#resource;
    const birth = { namespace: this.#namespaceOf(context), uid: newUid(), nowMs: clock.now(), tracksGeneration };
    return (object) => {
      const born = { ...object, metadata: metaForCreate(object.metadata, birth) };
      return definition.status ? withStatus(born, undefined) : born;
    };
  }

  async #createGenerated(admitted: KubeObject, context: RequestContext, options: DryRun): Promise<EncodedObject> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#createNamed(this.#named(admitted), context, options);
      } catch (error) {
        if (!isCollision(error)) throw error;
        if (attempt === nameAttempts) throw noUniqueName(error);
      }
    }
  }

  async #createNamed(admitted: KubeObject, context: RequestContext, options: DryRun): Promise<EncodedObject> {
    const { strategy, admission } = this.#resource;
    const object = strategy.prepareForCreate?.(admitted) ?? admitted;
    const errors = [
      ...validateObjectMeta(object.metadata, this.#metaRules),
      ...(strategy.validate?.(object, undefined) ?? []),
    ];
    if (errors.length > 0) throw this.#invalid(object, errors);
    this.#warn(object, undefined, context);
    await admission.validate(this.#attributes(object, undefined, context, options, this.#whole));
    return options.dryRun ? this.#pretend(object, context) : this.#insert(object, context);
  }

  async #insert(object: KubeObject, context: RequestContext): Promise<EncodedObject> {
    const { backend, codec, cacher, prefix, groupResource } = this.#resource;
    const key = keyOf(this.#resource, context.namespace, nameOf(object));
    const value = codec.encode(object);
    try {
      const revision = await backend.create(prefix + key, value);
      const item = codec.stored(object, value, revision);
      cacher.noteWrite(key, item);
      return item;
    } catch (error) {
      if (isStorageError(error, "KeyExists")) throw await this.#alreadyExists(key, nameOf(object), context);
      throw interpretError(error, { resource: groupResource, name: nameOf(object) });
    }
  }

  async #pretend(object: KubeObject, context: RequestContext): Promise<EncodedObject> {
    const key = keyOf(this.#resource, context.namespace, nameOf(object));
    if ((await this.#stored(key, nameOf(object), context)) !== undefined) {
      throw await this.#alreadyExists(key, nameOf(object), context);
    }
    return this.#resource.codec.unstored(object);
  }

  async #alreadyExists(key: string, name: string, context: RequestContext): Promise<StatusError> {
    const error = newAlreadyExists(this.#resource.groupResource, name);
    const existing = await this.#stored(key, name, context);
    if (existing?.object.metadata.deletionTimestamp === undefined) return error;
    return new StatusError({ ...error.status, message: `object is being deleted: ${error.message}` });
  }

  async #stored(key: string, name: string, { signal }: RequestContext) {
    const { backend, prefix, groupResource } = this.#resource;
    const { value } = await interpreted({ resource: groupResource, name }, backend.get(prefix + key, signal));
    return value === undefined ? undefined : decodeStored(this.#resource, value);
  }

  #named(object: KubeObject): KubeObject {
    const { name, generateName: base = "" } = object.metadata;
    if (name !== undefined || base === "") return object;
    return { ...object, metadata: { ...object.metadata, name: generateName(base, this.#resource.random) } };
  }

  /** Mutating admission. What it made is decoded like input, silently (API section 17, AD-25). */
  async #admit(
    object: KubeObject,
    existing: KubeObject | undefined,
    context: RequestContext,
    options: DryRun,
    part: Part,
    restore: (object: KubeObject) => KubeObject,
  ): Promise<KubeObject> {
    const { admission, decoder } = this.#resource;
    const shown = await admission.admit(this.#attributes(object, existing, context, options, part));
    if (shown === undefined) return object;
    const place = {
      namespace: this.#namespaceOf(context),
      name: existing === undefined ? undefined : nameOf(existing),
    };
    const decoded = decoder.decode(part.absorb(shown, object), place, silently, noWarning);
    const restored = restore(decoded.object);
    this.#refuse(restored, decoded.errors.filter(part.concerns), () => []);
    return this.#withoutDuplicateOwners(restored, context);
  }

  #attributes(
    object: KubeObject,
    existing: KubeObject | undefined,
    context: RequestContext,
    { dryRun }: DryRun,
    part: Part,
  ): AdmissionAttributes {
    const { definition, gvr } = this.#resource;
    return {
      operation: existing === undefined ? "CREATE" : "UPDATE",
      kind: part.kind,
      resource: gvr,
      subresource: part.subresource,
      namespace: definition.namespaced ? context.namespace : "",
      name: nameOf(object),
      object: part.show(object),
      oldObject: existing === undefined ? undefined : part.show(existing),
      user: context.user,
      dryRun,
      signal: context.signal,
      warn: context.warn,
    };
  }

  #withoutDuplicateOwners(object: KubeObject, context: RequestContext): KubeObject {
    const { metadata, duplicates } = withoutDuplicateOwners(object.metadata);
    if (duplicates.length === 0) return object;
    context.warn(duplicateOwnersWarning(duplicates));
    return { ...object, metadata };
  }

  #warn(object: KubeObject, existing: KubeObject | undefined, context: RequestContext): void {
    const texts = this.#resource.strategy.warnings?.(object, existing) ?? [];
    for (const text of [...finalizerWarnings(object.metadata), ...texts]) context.warn(text);
  }

  /** Errors of the schema end the way here: no strategy need bear an object of the wrong shape (API M-25). */
  #refuse(object: KubeObject, schemaErrors: readonly FieldError[], metaErrors: () => readonly FieldError[]): void {
    if (schemaErrors.length > 0) throw this.#invalid(object, [...metaErrors(), ...schemaErrors]);
  }

  #invalid(object: KubeObject, errors: readonly FieldError[]): StatusError {
    return newInvalid(this.#resource.gvk, nameOf(object), errors);
  }

  #namespaceOf({ namespace }: RequestContext): string | undefined {
    return this.#resource.definition.namespaced ? namespace : undefined;
  }
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
