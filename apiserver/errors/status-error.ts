import type {
  GroupResource,
  GroupVersionKind,
  Status,
  StatusCause,
  StatusDetails,
  StatusReason,
} from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { quoteValue } from "./abridge.ts";
import { boundedStatus } from "./bounded-status.ts";
import type { FieldError } from "./field-error.ts";

export type StatusErrorOptions = ErrorOptions & {
  /** Causes there are besides those that the Status lists. */
  readonly unlisted?: number;
};

/**
 * A failure a client may see: everything above storage throws this, and `endpoints` writes `status` as the answer.
 * Anything else that is thrown is a bug or an outage and becomes a 500 with a constant message (design D14).
 */
export class StatusError extends Error {
  readonly status: Status & { code: number };

  constructor(status: Status & { code: number }, options: StatusErrorOptions = {}) {
    const bounded = boundedStatus(status, options.unlisted ?? 0);
    super(bounded.message, options);
    this.name = "StatusError";
    this.status = bounded;
  }
}

export function statusError(
  code: number,
  reason: StatusReason,
  message: string,
  details?: StatusDetails,
  options?: StatusErrorOptions,
): StatusError {
  return new StatusError(
    {
      kind: "Status",
      apiVersion: "v1",
      metadata: {},
      status: "Failure",
      message,
      ...(reason === "" ? {} : { reason }),
      ...(details === undefined ? {} : { details }),
      code,
    },
    options,
  );
}

/** `functions.compute.functionmesh.io`, or just `pods` for the core group (API E-38). */
export function qualified({ group, name }: { group: string; name: string }): string {
  return group === "" ? name : `${name}.${group}`;
}

function detailsOf(resource: GroupResource, name: string): StatusDetails {
  return {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.resource,
  };
}
const named = (resource: GroupResource, name: string): string =>
  `${qualified({ group: resource.group, name: resource.resource })} ${quoteValue(name)}`;

export const newNotFound = (resource: GroupResource, name: string): StatusError =>
  statusError(404, "NotFound", `${named(resource, name)} not found`, detailsOf(resource, name));

export const newAlreadyExists = (resource: GroupResource, name: string): StatusError =>
  statusError(409, "AlreadyExists", `${named(resource, name)} already exists`, detailsOf(resource, name));

export const newConflict = (resource: GroupResource, name: string, why: string): StatusError =>
  statusError(
    409,
    "Conflict",
    `Operation cannot be fulfilled on ${named(resource, name)}: ${why}`,
    detailsOf(resource, name),
  );

/** The text every optimistic-lock failure has; tools compare it (API U-02). */
export const objectModified =
  "the object has been modified; please apply your changes to the latest version and try again";

export function newForbidden(resource: GroupResource, name: string, why: string, causes?: StatusCause[]): StatusError {
  const subject = name === "" ? qualified({ group: resource.group, name: resource.resource }) : named(resource, name);
  return statusError(
    403,
    "Forbidden",
    resource.resource === "" ? `forbidden: ${why}` : `${subject} is forbidden: ${why}`,
    {
      ...(resource.resource === "" ? {} : detailsOf(resource, name)),
      ...(causes === undefined ? {} : { causes }),
    },
  );
}

/** 422 with the wrong fields, the first hundred at once (API E-10, E-14, E-16). `errors` must not be empty. */
export function newInvalid(
  kind: Pick<GroupVersionKind, "group" | "kind">,
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const told = errors.slice(0, limits.maxCauses.value);
  const texts = [...new Set(told.map((e) => (e.field === "" ? e.body : `${e.field}: ${e.body}`)))];
  const text = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
  return statusError(
    422,
    "Invalid",
    `${qualified({ group: kind.group, name: kind.kind })} ${quoteValue(name)} is invalid: ${text}`,
    {
      ...(name === "" ? {} : { name }),
      ...(kind.group === "" ? {} : { group: kind.group }),
      ...(kind.kind === "" ? {} : { kind: kind.kind }),
      causes: told.map((e) => ({ reason: e.type, message: e.body, field: e.field })),
    },
    { unlisted: errors.length - told.length },
  );
}

