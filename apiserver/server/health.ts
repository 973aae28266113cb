/** `/healthz`, `/livez`, `/readyz` and their sub-paths (API H-02…H-10). Answered without storage when it is gone. */

import type { ApiHandler, ApiRequest, ApiResponse } from "../endpoints/api-handler.ts";
import { onlyReads } from "../endpoints/documents.ts";

import { pathNotFoundResponse, textResponse } from "../endpoints/responses.ts";
import type { Logger } from "../observability/log.ts";

export type HealthEndpoint = "healthz" | "livez" | "readyz";

export type HealthCheck = {
  /** As in `?verbose`, and as the path below the endpoint. */
  readonly name: string;
  readonly on: readonly HealthEndpoint[];
  /** Fails by throwing or rejecting; the reason is logged, never shown (API H-05). */
  readonly check: () => void | Promise<void>;
  /** What is wrong and no reason to stay away; told with `?verbose`. */
  readonly remarks?: () => readonly string[];
};

const everywhere: readonly HealthEndpoint[] = ["healthz", "livez", "readyz"];

/**
 * The checks every server has, in the order they are listed (API H-08).
 *
 * @param ping            rejects when storage cannot serve a read, within about 2 s
 * @param pingWrite       rejects when it cannot take a write: a full disk is not ready, but alive
 * @param informersSynced whether what authorization, admission and the watch caches read is complete
 * @param hooks           by name: whether that part of the start-up is done
 */
export function standardChecks(parts: {
  readonly ping: () => Promise<void>;
  readonly pingWrite: () => Promise<void>;
  /** Why the store must not be believed (design D9). */
  readonly storeRefusal: () => string | undefined;
  readonly informersSynced: () => boolean;
  /** Controllers and informers that do not do their work, in words. */
  readonly failedComponents: () => readonly string[];
  /** Admission plugins in which requests met exceptions lately, by name. */
  readonly erringPlugins: () => readonly string[];
  /** Whether lately nobody could tell which replica leads: then nothing reconciles, but all is served. */
  readonly leaderUnknown: () => boolean;
  readonly shuttingDown: () => boolean;
  readonly hooks: ReadonlyMap<string, () => boolean>;
}): readonly HealthCheck[] {
  const must =
    (holds: () => boolean, otherwise: string): (() => void) =>
    () => {
      if (!holds()) throw new Error(otherwise);
    };
  return [
    { name: "ping", on: everywhere, check: () => {} },
    { name: "log", on: everywhere, check: () => {} },
    { name: "etcd", on: everywhere, check: parts.ping },
    { name: "etcd-readiness", on: ["readyz"], check: parts.pingWrite },
    {
      name: "store",
      on: ["readyz"],
      check: () => {
        const why = parts.storeRefusal();
        if (why !== undefined) throw new Error(why);
      },
    },
    { name: "informer-sync", on: ["readyz"], check: must(parts.informersSynced, "informers are not synced") },
    {
      name: "controllers",
      on: ["readyz"],
      check: () => {
        const failed = parts.failedComponents();
        if (failed.length > 0) throw new Error(failed.join("; "));
      },
    },
    {
      name: "admission",
      on: ["readyz"],
      check: () => {},
      remarks: () => parts.erringPlugins().map((name) => `${name} met an exception lately: see the log`),
    },
    {
      name: "leader-election",
      on: ["readyz"],
      check: () => {},
      remarks: () => (parts.leaderUnknown() ? ["nobody can tell who leads: see the log"] : []),
    },
    ...[...parts.hooks].map(([name, done]) => ({
      name: `poststarthook/${name}`,
      on: everywhere,
      check: must(done, "not finished"),
    })),
    { name: "shutdown", on: ["readyz"], check: must(() => !parts.shuttingDown(), "the server is shutting down") },
  ];
}

/** Told how each check went, whenever one was made. */
export type HealthObserver = (check: string, endpoint: HealthEndpoint, passed: boolean) => void;

/** Handlers by exact path: the three endpoints, and each of their checks. */
export function healthHandlers(
  given: readonly HealthCheck[],
  log: Logger,
  observe: HealthObserver = () => undefined,
): ReadonlyMap<string, ApiHandler> {
  const handlers = new Map<string, ApiHandler>();
  for (const endpoint of everywhere) {
    const own = given.filter(({ on }) => on.includes(endpoint)).map((check) => observed(check, endpoint, observe));
    handlers.set(`/${endpoint}`, endpointHandler(endpoint, own, log));
    for (const check of own) handlers.set(`/${endpoint}/${check.name}`, checkHandler(check));
  }
  return handlers;
}

function observed(check: HealthCheck, endpoint: HealthEndpoint, observe: HealthObserver): HealthCheck {
  return {
    ...check,
    check: async () => {
      try {
        await check.check();
        observe(check.name, endpoint, true);
      } catch (error) {
        observe(check.name, endpoint, false);
        throw error;
      }
    },
  };
}

/** For paths below the endpoints that no check has. */
export const unknownCheckPrefixes: readonly (readonly [string, ApiHandler])[] = everywhere.map((endpoint) => [
  `/${endpoint}/`,
  async () => pathNotFoundResponse(),
]);

type Outcome = { readonly name: string; readonly excluded: boolean; readonly failure?: unknown };

function endpointHandler(endpoint: HealthEndpoint, checks: readonly HealthCheck[], log: Logger): ApiHandler {
  return async (request) => {
    onlyReads(request);
    const excluded = new Set(request.query.getAll("exclude"));
    const outcomes = await Promise.all(checks.map((check) => run(check, excluded.has(check.name))));
    const failed = outcomes.filter(({ failure }) => failure !== undefined);
    for (const { name, failure } of failed) log.warn({ endpoint, check: name, err: failure }, "health check failed");
    if (failed.length === 0 && !request.query.has("verbose")) return textResponse(200, "ok");
    const remarks = checks.flatMap((check) => check.remarks?.() ?? []);
    return verboseResponse(endpoint, outcomes, [...unknownWarnings(request, checks), ...remarks]);
  };
}

async function run({ name, check }: HealthCheck, excluded: boolean): Promise<Outcome> {
  if (excluded) return { name, excluded };
  try {
    await check();
    return { name, excluded };
  } catch (failure) {
    return { name, excluded, failure: failure ?? new Error("failed") };
  }
}

function unknownWarnings({ query }: ApiRequest, checks: readonly HealthCheck[]): string[] {
  const known = new Set(checks.map(({ name }) => name));
  const unknown = query.getAll("exclude").filter((name) => !known.has(name));
  if (unknown.length === 0) return [];
  const names = unknown.map((name) => JSON.stringify(name)).join(",");
  return [`some health checks cannot be excluded: no matches for ${names}`];
}

function verboseResponse(
  endpoint: HealthEndpoint,
  outcomes: readonly Outcome[],
  warnings: readonly string[],
): ApiResponse {
  const failed = outcomes.some(({ failure }) => failure !== undefined);
  const lines = outcomes.map(({ name, excluded, failure }) => {
    if (excluded) return `[+]${name} excluded: ok`;
    return failure === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
  });
  lines.push(...warnings.map((text) => `warn: ${text}`));
  lines.push(`${endpoint} check ${failed ? "failed" : "passed"}`);
  return textResponse(failed ? 500 : 200, `${lines.join("\n")}\n`);
}

function checkHandler(check: HealthCheck): ApiHandler {
  return async (request) => {
    onlyReads(request);
    const { failure } = await run(check, false);
    if (failure === undefined) return textResponse(200, "ok");
    return textResponse(500, `internal server error: ${failure instanceof Error ? failure.message : "failed"}\n`);
  };
}
