/**
 * All users behind the aggregator share its connection of HTTP/2 to us: what one of them sends, however wrong, however
 * long, however often given up, is felt by nobody else's watches and requests (API K-16).
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, constants } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Tenant } from "../limits/tenants.ts";
import { type Aggregated, startAggregated } from "./support/aggregated.ts";
import { connection, wordcount } from "./support/manifests.ts";
import { issue, type Leaf } from "./support/pki.ts";

const watches = 20;
const functions = "/apis/compute.functionmesh.io/v1alpha1/namespaces/quiet/functions";

let cluster: Aggregated;
let directory: string;
let jane: Leaf;
let mallory: Leaf;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), "functionmesh-http2-"));
  cluster = await startAggregated(directory);
  const { kubectl, host } = cluster;
  await kubectl.ok(["create", "namespace", "quiet"]);
  for (const user of ["jane", "mallory"])
    await kubectl.ok(["-n", "quiet", "create", "rolebinding", user, "--clusterrole=edit", `--user=${user}`]);
  await kubectl.ok(["-n", "quiet", "apply", "-f", "-"], connection);
  await kubectl.ok(["-n", "quiet", "apply", "-f", "-"], wordcount);
  [jane, mallory] = [
    await issue(host.clientAuthority, { commonName: "jane" }),
    await issue(host.clientAuthority, { commonName: "mallory" }),
  ];
});
after(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const tenantOf = ({ certificatePem: cert, keyPem: key }: Leaf, sockets: number): Tenant =>
  new Tenant(cluster.host.url, { ca: cluster.host.servingAuthority.pem, cert, key }, sockets);

/** Connections of this machine to our server. */
async function connections(): Promise<number> {
  const port = Number(new URL(cluster.url).port).toString(16).toUpperCase().padStart(4, "0");
  const established = new RegExp(`^ *\\d+: [0-9A-F]+:${port} [0-9A-F:]+ 01 `, "gm");
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8")));
  return tables.join("\n").match(established)?.length ?? 0;
}

/** What somebody notices who watches and reads while `others` do what they do. */
async function noticed(others: () => Promise<void>): Promise<{ ended: number; failed: string[]; reads: number }> {
  using watching = tenantOf(jane, watches);
  using reading = tenantOf(jane, 1);
  let ended = 0;
  for (let i = 0; i < watches; i++) {
    const answer = await watching.open("GET", `${functions}?watch=1&resourceVersion=0&timeoutSeconds=300`);
    assert.equal(answer.statusCode, 200);
    answer.resume().once("close", () => ended++);
    answer.once("error", () => undefined);
  }
  assert.ok((await connections()) < watches, "the aggregator has a connection for each watch");
  let over = false;
  const failed: string[] = [];
  let reads = 0;
  const read = async (): Promise<void> => {
    while (!over) {
      const told = await reading.send("GET", `${functions}/wordcount`).then(
        ({ status, text }) => (status === 200 ? undefined : `${status} ${text}`),
        (error: unknown) => String(error),
      );
      reads++;
      if (told !== undefined) failed.push(told);
    }
  };
  const readingOn = read();
  try {
    await others();
  } finally {
    over = true;
    await readingOn;
  }
  return { ended, failed, reads };
}

const unharmed = ({ ended, failed, reads }: Awaited<ReturnType<typeof noticed>>): void => {
  assert.deepEqual({ ended, failed }, { ended: 0, failed: [] });
  assert.ok(reads > 0);
};

const kib = 1024;
const shapes: Record<string, (tenant: Tenant, bytes: number) => ReturnType<Tenant["send"]>> = {
  "a header": (tenant, bytes) => tenant.send("GET", functions, { "x-long": "a".repeat(bytes) }),
  "a header's name": (tenant, bytes) => tenant.send("GET", functions, { ["x".repeat(bytes)]: "a" }),
  "a query": (tenant, bytes) => tenant.send("GET", `${functions}?labelSelector=a+in+(${longList(bytes)})`),
  "many headers": (tenant, bytes) =>
    tenant.send(
      "GET",
      functions,
      Object.fromEntries(Array.from({ length: bytes / kib }, (_, i) => [`x-${i}`, "a".repeat(kib - 40)])),
    ),
};
/** In KiB: kube-apiserver itself takes a MiB (API N-42). */
const sizes = [30, 70, 100, 300, 900];
/** Values as long as those of labels may be. */
const longList = (bytes: number): string =>
  Array.from({ length: Math.floor(bytes / 64) }, (_, i) => String(i).padStart(63, "v")).join();

for (const [what, send] of Object.entries(shapes)) {
  test(`http2: ${what} of any length is served, and nobody else's matter`, async (t) => {
    const told: string[] = [];
    const seen = await noticed(async () => {
      using tenant = tenantOf(mallory, 1);
      for (const size of sizes) {
        const { status, text } = await send(tenant, size * kib);
        told.push(`${size} KiB: ${status}`);
        assert.equal(status, 200, `${size} KiB: ${text.slice(0, 300)}`);
      }
    });
    t.diagnostic(told.join(", "));
    unharmed(seen);
  });
}

/** More than a connection without a certificate may give up at once, and than it may per second after. */
const givenUp = 1_500;

test("http2: requests that are given up by the hundred are their sender's matter", async (t) => {
  let given = 0;
  const seen = await noticed(async () => {
    const { host } = cluster;
    const identity = { ca: host.servingAuthority.pem, cert: mallory.certificatePem, key: mallory.keyPem };
    const session = connect(host.url, identity);
    session.on("error", () => undefined);
    const giveUp = async (): Promise<void> => {
      const stream = session.request({ ":path": `${functions}?watch=1` });
      stream.on("error", () => undefined);
      const [headers] = await once(stream, "response");
      if (headers[":status"] === 200) given++;
      stream.close(constants.NGHTTP2_CANCEL);
      await once(stream, "close");
    };
    while (given < givenUp) await Promise.all(Array.from({ length: 50 }, giveUp));
    session.destroy();
  });
  t.diagnostic(`${given} watches given up, ${JSON.stringify(seen)}`);
  unharmed(seen);
});
