import type { JsonObject, JsonValue, KubeObject } from "../apis/meta/v1.ts";
import { extraToJson, stringOf } from "../authentication/user-json.ts";
import type { ResourceClient } from "../client/client.ts";
import { ExpiringCache } from "../client/expiring-cache.ts";
import { type AnswerObserver, observed } from "../client/observed.ts";
import { subjectAccessReviewType } from "../client/resource-types.ts";
import { retry, reviewBackoff } from "../client/retry.ts";
import { type Sleep, sleep, systemClock } from "../machinery/clock.ts";
import { isObject, stringifyJson } from "../machinery/json.ts";
import { parseFieldSelector, parseLabelSelector } from "../machinery/selectors.ts";
import type { Attributes, Authorizer, Decision } from "./authorizer.ts";

/** Longest time one question to the host may take, in ms (API Z-10). */
const requestTimeoutMs = 10_000;
/** How long an answer holds, in ms; kube-apiserver's defaults for extension servers (API Z-08). */
const defaultTtlMs = { allowed: 10_000, denied: 10_000 };
const cacheCapacity = 8192;
/** Questions at least this long, in characters, are not remembered: callers choose their own names and selectors (API Z-08). */
const maxCachedLength = 10_000;

export type SubjectAccessReviewOptions = {
  readonly client: ResourceClient;
  readonly ttlMs?: { readonly allowed: number; readonly denied: number };
  readonly now?: () => number;
  readonly sleep?: Sleep;
  readonly onAnswer?: AnswerObserver;
};

/**
 * Asks the host cluster (API Z-03…Z-10). The same question asked by many at once is asked once.
 * Rejects when the host cannot be asked: the caller must not take that for an answer.
 */
export function subjectAccessReviewAuthorizer(options: SubjectAccessReviewOptions): Authorizer {
  const { client, ttlMs = defaultTtlMs, now = systemClock.elapsedMs } = options;
  const cache = new ExpiringCache<Decision>({ capacity: cacheCapacity, now });
  const inFlight = new Map<string, Promise<Decision>>();

  const ask = async (spec: JsonObject): Promise<Decision> => {
    const review: KubeObject = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      metadata: {},
      spec,
    };
    // Not the caller's signal: others may wait for the same answer.
    const attempt = () =>
      client.create(subjectAccessReviewType, review, { signal: AbortSignal.timeout(requestTimeoutMs) });
    const answer = await retry(() => observed(attempt, options.onAnswer), reviewBackoff, {
      sleep: options.sleep ?? sleep,
    });
    return decisionFrom(answer.status);
  };

  const askAndRemember = async (key: string, spec: JsonObject): Promise<Decision> => {
    try {
      const decision = await ask(spec);
      const ttl = decision.decision === "allow" ? ttlMs.allowed : ttlMs.denied;
      if (key.length < maxCachedLength) cache.set(key, decision, now() + ttl);
      return decision;
    } finally {
      inFlight.delete(key);
    }
  };

  return {
    authorize: (attributes) => {
      const spec = reviewSpec(attributes);
      const key = stringifyJson(spec);
      const known = cache.get(key);
      if (known !== undefined) return Promise.resolve(known);
      let asked = inFlight.get(key);
      if (asked === undefined) {
        asked = askAndRemember(key, spec);
        inFlight.set(key, asked);
      }
      return asked;
    },
  };
}

function decisionFrom(status: JsonValue | undefined): Decision {
  if (!isObject(status)) throw new Error("the host answered a SubjectAccessReview without status");
  const { allowed, denied } = status;
  const reason = stringOf(status.reason);
  if (allowed === true && denied === true) throw new Error("the host both allowed and denied a SubjectAccessReview");
  if (allowed === true) return { decision: "allow", reason };
  return { decision: denied === true ? "deny" : "noOpinion", reason };
}

function reviewSpec(attributes: Attributes): JsonObject {
  const { user } = attributes;
  return {
    user: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    groups: [...user.groups],
    ...(user.extra === undefined ? {} : { extra: extraToJson(user.extra) }),
    ...(attributes.resourceRequest
      ? { resourceAttributes: resourceAttributesToJson(attributes) }
      : { nonResourceAttributes: { path: attributes.path, verb: attributes.verb } }),
  };
}

function resourceAttributesToJson(attributes: Attributes & { resourceRequest: true }): JsonObject {
  const { verb, group, version, resource, subresource, namespace, name } = attributes;
  const given = Object.entries({ namespace, verb, group, version, resource, subresource, name });
  const fields = fieldRequirements(attributes.fieldSelector);
  const labels = labelRequirements(attributes.labelSelector);
  return {
    ...Object.fromEntries(given.filter(([, value]) => value !== "")),
    ...(fields.length === 0 ? {} : { fieldSelector: { requirements: fields } }),
    ...(labels.length === 0 ? {} : { labelSelector: { requirements: labels } }),
  };
}

/** How requirements are spelled in a review (API Z-07); operators that are not here are left out. */
const reviewOperators: { readonly [operator: string]: string } = {
  "=": "In",
  in: "In",
  "!=": "NotIn",
  notin: "NotIn",
  exists: "Exists",
  "!": "DoesNotExist",
};

/** Leaving a requirement out only asks for more than is wanted, so what cannot be parsed is left out. */
function parsedOrNone<Requirement>(parse: () => readonly Requirement[]): readonly Requirement[] {
  try {
    return parse();
  } catch {
    return [];
  }
}

function labelRequirements(text: string): JsonObject[] {
  if (text === "") return [];
  return parsedOrNone(() => parseLabelSelector(text).requirements).flatMap(({ key, operator, values }) =>
    requirement(key, operator, values),
  );
}

function fieldRequirements(text: string): JsonObject[] {
  if (text === "") return [];
  return parsedOrNone(() => parseFieldSelector(text).requirements).flatMap(({ field, operator, value }) =>
    requirement(field, operator, [value]),
  );
}

function requirement(key: string, operator: string, values: readonly string[]): JsonObject[] {
  const spelled = reviewOperators[operator];
  if (spelled === undefined) return [];
  return [{ key, operator: spelled, ...(values.length === 0 ? {} : { values: [...values] }) }];
}
