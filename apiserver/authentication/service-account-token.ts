import { createHash, createPrivateKey, createPublicKey, type KeyObject, randomUUID, sign, verify } from "node:crypto";
import type { JsonObject, JsonValue } from "../apis/meta/v1.ts";
import { isObject, parseJson, stringifyJson } from "../machinery/json.ts";
import type { TokenIdentity, TokenVerifier } from "./bearer-token.ts";
import { type ServiceAccountRef, serviceAccountGroups, serviceAccountUserName } from "./service-account.ts";
import { stringOf, stringsOf } from "./user-json.ts";

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
  issue(request: IssueRequest): { readonly token: string; readonly expiresAt: Date };
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
  const { uidOf, issuer = defaultIssuer, audiences = [issuer], now = Date.now } = options;
  const signer = newSigner(options.key);
  const nowSeconds = (): number => Math.floor(now() / 1000);

  return {
    audiences,
    issue: (request) => {
      const issuedAt = nowSeconds();
      const expires = issuedAt + request.lifetimeSeconds;
      const token = signer.sign(claimsOf(request, { issuer, audiences, issuedAt, expires }));
      return { token, expiresAt: new Date(expires * 1000) };
    },
    verify: async (token, wanted, signal) => {
      const claims = signer.verify(token);
      if (claims === undefined || claims.iss !== issuer || !isCurrent(claims, nowSeconds())) return undefined;
      const good = matchingAudiences(claims.aud, wanted.length > 0 ? wanted : audiences);
      if (good.length === 0) return undefined;
      const bound = boundObjectsOf(claims);
      if (bound === undefined) return undefined;
      for (const { kind, name, uid } of bound.objects)
        if ((await uidOf({ kind, namespace: bound.namespace, name }, signal)) !== uid) return undefined;
      return identityOf(claims, bound, good);
    },
  };
}

function claimsOf(
  { account, audiences, boundObject }: IssueRequest,
  terms: { issuer: string; audiences: readonly string[]; issuedAt: number; expires: number },
): JsonObject {
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

/** Whether the token has begun and not ended; one that says no end has none of ours. */
function isCurrent(claims: JsonObject, nowSeconds: number): boolean {
  const { exp, nbf } = claims;
  return typeof exp === "number" && nowSeconds < exp && (typeof nbf !== "number" || nbf <= nowSeconds);
}

function matchingAudiences(claim: JsonValue | undefined, wanted: readonly string[]): readonly string[] {
  const has = typeof claim === "string" ? [claim] : stringsOf(claim);
  return wanted.filter((audience) => has.includes(audience));
}

type BoundObjects = { readonly namespace: string; readonly objects: readonly BoundObject[] };

/** `undefined` when the token does not belong to a service account. */
function boundObjectsOf(claims: JsonObject): BoundObjects | undefined {
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

function identityOf(claims: JsonObject, bound: BoundObjects, audiences: readonly string[]): TokenIdentity {
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

/** How JOSE names a key's signature, and how node:crypto makes it. */
const algorithms = {
  ec: { alg: "ES256", dsaEncoding: "ieee-p1363" },
  rsa: { alg: "RS256" },
} as const;

type Signer = { sign(claims: JsonObject): string; verify(token: string): JsonObject | undefined };

function newSigner(pem: string): Signer {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(pem);
  const type = privateKey.asymmetricKeyType;
  if (type !== "ec" && type !== "rsa") throw new Error(`a service account key must be EC P-256 or RSA, not ${type}`);
  if (type === "ec" && privateKey.asymmetricKeyDetails?.namedCurve !== "prime256v1")
    throw new Error("an EC service account key must be on the curve P-256");
  const { alg, ...encoding } = algorithms[type];
  const header = encodePart({ alg, kid: keyId(publicKey) });
  return {
    sign: (claims) => {
      const signed = `${header}.${encodePart(claims)}`;
      const signature = sign("sha256", Buffer.from(signed), { key: privateKey, ...encoding });
      return `${signed}.${signature.toString("base64url")}`;
    },
    verify: (token) => {
      // The header must be ours to the letter, so a token cannot choose its own algorithm or key.
      const [head, payload, signature, ...rest] = token.split(".");
      if (head !== header || payload === undefined || signature === undefined || rest.length > 0) return undefined;
      const bytes = Buffer.from(signature, "base64url");
      if (!verify("sha256", Buffer.from(`${head}.${payload}`), { key: publicKey, ...encoding }, bytes))
        return undefined;
      const claims = parseJson(Buffer.from(payload, "base64url").toString("utf8"));
      return isObject(claims) ? claims : undefined;
    },
  };
}

const encodePart = (value: JsonObject): string => Buffer.from(stringifyJson(value)).toString("base64url");
/** A name for the key that anyone who holds its public half can derive. */
const keyId = (publicKey: KeyObject): string =>
  createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
