/**
 * A tenant who does all at once what is known to cost a server much, until it is ended. A process of its own, at a low
 * priority: what the attack takes of the machine's CPU is not the server's doing.
 */

import { setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { limits } from "../../apiserver/limits.ts";
import { collections, functionWith } from "./bodies.ts";
import { loopCpuMs } from "./loop-cpu.ts";
import { shapes } from "./shapes.ts";
import { type Identity, Tenant } from "./tenants.ts";

/** What `minute.ts` tells it, as JSON in its only argument. */
export type Attack = {
  readonly url: string;
  readonly ca: string;
  readonly identity: Identity;
  readonly oldRevision: string;
  /**
   * The attack takes no more CPU than this, of one: as much as another attack took, with that of the server that answers it
   * at once.
   */
  readonly within?: { readonly share: number; readonly pid: number };
};

/** What it says at its end. */
export type Report = { readonly done: { readonly [what: string]: number }; readonly cpuShare: number };

const attack: Attack = JSON.parse(process.argv[2] ?? "{}");
setPriority(10);
const { hostname, port } = new URL(attack.url);
const alice = new Tenant(attack.url, attack.identity, 64);
const stranger = new Tenant(attack.url, { ca: attack.ca }, 16);
const done = new Map<string, number>();

const started = performance.now();
const ownCpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

async function withinShare(): Promise<void> {
  const { within } = attack;
  if (within === undefined) return;
  const isBeyond = (): boolean => ownCpuMs() + loopCpuMs(within.pid) > within.share * (performance.now() - started);
  while (isBeyond()) await pause(5);
}

/** Again and again; what becomes of it is the server's affair. */
async function again(name: string, step: (round: number) => Promise<unknown>): Promise<never> {
  for (let round = 0; ; round++) {
    await withinShare();
    await step(round).catch(() => pause(100));
    done.set(name, (done.get(name) ?? 0) + 1);
  }
}

const lanes = <T>(count: number, make: (lane: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Every shape of `npm run limits`, at its largest but for what the client itself would spend its time on. */
const expensive = (lane: number) => async (round: number) => {
  const shape = shapes[(round * laneCount + lane) % shapes.length];
  if (shape === undefined) return;
  const n = 8 * shape.n;
  const who = shape.user === "anonymous" ? stranger : alice;
  await who.send(shape.method, shape.path(n), shape.headers?.(n), shape.body?.(n));
};
const laneCount = 4;

/** A connection that says this, and then what `more` says every so often; nothing is read. */
function silent(
  head: string,
  heldMs: number,
  more?: { readonly text: string; readonly everyMs: number },
): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), ...attack.identity });
    socket.on("error", () => socket.destroy());
    socket.once("secureConnect", () => socket.write(head));
    const timer = more && setInterval(() => socket.writable && socket.write(more.text), more.everyMs);
    const end = setTimeout(() => socket.destroy(), heldMs);
    socket.once("close", () => {
      clearInterval(timer);
      clearTimeout(end);
      resolve();
    });
  });
}
const get = (path: string, accept = "application/json"): string =>
  `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nAccept: ${accept}\r\n\r\n`;

const large = functionWith({
  pod: { env: lanes(limits.maxObjectEntries.value, (i) => ({ name: `V${i}`, value: `value-${i}` })) },
});
const owned = (i: number) => ({
  metadata: {
    generateName: "owned-",
    labels: { hostile: "yes" },
    ownerReferences: lanes(3000, (o) => ({ apiVersion: "v1", kind: "ConfigMap", name: `n${o}`, uid: `u${i}-${o}` })),
  },
});
const watch = `${collections.configmaps}?watch=1&resourceVersion=0&timeoutSeconds=60`;
const exact = (lane: number): string =>
  `${collections.configmaps}?resourceVersion=${Number(attack.oldRevision) + lane}&resourceVersionMatch=Exact&limit=1`;

const attacks: readonly Promise<never>[] = [
  ...lanes(laneCount, (lane) => again("expensive requests", expensive(lane))),
  ...lanes(16, (lane) => again("lists of old revisions", () => alice.send("GET", exact(lane)))),
  ...lanes(10, () => again("watches not read", () => silent(get(watch), 10_000))),
  ...lanes(5, () => again("YAML not read", () => silent(get(collections.configmaps, "application/yaml"), 10_000))),
  ...lanes(5, () => again("indented lists not read", () => silent(get(`${collections.configmaps}?pretty=1`), 10_000))),
  ...lanes(5, () =>
    again("requests behind a watch", () => silent(get(watch) + get(collections.configmaps).repeat(1000), 2000)),
  ),
  ...lanes(40, () => {
    const head = `POST ${collections.configmaps} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{`;
    return again("trickling bodies", () => silent(head, 10_000, { text: " ", everyMs: 1000 }));
  }),
  again("touches of a large Function", async (round) => {
    if (round === 0) await alice.json("POST", collections.functions, { ...large, metadata: { name: "large" } });
    const labels = { metadata: { labels: { touched: String(round) } } };
    await alice.json("PATCH", `${collections.functions}/large`, labels, "application/merge-patch+json");
    await pause(2000);
  }),
  again("collections deleted", async (round) => {
    for (let i = 0; i < 5; i++) await alice.json("POST", collections.configmaps, owned(round));
    await alice.send("DELETE", `${collections.configmaps}?labelSelector=hostile%3Dyes`);
    await pause(500);
  }),
];
process.once("SIGTERM", () => {
  const report: Report = { done: Object.fromEntries(done), cpuShare: ownCpuMs() / (performance.now() - started) };
  console.log(JSON.stringify(report));
  process.exit(0);
});
await Promise.all(attacks);
