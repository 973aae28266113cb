import type { JsonValue, KubeObject } from "../apis/meta/v1.ts";
import type { ResourceClient } from "../client/client.ts";
import type { Follow } from "../client/follow.ts";
import { configMapType } from "../client/resource-types.ts";
import { isObject, parseJson } from "../machinery/json.ts";
import { parseBundle } from "./certificate-verifier.ts";
import type { FrontProxyConfig } from "./front-proxy.ts";
import { stringOf } from "./user-json.ts";

/** What the host cluster publishes for its extension servers (API A-06). */
export type AuthenticationConfig = {
  /** PEM of the CA of client certificates; `""`: none. */
  readonly clientCaBundle: string;
  readonly frontProxy: FrontProxyConfig;
};

const name = "extension-apiserver-authentication";
const namespace = "kube-system";
/** A CA that is trusted no longer is believed for at most so long after its connection to the host died, in seconds. */
const maxStaleSeconds = 150;

/**
 * Reads ConfigMap `kube-system/extension-apiserver-authentication`, then keeps the returned value true to it until
 * the signal aborts (API A-07). A ConfigMap that was deleted or cannot be understood leaves the last good value:
 * locking everybody out, or trusting nobody's headers, must not follow from a slip in another component.
 *
 * @throws StatusError when the first read fails; Error when what it gives makes no sense
 */
export async function followAuthenticationConfig(
  client: ResourceClient,
  options: {
    follow: Follow;
    signal: AbortSignal;
    /** Told of a ConfigMap that cannot be understood. */
    onError: (error: unknown) => void;
    /** Told after each change of the returned value. */
    onChange?: () => void;
  },
): Promise<() => AuthenticationConfig> {
  const { follow, signal, onError, onChange = () => undefined } = options;
  let current = parseAuthenticationConfig(await client.get({ type: configMapType, name, namespace }, { signal }));
  const take = (object: KubeObject): void => {
    try {
      current = parseAuthenticationConfig(object);
      onChange();
    } catch (error) {
      onError(error);
    }
  };
  const followed = { type: configMapType, namespace, fieldSelector: `metadata.name=${name}`, maxStaleSeconds };
  follow(client, followed, { upsert: take, remove: () => undefined }, signal).catch(onError);
  return () => current;
}

/** @throws Error naming the key that cannot be understood */
export function parseAuthenticationConfig(configMap: KubeObject): AuthenticationConfig {
  const data: JsonValue | undefined = configMap.data;
  const text = (key: string): string => (isObject(data) ? stringOf(data[key]) : "");
  const names = (key: string): readonly string[] => {
    if (text(key) === "") return [];
    const value = parseJson(text(key));
    if (!Array.isArray(value) || !value.every((each) => typeof each === "string"))
      throw new Error(`key ${key} of ConfigMap ${namespace}/${name} must be a JSON array of strings`);
    return value;
  };
  const bundle = (key: string): string => {
    try {
      parseBundle(text(key));
    } catch (error) {
      throw new Error(`key ${key} of ConfigMap ${namespace}/${name} holds what is no certificate`, { cause: error });
    }
    return text(key);
  };
  const headers = (key: string): readonly string[] => names(key).map((header) => header.toLowerCase());
  return {
    clientCaBundle: bundle("client-ca-file"),
    frontProxy: {
      caBundle: bundle("requestheader-client-ca-file"),
      allowedNames: names("requestheader-allowed-names"),
      usernameHeaders: headers("requestheader-username-headers"),
      uidHeaders: headers("requestheader-uid-headers"),
      groupHeaders: headers("requestheader-group-headers"),
      extraHeaderPrefixes: headers("requestheader-extra-headers-prefix"),
    },
  };
}
