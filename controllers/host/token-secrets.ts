/**
 * Fills Secrets that ask for the token of a service account (type `kubernetes.io/service-account-token`), and removes those
 * whose account is gone. The token ends with the Secret, or with the account.
 */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { ResourceClient } from "../../apiserver/client/client.ts";
import { secretType, serviceAccountType } from "../../apiserver/client/resource-types.ts";
import { unlessGone } from "../../apiserver/errors/status-error.ts";
import { objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { deepEqual } from "../../apiserver/machinery/json.ts";
import type { Informer, Trigger } from "../runtime/interface.ts";
import { keyOf, type ObjectKey } from "../runtime/object-key.ts";
import { done, type ReconcileContext, type Reconciler, type Result } from "../runtime/reconciler.ts";
import { mapped, ownKind } from "../runtime/triggers.ts";
import { isTerminating } from "./pods.ts";

const nameAnnotation = "kubernetes.io/service-account.name";
const uidAnnotation = "kubernetes.io/service-account.uid";
const accountIndex = "token-of-service-account";

/** Makes a token of `account` that is good as long as both objects exist. */
export type IssueToken = (account: KubeObject, secret: KubeObject) => Promise<string>;

const accountNameOf = (secret: KubeObject): string =>
  textOf(secret, "type") === "kubernetes.io/service-account-token"
    ? (secret.metadata.annotations?.[nameAnnotation] ?? "")
    : "";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

export class TokenSecrets implements Reconciler {
  readonly #client: ResourceClient;
  readonly #issueToken: IssueToken;
  readonly #rootCa: string;
  readonly #secrets: Informer;
  readonly #accounts: Informer;

  /** @param deps.rootCa certificates in PEM by which holders of the token know this server */
  constructor(deps: {
    client: ResourceClient;
    issueToken: IssueToken;
    rootCa: string;
    secrets: Informer;
    accounts: Informer;
  }) {
    this.#client = deps.client;
    this.#issueToken = deps.issueToken;
    this.#rootCa = deps.rootCa;
    this.#secrets = deps.secrets;
    this.#accounts = deps.accounts;
    this.#secrets.addIndex(accountIndex, (secret) => {
      const account = accountNameOf(secret);
      return account === "" ? [] : [`${secret.metadata.namespace}/${account}`];
    });
  }

  triggers(): readonly Trigger[] {
    return [
      { ...ownKind(this.#secrets), keysOf: (secret) => (accountNameOf(secret) === "" ? [] : [keyOf(secret)]) },
      mapped(this.#accounts, ({ metadata: { namespace, name } }) =>
        this.#secrets.lister.byIndex(accountIndex, `${namespace}/${name}`).map(keyOf),
      ),
    ];
  }

  async reconcile(key: ObjectKey, { signal }: ReconcileContext): Promise<Result> {
    const secret = this.#secrets.lister.get(key);
    if (secret === undefined || isTerminating(secret)) return done;
    const account = await this.#accountOf(secret, signal);
    const { name = "", namespace = "", uid = "", annotations = {} } = secret.metadata;
    if (account === undefined) {
      await unlessGone(this.#client.delete({ type: secretType, name, namespace }, { preconditions: { uid }, signal }));
      return done;
    }
    const data = objectOf(secret, "data");
    const wanted = {
      ...data,
      "ca.crt": base64(this.#rootCa),
      namespace: base64(namespace),
      token: textOf(data, "token") || base64(await this.#issueToken(account, secret)),
    };
    const accountUid = account.metadata.uid ?? "";
    if (deepEqual(data, wanted) && annotations[uidAnnotation] === accountUid) return done;
    const metadata = { ...secret.metadata, annotations: { ...annotations, [uidAnnotation]: accountUid } };
    await unlessGone(this.#client.update(secretType, { ...secret, metadata, data: wanted }, { signal }));
    return done;
  }

  /** The account that the Secret means: an account of the same name that came later is another one. */
  async #accountOf({ metadata }: KubeObject, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { namespace = "", annotations = {} } = metadata;
    const name = annotations[nameAnnotation] ?? "";
    const uid = annotations[uidAnnotation];
    const isMeant = (account: KubeObject | undefined) =>
      account !== undefined && (uid === undefined || account.metadata.uid === uid);
    const cached = this.#accounts.lister.get({ namespace, name });
    if (isMeant(cached)) return cached;
    const live = await unlessGone(this.#client.get({ type: serviceAccountType, name, namespace }, { signal }));
    return isMeant(live) ? live : undefined;
  }
}
