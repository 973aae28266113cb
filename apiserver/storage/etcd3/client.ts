/**
 * The members of one etcd cluster, one of which is asked at a time: the first that can be reached, until it fails.
 *
 * Invariant: a write is sent to one member, once: it may have been committed without our hearing of it, and then a repeated
 *            create would be told that the key exists.
 * Invariant: a member that accepts connections and says nothing costs one deadline, not each call one.
 */
import { isIP } from "node:net";
import {
  Etcd3,
  type ICallable,
  type IOptions,
  type IWatchRequest,
  type IWatchResponse,
  type KVClient,
  WatchClient,
} from "etcd3";
import { StartError } from "../../errors/start-error.ts";
import { systemClock } from "../../machinery/clock.ts";
import { isStorageError, StorageError } from "../errors.ts";
import { interpretEtcdError } from "./errors.ts";

export type EtcdClientOptions = {
  /** `http://`, host or address, and port, or `https://`, host and port; members of one cluster, the preferred first. */
  readonly endpoints: readonly string[];
  /** PEM. Without it `https` endpoints are checked against the system's certificate authorities. */
  readonly tls?: { readonly ca: Buffer; readonly key?: Buffer; readonly cert?: Buffer };
  readonly auth?: { readonly username: string; readonly password: string };
  /** Longest time one call may take, in ms. Default 10 s: within the deadline of any request (API T-16). */
  readonly requestTimeoutMs?: number;
};

type DuplexStream = Awaited<ReturnType<WatchClient["watch"]>>;

/** Like any stream of Node's it reads no more while it is paused: etcd then keeps the events, or reads them again. */
export type WatchStream = DuplexStream & { pause(): void; resume(): void };
export type WatchRequest = IWatchRequest;
export type WatchResponse = IWatchResponse;

const defaultRequestTimeoutMs = 10_000;
/** Where there is another member, one that does not connect in so long is passed over, in ms. */
const connectMs = 1_500;
/** Where there is another member to ask, an answer to a read is waited for so long, in ms. */
const readMs = 3_000;

const channelOptions = {
  // A list is as large as its objects; gRPC's own default of 4 MiB is a page of 700 objects.
  "grpc.max_receive_message_length": -1,
  // A peer that vanished without a word is noticed after 15 s. etcd refuses pings more often than every 5 s.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  // A member that is back is found within seconds.
  "grpc.max_reconnect_backoff_ms": 2_000,
};

export class EtcdClient {
  readonly #members: readonly Member[];
  readonly #timeoutMs: number;
  #preferred = 0;

  constructor(options: EtcdClientOptions) {
    this.#timeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
    for (const endpoint of options.endpoints) checkEndpoint(endpoint);
    this.#members = options.endpoints.map((endpoint) => new Member(endpoint, options));
  }

  /** A call that changes nothing: asked of the next member where one does not answer. */
  async read<T>(call: (kv: KVClient, options: { readonly deadline: number }) => Promise<T>): Promise<T> {
    const end = systemClock.now() + this.#timeoutMs;
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt >= this.#members.length;
      const deadline = isLast ? end : Math.min(end, systemClock.now() + readMs);
      const member = await this.#reachable();
      try {
        return await call(member.kv, { deadline });
      } catch (error) {
        if (!this.#distrust(member, error) || isLast || systemClock.now() >= end) throw error;
      }
    }
  }

  /** A call that is made once. */
  async write<T>(call: (kv: KVClient) => Promise<T>): Promise<T> {
    const member = await this.#reachable();
    try {
      return await call(member.kv);
    } catch (error) {
      this.#distrust(member, error);
      throw error;
    }
  }

