/**
 * A hostile tenant's minute: one user does all at once that is known to cost a server much, and another works. The other's
 * requests may take a few times what they take while all is quiet, in the same run on the same machine; nothing that was
 * acknowledged is lost; and the process is the same one. What the attackers' own processes take of the machine is told apart:
 * they also attack a server that answers at once, with as much CPU, while the other works on ours. Time for which the machine gave the server's event loop, its disk
 * thread or the other tenant's client no CPU though they had work does not count, so that a busy machine is not taken for a
 * slow server; what the event loop computed while a request waited counts in any case.
 *
 * FUNCTIONMESH_MINUTE_SECONDS says for how long; default 15.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { mintClientCertificate } from "../../apiserver/cmd/pki.ts";
import { pkiDirectory } from "../../apiserver/cmd/standalone.ts";
import { answersReady, startStandalone } from "../e2e/support/server.ts";
import { freePort, startProcess, untilReady } from "../support/processes.ts";
import type { Bare } from "./bare.ts";
import { namespace } from "./bodies.ts";
import type { Attack, Report } from "./hostile.ts";
import { machineFacts } from "./machine.ts";
import { type Identity, Tenant } from "./tenants.ts";
import { p99, stopwatch, type Wait } from "./waits.ts";

const { values } = parseArgs({ options: { json: { type: "string" } } });
const seconds = Number(process.env.FUNCTIONMESH_MINUTE_SECONDS ?? 15);
const quietSeconds = 4;
const busySeconds = 8;
const warmUpSeconds = 2;
/** Of fewer the wait that one in a hundred exceeds would be the longest; a machine that is busy makes them slowly. */
const minRounds = 200;
/** How many times as long the work may last for that. */
const maxStretch = 4;
const maxFactor = 5;
/** Below this a wait is nobody's concern, whatever it is a multiple of: ms, of requests that share one event loop. */
const floorMs = 20;
const scriptAt = (relative: string): string => new URL(relative, import.meta.url).pathname;
const victims = "victims";
const configMaps = `/api/v1/namespaces/${victims}/configmaps`;
const operations = ["create", "get", "list", "delivery"] as const;
type Operation = (typeof operations)[number];
type Times = { readonly [operation in Operation]: Wait[] };
/** What another tenant does all day: it creates, reads and lists, and is told of what it created. */
class Victim {
  readonly acknowledged = new Set<string>();
  readonly #tenant: Tenant;
  readonly #pid: number;
  readonly #sent = new Map<string, () => Wait>();
  #times: Times = { create: [], get: [], list: [], delivery: [] };
  #next = 0;

  /** @param pid  of the server */
  constructor(tenant: Tenant, pid: number) {
    this.#tenant = tenant;
    this.#pid = pid;
  }

  /** Follows its own objects for as long as the server lets it. */
  async follow(): Promise<void> {
    for (;;) {
      const stream = await this.#tenant.open("GET", `${configMaps}?watch=1`);
      let rest = "";
      for await (const chunk of stream) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) this.#delivered(line);
      }
    }
  }

  #delivered(line: string): void {
    const { type, object }: { type: string; object: { metadata: { name: string } } } = JSON.parse(line);
    const elapsed = this.#sent.get(object.metadata.name);
    if (type !== "ADDED" || elapsed === undefined) return;
    this.#times.delivery.push(elapsed());
    this.#sent.delete(object.metadata.name);
  }

  /** @returns the times of its requests, in ms */
  async work(forSeconds: number): Promise<Times> {
    this.#times = { create: [], get: [], list: [], delivery: [] };
    const started = performance.now();
    const elapsedSeconds = (): number => (performance.now() - started) / 1000;
    for (let round = 0; ; round++) {
      if (elapsedSeconds() >= forSeconds * (round < minRounds ? maxStretch : 1)) break;
      await this.#round();
    }
    // What was sent and not delivered yet counts for as long as it has waited.
    for (const elapsed of this.#sent.values()) this.#times.delivery.push(elapsed());
    return this.#times;
  }

  async #round(): Promise<void> {
    const name = `v${this.#next++}`;
    const object = { metadata: { name }, data: { a: "b" } };
    this.#sent.set(name, stopwatch(this.#pid, process.pid));
    await this.#timed("create", 201, () => this.#tenant.json("POST", configMaps, object));
    this.acknowledged.add(name);
    await this.#timed("get", 200, () => this.#tenant.send("GET", `${configMaps}/${name}`));
    await this.#timed("list", 200, () => this.#tenant.send("GET", `${configMaps}?limit=50`));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #timed(operation: Operation, wanted: number, ask: () => Promise<{ readonly status: number }>): Promise<void> {
    const elapsed = stopwatch(this.#pid, process.pid);
    const { status } = await ask();
    this.#times[operation].push(elapsed());
    if (status !== wanted) throw new Error(`${operation} of the other tenant: ${status}`);
  }
}

