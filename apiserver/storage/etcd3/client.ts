import { Etcd3, type IOptions, type IWatchRequest, type IWatchResponse, WatchClient } from "etcd3";

export type EtcdClientOptions = {
  /** `http://` or `https://`, host and port; any members of one cluster. */
  readonly endpoints: readonly string[];
  /** PEM. Without it `https` endpoints are checked against the system's certificate authorities. */
  readonly tls?: { readonly ca: Buffer; readonly key?: Buffer; readonly cert?: Buffer };
  readonly auth?: { readonly username: string; readonly password: string };
  /** Longest time one call may take, in ms. Default 10 s: within the deadline of any request (API T-16). */
  readonly requestTimeoutMs?: number;
};

export type WatchStream = Awaited<ReturnType<WatchClient["watch"]>>;
export type WatchRequest = IWatchRequest;
export type WatchResponse = IWatchResponse;

const defaultRequestTimeoutMs = 10_000;

const channelOptions = {
  // A list is as large as its objects; gRPC's own default of 4 MiB is a page of 700 objects.
  "grpc.max_receive_message_length": -1,
  // A peer that vanished without a word is noticed after 15 s. etcd refuses pings more often than every 5 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
};

/** The etcd3 package's client, set up so that a call is made once and a watch stream is ours. */
export class EtcdClient extends Etcd3 {
  readonly #watch: WatchClient;

  constructor(options: EtcdClientOptions) {
    super(packageOptions(options));
    const { pool } = this;
    this.#watch = new WatchClient({
      callOptionsFactory: pool.callOptionsFactory,
      exec: (service, method, params, callOptions) => pool.exec(service, method, params, callOptions),
      withConnection: (service, use) =>
        pool.withConnection(service, ({ client, resource, metadata }) => {
          const ours = metadata.clone();
          // A member that lost its leader ends the stream instead of keeping quiet (API T-10).
          ours.set("hasleader", "true");
          return use({ client, resource, metadata: ours });
        }),
      // The end of one stream says nothing of the host's other calls, which the package would cut off here.
      markFailed: () => {},
    });
  }

  openWatchStream(): Promise<WatchStream> {
    return this.#watch.watch();
  }
}

function packageOptions({ endpoints, tls, auth, requestTimeoutMs }: EtcdClientOptions): IOptions {
  const timeoutMs = requestTimeoutMs ?? defaultRequestTimeoutMs;
  return {
    hosts: [...endpoints],
    grpcOptions: channelOptions,
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + timeoutMs }),
    faultHandling: {
      global: once,
      // With one host there is no other to turn to, so nothing is gained by not calling it.
      ...(endpoints.length === 1 ? { host: () => once } : {}),
    },
    ...(auth === undefined ? {} : { auth: { ...auth } }),
    ...(tls === undefined ? {} : { credentials: credentialsOf(tls) }),
  };
}

function credentialsOf({ ca, key, cert }: NonNullable<EtcdClientOptions["tls"]>): NonNullable<IOptions["credentials"]> {
  return {
    rootCertificate: ca,
    ...(key === undefined ? {} : { privateKey: key }),
    ...(cert === undefined ? {} : { certChain: cert }),
  };
}

type CallPolicy = NonNullable<NonNullable<IOptions["faultHandling"]>["global"]>;

const never = new AbortController().signal;
const noEvents = () => ({ dispose: () => {} });

/**
 * No second attempt: the first may have been committed without our hearing of it, and then a repeated create would
 * be told that the key exists. The package's default is three retries.
 */
const once: CallPolicy = {
  get _altReturn(): never {
    throw new TypeError("a call has no other result than its own");
  },
  onSuccess: noEvents,
  onFailure: noEvents,
  execute: async (call, signal = never) => call({ signal }),
};
