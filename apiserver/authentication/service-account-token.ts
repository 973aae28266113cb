import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID } from "node:crypto";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify, SignJWT } from "jose";
import { systemClock } from "../machinery/clock.ts";
import { isObject } from "../machinery/json.ts";
import type { TokenIdentity, TokenVerifier } from "./bearer-token.ts";
import { type ServiceAccountRef, serviceAccountGroups, serviceAccountUserName } from "./service-account.ts";
import { stringOf } from "./user-json.ts";

/** Issuer and default audience inside every cluster; nothing resolves it, it is a name. */
export const defaultIssuer = "https://kubernetes.default.svc.cluster.local";

/** What a token is tied to: it ends when that object does. */
export type BoundObject = {
  readonly kind: "ServiceAccount" | "Pod" | "Secret";
  readonly name: string;
  readonly uid: string;
};

/** The uid of the object that has this name now; `undefined` when there is none. */
export type UidLookup = (
  object: { readonly kind: BoundObject["kind"]; readonly namespace: string; readonly name: string },
  signal: AbortSignal,
) => Promise<string | undefined>;

export type IssueRequest = {
  readonly account: ServiceAccountRef & { readonly uid: string };
  readonly audiences: readonly string[];
  readonly lifetimeSeconds: number;
  /** A pod or secret besides the account itself. */
  readonly boundObject?: BoundObject;
};

export interface ServiceAccountTokens extends TokenVerifier {
  /** Audiences of a token that asks for none. */
  readonly audiences: readonly string[];
  issue(request: IssueRequest): Promise<{ readonly token: string; readonly expiresAt: Date }>;
}

/** Each kind a token may be bound to, and its name in the token's private claims. */
const boundClaims: readonly { readonly kind: BoundObject["kind"]; readonly claim: string }[] = [
  { kind: "ServiceAccount", claim: "serviceaccount" },
  { kind: "Pod", claim: "pod" },
  { kind: "Secret", claim: "secret" },
];
const privateClaims = "kubernetes.io";

/**
 * Issues and verifies the tokens of service accounts: JWTs signed by one key, with Kubernetes' claims, so that what
 * clients read in them is what they are used to. Verifying asks `uidOf` for every bound object: a deleted account's
 * tokens end with it, also when an account of the same name comes after it.
 *
 * @param options.key PEM of an EC P-256 or RSA private key
 * @throws Error when the key is of another type
 */
export function serviceAccountTokens(options: {
  key: string;
  uidOf: UidLookup;
  issuer?: string;
  audiences?: readonly string[];
  now?: () => number;
}): ServiceAccountTokens {
  const { uidOf, issuer = defaultIssuer, audiences = [issuer], now = systemClock.now } = options;
  const key = signingKey(options.key);
  const currentDate = (): Date => new Date(now());

  return {
    audiences,
    issue: async (request) => {
      const issuedAt = Math.floor(now() / 1000);
      const expires = issuedAt + request.lifetimeSeconds;
      const token = await new SignJWT(claimsOf(request, { issuer, audiences, issuedAt, expires }))
        .setProtectedHeader({ alg: key.alg, kid: key.id })
        .sign(key.private);
      return { token, expiresAt: new Date(expires * 1000) };
    },
    verify: async (token, wanted, signal) => {
      const good = wanted.length > 0 ? wanted : audiences;
      const claims = await verified(token, key, { issuer, audience: [...good], currentDate: currentDate() });
      if (claims === undefined) return undefined;
      const bound = boundObjectsOf(claims);
      if (bound === undefined) return undefined;
      for (const { kind, name, uid } of bound.objects)
        if ((await uidOf({ kind, namespace: bound.namespace, name }, signal)) !== uid) return undefined;
      return identityOf(claims, bound, matchingAudiences(claims, good));
    },
  };
}

/**
 * Claims of a token that our key signed, that is good now, and for one of the audiences. A token names our key, or costs no
 * look at its signature; it cannot choose how it is verified.
 */
