/**
 * The neutral core of the server: a request comes in, a response goes out. No Express, no sockets (design D2).
 * Transports adapt to it, filters wrap it, the loopback client calls it directly.
 */
import type { Status } from "../apis/meta/v1.ts";
import type { ConnectionInfo } from "../authentication/authenticator.ts";
import type { UserInfo } from "../authentication/user.ts";
import type { EncodedObject, ListResult, RestWatchEvent } from "../registry/rest/interface.ts";
import type { RequestInfo } from "./request-info.ts";

export type ApiRequest = {
  /** Upper case. */
  readonly method: string;
  /** Decoded once per segment by `request-info.ts`, never here; without query, starts with `/`. */
  readonly path: string;
  /** As sent, without `?`. */
  readonly rawQuery: string;
  readonly query: URLSearchParams;
  /** Names in lower case, repeated values in order. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /**
   * The body, read at most once.
   * @throws StatusError 413 beyond `limit` bytes; rejects when the client goes away or sends nothing in time
   */
  readonly body: (limit: number) => Promise<Uint8Array>;
  /** Bytes of the body as they were announced, 0 without one; `undefined` where only its end will tell. */
  readonly bodyLength?: number | undefined;
  readonly connection: ConnectionInfo;
  /** Aborts when the client goes away, the deadline passes, or the server is out of patience with shutdown. */
  readonly signal: AbortSignal;
  /** Set by the filters, in the order of `server/chain.ts`; reading one too early is a bug. */
  readonly auditId: string;
  readonly info: RequestInfo;
  readonly user: UserInfo;
  /** Told who asks as soon as that is known, and again whom they act as: for records that are made around it all. */
  readonly onIdentity?: (user: UserInfo) => void;
  /**
   * Whether the user may do this too, to the object that the request names. Set by authorization.
   * @throws StatusError 403
   */
  readonly requireVerb?: (verb: string) => Promise<void>;
};

/**
 * Parts are taken one after the other, no faster than the client reads: what isn't there as bytes yet is made when its
 * turn comes, in a time far below that of which another client would notice. An async iterable may pause between them; what
 * it has together comes as one group of parts.
 */
export type ResponseBody =
  | string
  | Uint8Array
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array | Iterable<Uint8Array>>;

export type ApiResponse = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | readonly string[] };
  /** Called at most once, by a transport. Absent: empty body. */
  readonly body?: () => ResponseBody;
  /** User in whose turns the body is made. */
  readonly writtenFor?: string;
  /** Called once by the transport when the body is written, or will never be: what the answer holds is free. */
  readonly onWritten?: () => void;
  /** What the body says, for callers in this process that need no bytes. */
  readonly result?: ApiResult;
};

export type ApiResult =
  | { readonly kind: "object"; readonly item: EncodedObject }
  | { readonly kind: "list"; readonly list: ListResult }
  | {
      readonly kind: "watch";
      readonly events: AsyncIterable<readonly RestWatchEvent[]>;
    }
  | { readonly kind: "status"; readonly status: Status };

export type ApiHandler = (request: ApiRequest) => Promise<ApiResponse>;
/** One concern around the rest: answers, or calls `next`. */
export type Filter = (next: ApiHandler) => ApiHandler;
