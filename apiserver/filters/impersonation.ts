import { extraKey, isIdentityText } from "../authentication/identity-text.ts";
import { parseServiceAccountUserName, serviceAccountGroups } from "../authentication/service-account.ts";
import { anonymous, authenticatedGroup, type UserInfo } from "../authentication/user.ts";
import { newUser } from "../authentication/user-json.ts";
import { newDenied, resourceAttributes } from "../authorization/attributes.ts";
import type { Attributes, Authorizer } from "../authorization/authorizer.ts";
import type { ApiRequest, Filter } from "../endpoints/api-handler.ts";
import { errorResponse } from "../endpoints/responses.ts";
import { newBadRequest } from "../errors/status-error.ts";
import { limits } from "../limits.ts";

const noUserText = "requested to impersonate groups, a uid or extras without impersonating a user";
const undecodableText = "requested to impersonate somebody whose user name, groups, uid or extras are not valid UTF-8";
const headerPrefix = "impersonate-";
const extraPrefix = "impersonate-extra-";
const authenticationGroup = "authentication.k8s.io";

/** Who somebody asks to be. */
type Target = {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: ReadonlyMap<string, readonly string[]>;
};

/**
 * Lets a user act as another, when each part of the other's identity is allowed to them by verb `impersonate`
 * (API A-17). The answer is then the same as if the other had asked. Answers 403 for the first part that is not allowed,
 * and 400 when something but no user is to be impersonated, or somebody whose name is no UTF-8.
 */
export function withImpersonation({ authorizer }: { authorizer: Authorizer }): Filter {
  return (next) => async (request) => {
    const target = targetOf(request.headers);
    if (target === undefined) {
      // Ignoring such a header would run the request with rights its sender meant to leave behind (API A-18).
      const claimed = [...request.headers.keys()].some((name) => name.startsWith(headerPrefix));
      return claimed ? errorResponse(request, newBadRequest(noUserText)) : next(request);
    }
    if (!textsOf(target).every(isIdentityText)) return errorResponse(request, newBadRequest(undecodableText));
    const parts = partsOf(target, request.user);
    if (parts.length > limits.maxImpersonatedParts.value) return errorResponse(request, tooManyParts(parts.length));
    for (const attributes of parts) {
      const { decision, reason } = await authorizer.authorize(attributes, request.signal);
      if (decision !== "allow") return errorResponse(request, newDenied(attributes, reason));
    }
    const headers = new Map([...request.headers].filter(([name]) => !name.startsWith(headerPrefix)));
    const user = userOf(target);
    request.onIdentity?.(user);
    return next({ ...request, headers, user });
  };
}

const tooManyParts = (count: number) =>
  newBadRequest(
    `the user to be impersonated has ${count} parts, at most ${limits.maxImpersonatedParts.value} are allowed`,
  );

function targetOf(headers: ApiRequest["headers"]): Target | undefined {
  const name = headers.get("impersonate-user")?.[0] ?? "";
  if (name === "") return undefined;
  const uid = headers.get("impersonate-uid")?.[0] ?? "";
  const groups = headers.get("impersonate-group") ?? [];
  const extra = new Map<string, readonly string[]>();
  for (const [header, values] of headers) {
    if (!header.startsWith(extraPrefix)) continue;
    // Two headers may name one key, spelled and escaped: leaving one out would ask for less than was claimed.
    const key = extraKey(header.slice(extraPrefix.length));
    extra.set(key, [...(extra.get(key) ?? []), ...values]);
  }
  return { name, uid, groups, extra };
}

const textsOf = ({ name, uid, groups, extra }: Target): readonly string[] => [
  name,
  uid,
  ...groups,
  ...[...extra].flat(2),
];

/** One question per part of the identity. */
function partsOf(target: Target, user: UserInfo): readonly Attributes[] {
  const ask = (part: { resource: string; name: string; namespace?: string; group?: string; subresource?: string }) =>
    resourceAttributes({ user, verb: "impersonate", version: "v1", ...part });
  const account = parseServiceAccountUserName(target.name);
  return [
    account === undefined
      ? ask({ resource: "users", name: target.name })
      : ask({ resource: "serviceaccounts", name: account.name, namespace: account.namespace }),
    ...target.groups.map((name) => ask({ resource: "groups", name })),
    ...[...target.extra].flatMap(([key, values]) =>
      values.map((name) => ask({ resource: "userextras", subresource: key, name, group: authenticationGroup })),
    ),
    ...(target.uid === "" ? [] : [ask({ resource: "uids", name: target.uid, group: authenticationGroup })]),
  ];
}

function userOf({ name, uid, groups, extra }: Target): UserInfo {
  const account = parseServiceAccountUserName(name);
  const given = groups.length === 0 && account !== undefined ? serviceAccountGroups(account.namespace) : groups;
  return newUser({
    name,
    uid,
    groups: withStandingGroup(name, given),
    extra: extra.size === 0 ? undefined : Object.fromEntries(extra),
  });
}

function withStandingGroup(name: string, groups: readonly string[]): readonly string[] {
  const [unauthenticatedGroup = ""] = anonymous.groups;
  if (groups.includes(authenticatedGroup) || groups.includes(unauthenticatedGroup)) return groups;
  return [...groups, name === anonymous.name ? unauthenticatedGroup : authenticatedGroup];
}