export const newBadRequest = (message: string): StatusError => statusError(400, "BadRequest", message);
/** The body parses, but is no object of the endpoint's kind; `why` is what its decoder found (API V-17, V-24). */
export class UndecodableError extends StatusError {
  readonly why: string;

  constructor(message: string, why: string) {
    super(newBadRequest(message).status);
    this.why = why;
  }
}
export const newUndecodable = (
  { version, kind }: Pick<GroupVersionKind, "version" | "kind">,
  actualKind: string,
  why: string,
): UndecodableError =>
  new UndecodableError(
    `${actualKind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`,
    why,
  );
export const newUnauthorized = (): StatusError => statusError(401, "Unauthorized", "Unauthorized");
export const newMethodNotAllowed = (resource: GroupResource, verb: string): StatusError =>
  statusError(
    405,
    "MethodNotAllowed",
    `${verb} is not supported on resources of kind ${JSON.stringify(qualified({ group: resource.group, name: resource.resource }))}`,
    detailsOf(resource, ""),
  );
export const newMethodNotAllowedOnPath = (): StatusError =>
  statusError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
export const newPathNotFound = (): StatusError =>
  statusError(404, "NotFound", "the server could not find the requested resource", {});
export const newNotAcceptable = (supported: readonly string[]): StatusError =>
  statusError(406, "NotAcceptable", `only the following media types are accepted: ${supported.join(", ")}`);
export const newUnsupportedMediaType = (supported: readonly string[]): StatusError =>
  statusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${supported.join(", ")}`,
  );
export const newRequestEntityTooLarge = (why: string): StatusError =>
  statusError(413, "RequestEntityTooLarge", `Request entity too large: ${why}`);
/** A list or watch position that history no longer holds (API L-06, W-12). */
export const newExpired = (message: string): StatusError => statusError(410, "Expired", message);
export const newInternal = (message: string, options?: ErrorOptions): StatusError =>
  statusError(500, "InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] }, options);
export const newServiceUnavailable = (
  message: string,
  { retryAfterSeconds, ...options }: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
): StatusError =>
  statusError(
    503,
    "ServiceUnavailable",
    message,
    retryAfterSeconds === undefined ? undefined : { retryAfterSeconds },
    options,
  );
/** Storage has no room left; HTTP's own code for it, which Kubernetes has no reason for. */
export const newInsufficientStorage = (message: string, options?: ErrorOptions): StatusError =>
  statusError(507, "", message, undefined, options);
export const newTimeout = (message: string, details: StatusDetails = {}): StatusError =>
  statusError(504, "Timeout", `Timeout: ${message}`, details);
export const newTooManyRequests = (message: string, retryAfterSeconds: number): StatusError =>
  statusError(429, "TooManyRequests", message, { retryAfterSeconds });
/** A read asked for a revision that storage has not reached (API G-03). */
export const newTooLargeResourceVersion = (requested: number, current: number): StatusError =>
  newTimeout(`Too large resource version: ${requested}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });

const hasReason =
  (reason: StatusReason) =>
  (error: unknown): boolean =>
    error instanceof StatusError && error.status.reason === reason;
export const isNotFound = hasReason("NotFound");
export const isAlreadyExists = hasReason("AlreadyExists");
export const isConflict = hasReason("Conflict");
/** Whether it was done is unknown: there was no answer in time. */
export const isUnanswered = hasReason("Timeout");
export const isForbidden = hasReason("Forbidden");
export const isInvalid = hasReason("Invalid");

/** A create that was refused because the namespace is going away (API C-08): there is nothing left to do. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError &&
  isForbidden(error) &&
  (error.status.details?.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating");

/** Resolves to `undefined` where `request` is answered 404; rejects with any other failure. */
export async function unlessGone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