type Figures = {
  readonly [operation in Operation]: { readonly ms: number; readonly wallMs: number; readonly count: number };
};

const figuresOf = (times: Times): Figures => {
  const of = (operation: Operation) => ({
    ms: round(p99(times[operation], "ms")),
    wallMs: round(p99(times[operation], "wallMs")),
    count: times[operation].length,
  });
  return { create: of("create"), get: of("get"), list: of("list"), delivery: of("delivery") };
};
const round = (ms: number): number => Math.round(10 * ms) / 10;

/** By what it is held against, in words. */
type Waits = { readonly quiet: Figures; readonly equallyBusy: Figures; readonly attacked: Figures };

/**
 * What is wrong, in words. The time for which the machine had no CPU counts for nothing while all is quiet and attacked; on
 * the machine that the attackers keep as busy without attacking us it is what anybody has to wait.
 */
function slowed({ quiet, equallyBusy, attacked }: Waits): string[] {
  return operations.flatMap((operation) => {
    const comparisons = [
      { what: "quiet", before: quiet[operation].ms, during: attacked[operation].ms },
      { what: "equally busy", before: equallyBusy[operation].wallMs, during: attacked[operation].ms },
    ];
    const [before, during] = [equallyBusy[operation].wallMs, attacked[operation].wallMs];
    console.log(`${operation.padEnd(10)} p99 by the clock ${before} ms equally busy, ${during} attacked`);
    return comparisons.flatMap(({ what, before, during }) => {
      const allowed = maxFactor * Math.max(before, floorMs);
      const ratio = (during / before).toFixed(1);
      console.log(
        `${operation.padEnd(10)} p99 ${before} ms ${what}, ${during} attacked: ${ratio} times, ${allowed.toFixed(0)} ms allowed`,
      );
      return during <= allowed ? [] : [`${operation}: ${during} ms, ${allowed.toFixed(0)} ms are allowed (${what})`];
    });
  });
}

async function must(answer: Promise<{ readonly status: number; readonly text: string }>): Promise<string> {
  const { status, text } = await answer;
  if (status > 299) throw new Error(`set-up: ${status} ${text}`);
  return text;
}

/** Two namespaces, each with a tenant who may do everything in it; in the hostile one's there is much to list. */
async function prepare(admin: Tenant): Promise<void> {
  for (const [name, user] of [
    [namespace, "alice"],
    [victims, "bob"],
  ] as const) {
    await must(admin.json("POST", "/api/v1/namespaces", { metadata: { name } }));
    const apiGroup = "rbac.authorization.k8s.io";
    await must(
      admin.json("POST", `/apis/${apiGroup}/v1/namespaces/${name}/rolebindings`, {
        metadata: { name: user },
        roleRef: { apiGroup, kind: "ClusterRole", name: "admin" },
        subjects: [{ apiGroup, kind: "User", name: user }],
      }),
    );
  }
  const data = { text: "x".repeat(4000) };
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  for (let batch = 0; batch < 40; batch++) {
    const objects = Array.from({ length: 50 }, (_, i) => ({ metadata: { name: `c${batch}-${i}` }, data }));
    await Promise.all(objects.map((object) => must(admin.json("POST", path, object))));
  }
}

