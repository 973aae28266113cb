import type { JsonValue, KubeObject } from "../apis/meta/v1.ts";
import type { ResourceClient } from "../client/client.ts";
import { type AnswerObserver, observed } from "../client/observed.ts";
import { tokenReviewType } from "../client/resource-types.ts";
import { retry, reviewBackoff } from "../client/retry.ts";
import { type Sleep, sleep } from "../machinery/clock.ts";
import { isObject } from "../machinery/json.ts";
import type { TokenIdentity, TokenVerifier } from "./bearer-token.ts";
import { stringsOf, userFromJson } from "./user-json.ts";

/** Longest time one question to the host may take, in ms (API A-11). */
const requestTimeoutMs = 10_000;

/**
 * Asks the host cluster whose token it is (API A-10). Put `cachedTokenVerifier` around it.
 *
 * @param options.apiAudiences when given, tokens must be good for one of them
 */
export function tokenReviewVerifier(options: {
  client: ResourceClient;
  apiAudiences?: readonly string[];
  sleep?: Sleep;
  onAnswer?: AnswerObserver;
}): TokenVerifier {
  const { client, apiAudiences = [], onAnswer } = options;
  return {
    verify: async (token, audiences, signal) => {
      const wanted = audiences.length > 0 ? audiences : apiAudiences;
      const review: KubeObject = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        metadata: {},
        spec: { token, ...(wanted.length === 0 ? {} : { audiences: [...wanted] }) },
      };
      const ask = (): Promise<KubeObject> =>
        client.create(tokenReviewType, review, {
          signal: AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]),
        });
      const answer = await retry(() => observed(ask, onAnswer), reviewBackoff, {
        sleep: options.sleep ?? sleep,
        signal,
      });
      return identityFrom(answer.status, wanted);
    },
  };
}

function identityFrom(status: JsonValue | undefined, wanted: readonly string[]): TokenIdentity | undefined {
  if (!isObject(status) || status.authenticated !== true) return undefined;
  const user = userFromJson(status.user);
  if (user === undefined) return undefined;
  const audiences = stringsOf(status.audiences);
  // A host that knows no audiences answers none: it would take a token meant for somebody else.
  if (wanted.length > 0 && !audiences.some((audience) => wanted.includes(audience))) return undefined;
  return { user, audiences };
}
