import { mastersGroup, type UserInfo } from "../authentication/user.ts";
import type { ApiHandler, ApiRequest, ApiResponse, Filter } from "../endpoints/api-handler.ts";
import { isLongRunning, type RequestInfo } from "../endpoints/request-info.ts";
import { textResponse } from "../endpoints/responses.ts";
import { type Limit, limits } from "../limits.ts";
import { attend, giveWay, inTurn } from "../machinery/turns.ts";
import type { RequestMetrics } from "../observability/metrics.ts";
import { FairQueue, type Release, WaitedTooLong } from "./fair-queue.ts";
import { type RouteLabels, requestLabels } from "./request-labels.ts";
import { type Counted, LimitExceeded, UserAccounts } from "./user-accounts.ts";

/** Requests served at once, 0 for any number; `--max-requests-inflight` and `--max-mutating-requests-inflight`. */
export type InFlightLimits = { readonly readOnly: number; readonly mutating: number };
export const defaultInFlightLimits: InFlightLimits = {
  readOnly: limits.maxRequestsInFlight.value,
  mutating: limits.maxMutatingRequestsInFlight.value,
};
type Kind = keyof InFlightLimits;

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch", "head", "options"]);
const healthPath = /^\/(?:healthz|livez|readyz)(?:\/|$)/;

/**
 * Has requests beyond a user's share of the server wait for their turn, and refuses what is beyond the user's limits, so
 * that nobody's flood is felt by others (API R-04, E-25). A place is taken when the body has come and is held until the
 * answer is written; by a watch, until it has begun. Administrators and health checks pass: the first to help, the second
 * to tell. Kubernetes' own components have places to themselves.
 */
export function withInFlightLimits(deps: {
  readonly limits: InFlightLimits;
  readonly metrics: RequestMetrics;
  readonly labelsOf: RouteLabels;
  readonly maxWaitMs?: number;
}): Filter {
  const { metrics, labelsOf } = deps;
  const flow = new Flow(deps);
  return (next) => async (request) => {
    if (isHealthCheck(request.info)) return next(request);
    const ticket = new Ticket(flow, request);
    try {
      return await ticket.serve(next);
    } catch (error) {
      ticket.close();
      if (!(error instanceof LimitExceeded || error instanceof WaitedTooLong)) throw error;
      metrics.terminated(requestLabels(request, labelsOf), 429);
      return tooManyResponse(error instanceof LimitExceeded ? error.limit : limits.maxQueueMs);
    }
  };
}

/** What all requests share. */
class Flow {
  readonly accounts = new UserAccounts();
  readonly #queues: Readonly<Record<Kind, { readonly users: FairQueue; readonly system: FairQueue }>>;
  readonly #current: Record<Kind, number>;

  constructor(deps: {
    readonly limits: InFlightLimits;
    readonly metrics: RequestMetrics;
    readonly maxWaitMs?: number;
  }) {
    const maxWaitMs = deps.maxWaitMs ?? limits.maxQueueMs.value;
    const queuesOf = (places: number): { users: FairQueue; system: FairQueue } => {
      const all = places === 0 ? Number.POSITIVE_INFINITY : places;
      const part = (percent: number): number => (places === 0 ? all : Math.max(1, Math.ceil((places * percent) / 100)));
      return {
        users: new FairQueue({ places: all, share: part(limits.maxUserShare.value), maxWaitMs }),
        system: new FairQueue({ places: part(limits.systemShare.value), share: all, maxWaitMs }),
      };
    };
    this.#queues = { readOnly: queuesOf(deps.limits.readOnly), mutating: queuesOf(deps.limits.mutating) };
    this.#current = deps.metrics.inFlight;
  }

  /** A place for one request; at once if there is one. */
  enter(kind: Kind, { user, signal }: ApiRequest): Release | Promise<Release> {
    if (isAdministrator(user)) return this.#counted(kind, () => undefined);
    const { users, system } = this.#queues[kind];
    const queue = isSystem(user) ? system : users;
    const place = queue.tryEnter(user.name);
    if (place !== undefined) return this.#counted(kind, place);
    return queue.enter(user.name, signal).then((release) => this.#counted(kind, release));
  }

  #counted(kind: Kind, place: Release): Release {
    this.#current[kind]++;
    return () => {
      this.#current[kind]--;
      place();
    };
  }
}

/** What one request holds. */
class Ticket {
  readonly #flow: Flow;
  readonly #request: ApiRequest;
  readonly #held: Release[] = [];

  constructor(flow: Flow, request: ApiRequest) {
    this.#flow = flow;
    this.#request = request;
  }

  async serve(next: ApiHandler): Promise<ApiResponse> {
    const request = this.#request;
    if (isLongRunning(request.info)) return this.#serveWatch(next);
    this.#open("requests", 1);
    this.#held.push(attend(request.user.name));
    const kind = readVerbs.has(request.info.verb) ? "readOnly" : "mutating";
    if (kind === "readOnly") this.#held.push(await this.#flow.enter(kind, request));
    const body = (limit: number): Promise<Uint8Array> => this.#readBody(limit, kind);
    return this.#untilWritten(await this.#inTurn(() => next({ ...request, body })));
  }

  close(): void {
    for (const release of this.#held.splice(0)) release();
  }

  async #serveWatch(next: ApiHandler): Promise<ApiResponse> {
    this.#open("watches", 1);
    const begun = await this.#flow.enter("readOnly", this.#request);
    try {
      return this.#untilWritten(await this.#inTurn(() => next(this.#request)));
    } finally {
      begun();
    }
  }

  /** What one user sends at once is begun a slice at a time, so that others' requests come between. */
  #inTurn(serve: () => Promise<ApiResponse>): Promise<ApiResponse> {
    return Promise.resolve(inTurn(serve, this.#request.user.name));
  }

  /** Room for the body is taken before it comes, the place when it has: whoever sends slowly waits at their own cost. */
  async #readBody(limit: number, kind: Kind): Promise<Uint8Array> {
    this.#open("bodyBytes", Math.min(this.#request.bodyLength ?? limit, limit));
    const bytes = await this.#request.body(limit);
    if (kind === "mutating") this.#held.push(await this.#flow.enter(kind, this.#request));
    // What was begun before its body came goes on a slice at a time as well.
    await giveWay(this.#request.user.name);
    return bytes;
  }

  #open(what: Counted, amount: number): void {
    const { user } = this.#request;
    this.#held.push(this.#flow.accounts.open(user.name, what, amount, isAdministrator(user)));
  }

  #untilWritten(response: ApiResponse): ApiResponse {
    return {
      ...response,
      writtenFor: this.#request.user.name,
      onWritten: () => {
        this.close();
        response.onWritten?.();
      },
    };
  }
}

const isHealthCheck = (info: RequestInfo): boolean => !info.isResourceRequest && healthPath.test(info.path);
const isAdministrator = ({ groups }: UserInfo): boolean => groups.includes(mastersGroup);

/** Components of a cluster: what they cannot do is felt by everybody. */
function isSystem({ name }: UserInfo): boolean {
  if (name.startsWith("system:serviceaccount:")) return name.startsWith("system:serviceaccount:kube-system:");
  return name.startsWith("system:") && name !== "system:anonymous";
}

const tooManyResponse = ({ value, unit, of }: Limit): ApiResponse =>
  textResponse(
    429,
    `Too many requests, please try again later.\nThe limit is ${value}${unit === "count" ? "" : ` ${unit}`}: ${of}.\n`,
    { "retry-after": "1" },
  );
