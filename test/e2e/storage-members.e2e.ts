/**
 * The etcd store on three members, with certificates and passwords, and with members that are dead, silent, cut off in one
 * direction, without room or without leader: what it promises holds, and what it cannot know it says.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Etcd3 } from "etcd3";
import { isStorageError } from "../../apiserver/storage/errors.ts";
import { type EtcdOptions, openEtcd } from "../../apiserver/storage/etcd3/etcd-store.ts";
import type { Revision, StorageBackend, StorageEvent, StorageWatch } from "../../apiserver/storage/interface.ts";
import { linearizability } from "../conformance/linearizability.ts";
import { storageConformance } from "../conformance/storage.ts";
import { collect, decode, encode, rejectsWith, summary } from "../conformance/storage-case.ts";
import { EtcdProcess } from "../support/etcd.ts";
import { eventually } from "../support/processes.ts";
import { TcpSwitch } from "../support/tcp-switch.ts";
import { createAuthority, issue } from "./support/pki.ts";
import { ensureTool } from "./support/tools.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-members-"));
let binary: string;
let members: readonly EtcdProcess[];

before(async () => {
  binary = await ensureTool("etcd");
  members = await EtcdProcess.cluster(binary, 3);
});
after(async () => {
  for (const member of members ?? []) await member[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

const endpoints = (): readonly string[] => members.map(({ endpoint }) => endpoint);
const open = (store: string): Promise<StorageBackend> => openEtcd({ endpoints: endpoints(), prefix: `/${store}` });

storageConformance({ name: "three etcd members", open, skip: [] });
linearizability({ name: "three etcd members", open });

/** A way to each member, which the test can cut. */
async function ways(stack: AsyncDisposableStack): Promise<readonly TcpSwitch[]> {
  return Promise.all(members.map(async ({ port }) => stack.use(await TcpSwitch.to(port))));
}

const through = (each: readonly TcpSwitch[], options: Partial<EtcdOptions> = {}): Promise<StorageBackend> =>
  openEtcd({ endpoints: each.map(({ port }) => `http://127.0.0.1:${port}`), ...options });

/** Raises a number, again and again, whatever happens to the etcds, and follows what it does. */
class Counting {
  readonly #store: StorageBackend;
  readonly #key: string;
  readonly #aborter = new AbortController();
  readonly #told: StorageEvent[] = [];
  readonly #watch: StorageWatch;
  readonly #following: Promise<unknown>;
  #isDone = false;
  readonly #raising: Promise<void>;
  raised = 0;
  unknown = 0;