const directory = await mkdtemp(join(tmpdir(), "functionmesh-minute-"));
const problems: string[] = [];
let failed = true;
try {
  await using server = await startStandalone(directory, ["--log-level", "error"]);
  const { url, process: child } = server;
  const pki = pkiDirectory(directory);
  const ca = await readFile(join(pki, "ca.crt"), "utf8");
  const identityOf = async (user: string, groups: readonly string[] = []): Promise<Identity> => {
    const { certificate, key } = await mintClientCertificate(pki, { user, groups });
    return { ca, cert: certificate, key };
  };
  using admin = new Tenant(url, await identityOf("root", ["system:masters"]), 16);
  using bob = new Tenant(url, await identityOf("bob"), 4);
  await prepare(admin);
  const victim = new Victim(bob, child.pid);
  victim.follow().catch((error: unknown) => problems.push(`the other tenant's watch: ${String(error)}`));
  await victim.work(warmUpSeconds);
  const quiet = await victim.work(quietSeconds);
  const list: { metadata: { resourceVersion: string } } = JSON.parse(
    await must(admin.send("GET", `${configMaps}?limit=1`)),
  );
  const oldRevision = String(Math.max(1, Number(list.metadata.resourceVersion) - 1000));
  const attack: Attack = { url, ca, identity: await identityOf("alice"), oldRevision };
  const during = async (
    forSeconds: number,
    of: Attack,
  ): Promise<{ readonly times: Times; readonly report: Report }> => {
    await using hostile = startProcess(process.execPath, [scriptAt("./hostile.ts"), JSON.stringify(of)]);
    const times = await victim.work(forSeconds);
    if (hostile.child.exitCode !== null) problems.push("the attack has ended by itself");
    await hostile.stop();
    const report: Report = JSON.parse(hostile.output().trim());
    console.log(`done meanwhile, with ${report.cpuShare.toFixed(2)} of a CPU: ${JSON.stringify(report.done)}`);
    return { times, report };
  };
  const attacked = await during(seconds, attack);
  const port = await freePort();
  const own = await readFile(join(pki, "serving.crt"), "utf8");
  const bareArgument: Bare = { port, ca, cert: own, key: await readFile(join(pki, "serving.key"), "utf8") };
  await using bare = startProcess(process.execPath, [scriptAt("./bare.ts"), JSON.stringify(bareArgument)]);
  const bareUrl = `https://127.0.0.1:${port}`;
  await untilReady("bare server", bare, () => answersReady(bareUrl));
  const { cpuShare: share } = attacked.report;
  const equallyBusy = await during(busySeconds, { ...attack, url: bareUrl, within: { share, pid: bare.pid } });
  const waits: Waits = {
    quiet: figuresOf(quiet),
    equallyBusy: figuresOf(equallyBusy.times),
    attacked: figuresOf(attacked.times),
  };
  problems.push(...slowed(waits));
  if (values.json !== undefined) {
    const attackers = { share, done: attacked.report.done };
    await writeFile(values.json, `${JSON.stringify({ ...machineFacts(), seconds, attackers, ...waits }, null, 2)}\n`);
  }
  const { status } = await admin.send("GET", "/livez");
  if (status !== 200) problems.push(`/livez answers ${status}`);
  if (child.child.exitCode !== null || child.child.signalCode !== null) problems.push("the server has ended");
  const { items }: { items: { metadata: { name: string } }[] } = JSON.parse(await must(admin.send("GET", configMaps)));
  const stored = new Set(items.map(({ metadata }) => metadata.name));
  const lost = [...victim.acknowledged].filter((name) => !stored.has(name));
  if (lost.length > 0) problems.push(`${lost.length} acknowledged objects are lost`);
  console.log(`${victim.acknowledged.size} objects acknowledged, ${lost.length} lost; process ${child.pid} throughout`);
  for (const problem of problems) console.log(`beyond its bounds: ${problem}`);
  failed = problems.length > 0;
} finally {
  await rm(directory, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