  /** `distrust` says that the stream's member is no good: the next stream is another's. */
  async openWatchStream(): Promise<{ readonly stream: WatchStream; readonly distrust: () => void }> {
    const member = await this.#reachable();
    try {
      return { stream: await member.openWatchStream(), distrust: () => this.#passOver(member) };
    } catch (error) {
      this.#distrust(member, error);
      throw error;
    }
  }

  /** Of the database file of the member in use. */
  async sizeBytes(): Promise<number> {
    const { dbSize } = await (await this.#reachable()).maintenance.status();
    return Number(dbSize);
  }

  close(): void {
    for (const member of this.#members) member.close();
  }

  /** The member in use; where it cannot be connected to, the next that can. */
  async #reachable(): Promise<Member> {
    const inOrder = [...this.#members.slice(this.#preferred), ...this.#members.slice(0, this.#preferred)];
    const [preferred] = inOrder;
    if (preferred === undefined) throw new StorageError("Unreachable", { message: "etcd: no endpoint was given" });
    if (inOrder.length === 1 || preferred.isConnected) return preferred;
    for (const member of inOrder) {
      if (!(await member.connects(connectMs))) continue;
      this.#preferred = this.#members.indexOf(member);
      return member;
    }
    return preferred;
  }

  /** Whether the failure is the member's, so that another may do better. */
  #distrust(member: Member, error: unknown): boolean {
    if (!isStorageError(interpretEtcdError(error), "Unreachable")) return false;
    this.#passOver(member);
    return true;
  }

  #passOver(member: Member): void {
    if (this.#members[this.#preferred] === member) this.#preferred = (this.#preferred + 1) % this.#members.length;
  }
}

/**
 * Node takes no address as the name of a TLS server, and gRPC gives it what the endpoint has.
 * @throws StartError
 */
function checkEndpoint(endpoint: string): void {
  if (!URL.canParse(endpoint)) {
    throw new StartError(`etcd endpoint ${endpoint}: it needs to be a URL, such as http://127.0.0.1:2379`);
  }
  const { protocol, hostname } = new URL(endpoint);
  if (protocol !== "https:" || isIP(hostname.replace(/^\[|\]$/g, "")) === 0) return;
  throw new StartError(
    `etcd endpoint ${endpoint}: with https it needs a host name that its certificate has, not an address`,
  );
}

/** The etcd3 package's client for one member, set up so that a call is made once and a watch stream is ours. */
class Member extends Etcd3 {
  readonly #watch: WatchClient;
  /** Of the calls there were. */
  #channel: Channel | undefined;

  constructor(endpoint: string, options: EtcdClientOptions) {
    super(packageOptions(endpoint, options));
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

  async openWatchStream(): Promise<WatchStream> {
    const stream = await this.#watch.watch();
    if (!isPausable(stream)) throw new TypeError("a stream of gRPC is none of Node's");
    return stream;
  }

  get isConnected(): boolean {
    try {
      return this.#channel?.getConnectivityState(false) === ready;
    } catch {
      return false; // The channel was closed.
    }
  }

  /** Whether it can be talked to, within so long. */
  connects(withinMs: number): Promise<boolean> {
    const use = ({ client }: Connection): Promise<boolean> =>
      new Promise((resolve) => {
        this.#channel = client.getChannel();
        client.waitForReady(systemClock.now() + withinMs, (error) => resolve(error === undefined));
      });
    return this.pool.withConnection("KV", use).catch(() => false);
  }
}

type Connection = Parameters<Parameters<ICallable<unknown>["withConnection"]>[1]>[0];
type Channel = ReturnType<Connection["client"]["getChannel"]>;

/** gRPC's number of the state of a channel that can be used. */
const ready = 2;

function isPausable(stream: DuplexStream): stream is WatchStream {
  return "pause" in stream && "resume" in stream;
}

function packageOptions(endpoint: string, { endpoints, tls, auth, requestTimeoutMs }: EtcdClientOptions): IOptions {
  const timeoutMs = requestTimeoutMs ?? defaultRequestTimeoutMs;
  const authMs = endpoints.length === 1 ? timeoutMs : connectMs;
  return {
    hosts: endpoint,
    grpcOptions: channelOptions,
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: systemClock.now() + timeoutMs }),
    faultHandling: { global: once, host: () => once },
    ...(auth === undefined ? {} : { auth: { ...auth, callOptions: () => ({ deadline: systemClock.now() + authMs }) } }),
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

/** No second attempt of the package's own, whose default is three; with one member there is no other to turn to. */
const once: CallPolicy = {
  get _altReturn(): never {
    throw new TypeError("a call has no other result than its own");
  },
  onSuccess: noEvents,
  onFailure: noEvents,
  execute: async (call, signal = never) => call({ signal }),
};