  private constructor(store: StorageBackend, key: string, after: Revision) {
    this.#store = store;
    this.#key = key;
    this.#watch = store.watch({ prefix: key, after, previous: true });
    this.#following = collect(this.#watch, (events) => {
      this.#told.splice(0, this.#told.length, ...events);
      return this.#isDone && numberOf(events.at(-1)) === this.raised;
    }).catch((error: unknown) => error);
    this.#raising = this.#raise();
  }

  static async of(store: StorageBackend, key: string): Promise<Counting> {
    return new Counting(store, key, await store.currentRevision());
  }

  async #raise(): Promise<void> {
    while (!this.#aborter.signal.aborted) {
      try {
        const { value } = await this.#store.get(this.#key);
        // What was not answered may have been done.
        const known = Number(decode(value?.value) ?? 0);
        assert.ok(known === this.raised || known === this.raised + 1, `${known} after ${this.raised}`);
        this.raised = known;
        const next = encode(String(known + 1));
        if (value === undefined) await this.#store.create(this.#key, next);
        else await this.#store.update(this.#key, next, value.revision);
        this.raised++;
      } catch (error) {
        assert.ok(isStorageError(error, "Unreachable"), String(error));
        this.unknown++;
      }
    }
  }

  /** Resolves when so many more were acknowledged. */
  async on(count: number): Promise<void> {
    const goal = this.raised + count;
    await eventually(async () => assert.ok(this.raised >= goal, `${this.raised} of ${goal}`), 60_000);
  }

  /** Every number was told, once, in order, after the one before. */
  async end(): Promise<void> {
    this.#aborter.abort();
    await this.#raising;
    const { value } = await eventually(() => this.#store.get(this.#key));
    this.raised = Number(decode(value?.value));
    this.#isDone = true;
    this.#watch.requestProgress();
    await eventually(async () => assert.equal(numberOf(this.#told.at(-1)), this.raised), 60_000);
    const told = this.#told.map(numberOf);
    assert.deepEqual(
      told,
      told.map((_, index) => index + 1),
    );
    this.#told.reduce<Revision | undefined>((before, event) => {
      assert.equal(event.previous?.revision, before);
      return event.revision;
    }, undefined);
    assert.ok(Array.isArray(await this.#following));
  }
}

function numberOf(event: StorageEvent | undefined): number {
  return event?.type === "put" ? Number(decode(event.value)) : 0;
}

test("etcd members: a first one that is dead, or accepts and says nothing, is passed over", async () => {
  await using stack = new AsyncDisposableStack();
  const [first = assert.fail(), second = assert.fail(), third = assert.fail()] = await ways(stack);
  first.hold("toServer", "toClient");
  second.lead(undefined);
  await using store = await through([first, second, third], { prefix: "/passed" });
  const created = await store.create("/registry/a", encode("x"));
  await store.ping();
  await store.pingWrite();
  await using watch = store.watch({ prefix: "/registry/", after: created - 1 });
  assert.deepEqual((await collect(watch, () => true)).map(summary), ["put /registry/a=x"]);
});

for (const [what, harm] of Object.entries({
  "is cut": (way: TcpSwitch) => way.lead(undefined),
  "is silent": (way: TcpSwitch) => way.hold("toServer", "toClient"),
  "hears us and is not heard": (way: TcpSwitch) => way.hold("toClient"),
  "is heard and does not hear us": (way: TcpSwitch) => way.hold("toServer"),
}))
  test(`etcd members: the one in use ${what}: the next is asked, nothing is lost, told twice or called failed`, {
    timeout: 120_000,
  }, async () => {
    await using stack = new AsyncDisposableStack();
    const [first = assert.fail(), ...others] = await ways(stack);
    const store = stack.use(
      await through([first, ...others], { prefix: `/${what.replaceAll(" ", "-")}`, requestTimeoutMs: 4000 }),
    );
    const counting = await Counting.of(store, "/registry/number");
    await counting.on(20);
    harm(first);
    await counting.on(20);
    first.release();
    if (what === "is cut") first.lead(members[0]?.port);
    await counting.on(20);
    await counting.end();
  });

test("etcd members: a leader that dies, or stops without a word, is replaced, and nothing is lost", {
  timeout: 120_000,
}, async () => {
  await using store = await openEtcd({ endpoints: endpoints(), prefix: "/leaders", requestTimeoutMs: 4000 });
  const leader = async (): Promise<EtcdProcess> => {
    for (const member of members) if (await member.leads()) return member;
    return assert.fail("nobody leads");
  };
  const counting = await Counting.of(store, "/registry/number");
  await counting.on(20);
  const first = await leader();
  await first.kill();
  await counting.on(20);
  await first.start();
  const second = await eventually(leader);
  second.signal("SIGSTOP");
  await counting.on(20);
  second.signal("SIGCONT");
  await counting.on(20);
  await counting.end();
});

test("etcd members: without a majority nothing is acknowledged, and what was asked for is unknown", {
  timeout: 120_000,
}, async () => {
  await using store = await openEtcd({ endpoints: endpoints(), prefix: "/minority", requestTimeoutMs: 2000 });
  const created = await store.create("/registry/a", encode("1"));
  const [, second = assert.fail(), third = assert.fail()] = members;
  await Promise.all([second.kill(), third.kill()]);
  await rejectsWith(store.update("/registry/a", encode("2"), created), "Unreachable");
  await rejectsWith(store.get("/registry/a"), "Unreachable");
  await rejectsWith(store.ping(), "Unreachable");
  await Promise.all([second.start(), third.start()]);
  const { value } = await eventually(() => store.get("/registry/a"), 60_000);
  assert.match(decode(value?.value) ?? "", /^[12]$/);
  await eventually(() => store.update("/registry/a", encode("3"), value?.revision ?? 0));
});

test("etcd: certificates and passwords; a token that ran out is renewed, for calls and watches", {
  timeout: 60_000,
}, async () => {
  const authority = await createAuthority("authority of etcd");
  const leaf = await issue(authority, { commonName: "etcd", names: ["localhost"] });
  const [certFile, keyFile, caFile] = ["cert.pem", "key.pem", "ca.pem"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(certFile, leaf.certificatePem);
  writeFileSync(keyFile, leaf.keyPem, { mode: 0o600 });
  writeFileSync(caFile, authority.pem);
  const mutual = ["--client-cert-auth", "--trusted-ca-file", caFile, "--auth-token-ttl", "1"];
  await using etcd = await EtcdProcess.start(binary, { tls: { certFile, keyFile }, args: mutual });
  const endpoint = `https://localhost:${etcd.port}`;
  const ours = await issue(authority, { commonName: "functionmesh" });
  const ca = Buffer.from(authority.pem);
  const tls = { ca, cert: Buffer.from(ours.certificatePem), key: Buffer.from(ours.keyPem) };
  const administrator = new Etcd3({
    hosts: endpoint,
    credentials: { rootCertificate: ca, certChain: tls.cert, privateKey: tls.key },
  });
  const user = await administrator.user("root").create("secret");
  await administrator.role("root").create();
  await user.addRole("root");
  await administrator.auth.authEnable();
  administrator.close();

  const reach = { endpoints: [endpoint], requestTimeoutMs: 5000 };
  const auth = { username: "root", password: "secret" };
  await rejectsWith(openEtcd({ ...reach, tls }), "Unreachable");
  await rejectsWith(openEtcd({ ...reach, tls, auth: { ...auth, password: "wrong" } }), "Unreachable");
  await rejectsWith(openEtcd({ ...reach, tls: { ca }, auth }), "Unreachable");
  const stranger = await createAuthority("another");
  await rejectsWith(openEtcd({ ...reach, tls: { ...tls, ca: Buffer.from(stranger.pem) }, auth }), "Unreachable");

  await assert.rejects(
    openEtcd({ ...reach, endpoints: [etcd.endpoint], tls, auth }),
    /with https it needs a host name that its certificate has, not an address/,
  );

  await using store = await openEtcd({ ...reach, tls, auth });
  const counting = await Counting.of(store, "/registry/number");
  await counting.on(20);
  await new Promise((resolve) => setTimeout(resolve, 2500)); // The token's life is 1 s of etcd's own clock.
  await counting.on(20);
  await counting.end();
  assert.equal(counting.unknown, 0);
});

test("etcd: without room what needs none goes on, everything else is refused as such, and comes back", {
  timeout: 60_000,
}, async () => {
  await using etcd = await EtcdProcess.start(binary, { args: ["--quota-backend-bytes", String(8 * 1024 * 1024)] });
  await using store = await openEtcd({ endpoints: [etcd.endpoint] });
  const large = new Uint8Array(512 * 1024);
  const written = new Map<string, Revision>();
  await rejectsWith(
    (async () => {
      for (let i = 0; ; i++) written.set(`/registry/${i}`, await store.create(`/registry/${i}`, large));
    })(),
    "Full",
  );
  const [[one, revision] = assert.fail()] = written;
  await rejectsWith(store.update(one, encode("x"), revision), "Full");
  await rejectsWith(store.pingWrite(), "Full");
  await store.ping();
  const { items } = await store.range({ prefix: "/registry/" });
  const ours = items.filter(({ key }) => written.has(key));
  assert.deepEqual(new Map(ours.map((item) => [item.key, item.revision])), new Map([...written].sort()));
  for (const [key, expected] of written) await store.delete(key, expected);
  await store.compact(await store.currentRevision());
  const administrator = new Etcd3({ hosts: etcd.endpoint });
  await administrator.maintenance.defragment();
  for (const { memberID } of (await administrator.maintenance.alarm({ action: "Get" })).alarms) {
    await administrator.maintenance.alarm({ action: "Deactivate", memberID, alarm: "Nospace" });
  }
  administrator.close();
  await store.create("/registry/again", large);
});

test("etcd: lists of several pages are one state while history is compacted under them", {
  timeout: 60_000,
}, async () => {
  await using store = await open("compacted");
  const value = new Uint8Array(20_000);
  const keys = Array.from({ length: 800 }, (_, i) => `/registry/${String(i).padStart(4, "0")}`);
  await Promise.all(keys.map((key) => store.create(key, value)));
  let isDone = false;
  let compactions = 0;
  const compacting = (async () => {
    while (!isDone) {
      const { value: last } = await store.get("/registry/0000");
      await store.compact(await store.update("/registry/0000", value, last?.revision ?? 0));
      compactions++;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  for (let list = 0; list < 10; list++) {
    const { items, count } = await store.range({ prefix: "/registry/0" });
    assert.deepEqual(
      items.map(({ key }) => key),
      keys,
    );
    assert.equal(count, keys.length);
  }
  isDone = true;
  await compacting;
  assert.ok(compactions > 1);
});
