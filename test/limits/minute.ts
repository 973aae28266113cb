/**
 * A hostile tenant's minute: one user does all at once that is known to cost a server much, and another works. The other's
 * requests may take a few times what they take while all is quiet, in the same run on the same machine; nothing that was
 * acknowledged is lost; and the process is the same one. Time for which the machine gave the server's event loop, its disk
 * thread or the other tenant's client no CPU though they had work does not count, so that a busy machine is not taken for a
 * slow server; what the event loop computed while a request waited counts in any case.
 *
 * FUNCTIONMESH_MINUTE_SECONDS says for how long; default 20.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mintClientCertificate } from "../../apiserver/cmd/pki.ts";
import { pkiDirectory } from "../../apiserver/cmd/standalone.ts";
import { startStandalone } from "../e2e/support/server.ts";
import { startProcess } from "../support/processes.ts";
import { namespace } from "./bodies.ts";
import type { Attack } from "./hostile.ts";
import { type Identity, Tenant } from "./tenants.ts";
import { p99, stopwatch, type Wait } from "./waits.ts";

const seconds = Number(process.env.FUNCTIONMESH_MINUTE_SECONDS ?? 20);
const quietSeconds = 6;
const warmUpSeconds = 3;
/** Of fewer the wait that one in a hundred exceeds would be the longest; a machine that is busy makes them slowly. */
const minRounds = 200;
/** How many times as long the work may last for that. */
const maxStretch = 4;
const maxFactor = 5;
/** Below this a wait is nobody's concern, whatever it is a multiple of: ms, of requests that share one event loop. */
const floorMs = 20;
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

/** What is wrong with the second of these, in words. */
function slowed(quiet: Times, busy: Times): string[] {
  return operations.flatMap((operation) => {
    const [before, during] = [p99(quiet[operation], "ms"), p99(busy[operation], "ms")];
    const allowed = maxFactor * Math.max(before, floorMs);
    const text = (times: Times, ms: number): string =>
      `${ms.toFixed(1)} ms (${p99(times[operation], "wallMs").toFixed(1)} by the clock, of ${times[operation].length})`;
    console.log(
      `${operation.padEnd(10)} p99 ${text(quiet, before)} while quiet, ${text(busy, during)} meanwhile, ${allowed.toFixed(0)} ms allowed`,
    );
    return during <= allowed ? [] : [`${operation}: ${during.toFixed(0)} ms, ${allowed.toFixed(0)} ms are allowed`];
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
  const attacked = async (): Promise<Times> => {
    await using hostile = startProcess(process.execPath, [
      new URL("./hostile.ts", import.meta.url).pathname,
      JSON.stringify(attack),
    ]);
    const times = await victim.work(seconds);
    if (hostile.child.exitCode !== null) problems.push("the attack has ended by itself");
    await hostile.stop();
    console.log(`done meanwhile: ${hostile.output().trim()}`);
    return times;
  };
  problems.push(...slowed(quiet, await attacked()));
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