async function verified(
  token: string,
  key: SigningKey,
  terms: { issuer: string; audience: string[]; currentDate: Date },
): Promise<JWTPayload | undefined> {
  const named: JWTVerifyGetKey = ({ kid }) => {
    if (kid !== key.id) throw new errors.JWKSNoMatchingKey();
    return key.public;
  };
  try {
    const { payload } = await jwtVerify(token, named, {
      ...terms,
      algorithms: [key.alg],
      requiredClaims: ["exp", "sub"],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function claimsOf(
  { account, audiences, boundObject }: IssueRequest,
  terms: { issuer: string; audiences: readonly string[]; issuedAt: number; expires: number },
): JWTPayload {
  const bound: readonly BoundObject[] = [
    { kind: "ServiceAccount", name: account.name, uid: account.uid },
    ...(boundObject === undefined ? [] : [boundObject]),
  ];
  const references = boundClaims.flatMap(({ kind, claim }) =>
    bound.filter((each) => each.kind === kind).map(({ name, uid }) => [claim, { name, uid }] as const),
  );
  return {
    aud: [...(audiences.length > 0 ? audiences : terms.audiences)],
    exp: terms.expires,
    iat: terms.issuedAt,
    iss: terms.issuer,
    jti: randomUUID(),
    [privateClaims]: { namespace: account.namespace, ...Object.fromEntries(references) },
    nbf: terms.issuedAt,
    sub: serviceAccountUserName(account),
  };
}

function matchingAudiences({ aud }: JWTPayload, wanted: readonly string[]): readonly string[] {
  const has = typeof aud === "string" ? [aud] : (aud ?? []);
  return wanted.filter((audience) => has.includes(audience));
}

type BoundObjects = { readonly namespace: string; readonly objects: readonly BoundObject[] };

/** `undefined` when the token does not belong to a service account. */
function boundObjectsOf(claims: JWTPayload): BoundObjects | undefined {
  const kubernetes = claims[privateClaims];
  if (!isObject(kubernetes)) return undefined;
  const objects = boundClaims.flatMap(({ kind, claim }) => {
    const reference = kubernetes[claim];
    return isObject(reference) ? [{ kind, name: stringOf(reference.name), uid: stringOf(reference.uid) }] : [];
  });
  const namespace = stringOf(kubernetes.namespace);
  const account = objects.find(({ kind }) => kind === "ServiceAccount");
  if (account === undefined || claims.sub !== serviceAccountUserName({ namespace, name: account.name }))
    return undefined;
  return { namespace, objects };
}

function identityOf(claims: JWTPayload, bound: BoundObjects, audiences: readonly string[]): TokenIdentity {
  const find = (kind: BoundObject["kind"]) => bound.objects.find((object) => object.kind === kind);
  const pod = find("Pod");
  return {
    audiences,
    user: {
      name: stringOf(claims.sub),
      uid: find("ServiceAccount")?.uid ?? "",
      groups: serviceAccountGroups(bound.namespace),
      extra: {
        "authentication.kubernetes.io/credential-id": [`JTI=${stringOf(claims.jti)}`],
        ...(pod === undefined
          ? {}
          : {
              "authentication.kubernetes.io/pod-name": [pod.name],
              "authentication.kubernetes.io/pod-uid": [pod.uid],
            }),
      },
    },
  };
}

type SigningKey = {
  /** How JOSE names what the key signs with. */
  readonly alg: "ES256" | "RS256";
  readonly id: string;
  readonly private: KeyObject;
  readonly public: KeyObject;
};

function signingKey(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(pem);
  const type = privateKey.asymmetricKeyType;
  if (type !== "ec" && type !== "rsa") throw new Error(`a service account key must be EC P-256 or RSA, not ${type}`);
  if (type === "ec" && privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw new Error("an EC service account key must be on the curve P-256");
  return { alg: type === "ec" ? "ES256" : "RS256", id: keyId(publicKey), private: privateKey, public: publicKey };
}

/** A name for the key that anyone who holds its public half can derive. */
const keyId = (publicKey: KeyObject): string =>
  createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
