/** Where a running server spends the time of its main thread, as its inspector tells. */
import { setTimeout as delay } from "node:timers/promises";
import type { Process } from "../support/processes.ts";

/** Of time that was not idle. */
export type Share = { readonly of: string; readonly percent: number };

type CallFrame = { readonly functionName: string; readonly url: string };
export type CpuProfile = {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** µs before each sample. */
  readonly timeDeltas: readonly number[];
};

/** Of a server that can be profiled: any port will do for its inspector, once it is asked for one. */
export const profilable: NodeJS.ProcessEnv = { NODE_OPTIONS: "--inspect-port=0" };

/**
 * @param server  started with `profilable`
 * @param work    calls `begin` when all is prepared that is not to be told of
 */
export async function profiled(
  server: Process,
  work: (begin: () => Promise<unknown>) => Promise<unknown>,
): Promise<readonly Share[]> {
  const { call, close } = await inspectorOf(server);
  try {
    await call("Profiler.enable");
    await work(() => call("Profiler.start"));
    const { profile } = await call("Profiler.stop");
    return sharesOf(profile);
  } finally {
    close();
  }
}

/** Greatest first, without what is less than 2 %. */
export function sharesOf({ nodes, samples, timeDeltas }: CpuProfile): readonly Share[] {
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const spent = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const place = places.get(id);
    if (place !== undefined) spent.set(place, (spent.get(place) ?? 0) + (timeDeltas[index] ?? 0));
  }
  const all = [...spent.values()].reduce((sum, micros) => sum + micros, 0);
  return [...spent]
    .map(([of, micros]) => ({ of, percent: Math.round((100 * micros) / all) }))
    .filter(({ percent }) => percent >= 2)
    .sort((a, b) => b.percent - a.percent);
}

/** A folder of this program, a package, a module of Node's, or what the engine does by itself; `undefined`: nothing. */
function placeOf({ functionName, url }: CallFrame): string | undefined {
  if (functionName === "(idle)") return undefined;
  const own = /\/(apiserver|controllers|openapi)\/(.+)\/[^/]+$/.exec(url);
  if (url.includes("/node_modules/")) return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (own !== null) return `${own[1]}/${own[2]}`;
  if (url.startsWith("node:")) return url;
  return functionName === "" || functionName === "(program)" ? "native code" : functionName;
}

type Inspector = {
  readonly call: (method: string) => Promise<{ readonly profile: CpuProfile }>;
  readonly close: () => void;
};

async function inspectorOf(server: Process): Promise<Inspector> {
  const address = (): string | undefined =>
    [...server.output().matchAll(/Debugger listening on (ws:\S+)/g)].at(-1)?.[1];
  if (address() === undefined) server.kill("SIGUSR1");
  while (address() === undefined) await delay(20);
  const socket = new WebSocket(address() ?? "");
  const answers = new Map<number, (result: { readonly profile: CpuProfile }) => void>();
  socket.addEventListener("message", ({ data }) => {
    const { id, result } = JSON.parse(String(data));
    answers.get(id)?.(result);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("the inspector does not answer")));
  });
  return {
    call: (method) => {
      const { promise, resolve } = Promise.withResolvers<{ readonly profile: CpuProfile }>();
      const id = answers.size;
      answers.set(id, resolve);
      socket.send(JSON.stringify({ id, method }));
      return promise;
    },
    close: () => socket.close(),
  };
}
