import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { CertificateVerifier } from "../authentication/certificate-verifier.ts";
import { StartError } from "../errors/start-error.ts";
import { objectOf, textOf } from "../machinery/fields.ts";
import { isObject } from "../machinery/json.ts";
import { parseYaml } from "../machinery/yaml.ts";
import { ensurePki, ensureServingCertificate, mintClientCertificate, writeKubeconfig } from "./pki.ts";

const dayMs = 24 * 60 * 60 * 1000;

async function scratch(context: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), "pki-"));
  context.after(() => rm(directory, { recursive: true }));
  return path.join(directory, "pki");
}
const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;

test("what was made is used again, and keys are their owner's only", async (context) => {
  const directory = await scratch(context);
  const first = await ensurePki(directory, { names: ["mesh.example.org", "192.0.2.7"] });
  assert.deepEqual(await ensurePki(directory, { names: ["mesh.example.org", "192.0.2.7"] }), first);
  assert.equal(await modeOf(directory), 0o700);
  const files = await readdir(directory);
  assert.equal(files.filter((file) => file.endsWith(".tmp")).length, 0);
  for (const file of files.filter((each) => each.endsWith(".key")))
    assert.equal(await modeOf(path.join(directory, file)), 0o600, file);
});

test("the serving certificate names every way to reach the server", async (context) => {
  const names = ["mesh.example.org", "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.8", "0.0.0.0", "::"];
  const { serving, caBundle } = await ensurePki(await scratch(context), { names });
  const certificate = new X509Certificate(serving.certificate);
  for (const host of ["localhost", "mesh.example.org", "kubernetes.default.svc"])
    assert.equal(certificate.checkHost(host), host);
  for (const address of ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::1", "::ffff:192.0.2.8"])
    assert.equal(certificate.checkIP(address), address);
  assert.equal(certificate.checkHost("other.example.org"), undefined);
  assert.equal(certificate.checkIP("0.0.0.0"), undefined);
  assert.equal(certificate.verify(new X509Certificate(caBundle).publicKey), true);
});

test("certificates are renewed before they end, and when they lack a name; the CA stays", async (context) => {
  const directory = await scratch(context);
  const start = Date.parse("2026-01-01T00:00:00Z");
  const at = (days: number) => () => new Date(start + days * dayMs);
  const first = await ensurePki(directory, { now: at(0) });
  const later = await ensurePki(directory, { now: at(300) });
  assert.deepEqual(later, first);
  const renewed = await ensurePki(directory, { now: at(310) });
  assert.notEqual(renewed.serving.certificate, first.serving.certificate);
  assert.notEqual(renewed.admin.certificate, first.admin.certificate);
  assert.equal(renewed.caBundle, first.caBundle);
  assert.equal(renewed.serviceAccountKey, first.serviceAccountKey);
  const named = await ensurePki(directory, { now: at(310), names: ["new.example.org"] });
  assert.notEqual(named.serving.certificate, renewed.serving.certificate);
  assert.equal(named.admin.certificate, renewed.admin.certificate);
});

const damages: readonly {
  readonly what: string;
  readonly do: (directory: string, other: string) => Promise<void>;
  readonly says: RegExp;
}[] = [
  {
    what: "the CA is no certificate",
    do: (d) => write(d, "ca.crt", "x"),
    says: /ca\.crt is damaged.*Nothing was changed/,
  },
  { what: "the CA is empty", do: (d) => write(d, "ca.crt", ""), says: /ca\.crt is damaged/ },
  { what: "the CA is cut off", do: (d) => cut(d, "ca.crt"), says: /ca\.crt is damaged.*Nothing was changed/ },
  { what: "the CA's key is cut off", do: (d) => cut(d, "ca.key"), says: /ca\.key is damaged/ },
  { what: "the CA's key is empty", do: (d) => write(d, "ca.key", ""), says: /ca\.key is damaged/ },
  { what: "the CA is full of zeros", do: (d) => write(d, "ca.crt", "\0".repeat(1000)), says: /ca\.crt is damaged/ },
  {
    what: "the CA and its key are swapped",
    do: async (d) => {
      await rename(path.join(d, "ca.crt"), path.join(d, "x"));
      await rename(path.join(d, "ca.key"), path.join(d, "ca.crt"));
      await rename(path.join(d, "x"), path.join(d, "ca.key"));
    },
    says: /ca\.crt is damaged|ca\.key is damaged/,
  },
  {
    what: "the key of tokens is cut off",
    do: (d) => cut(d, "service-account.key"),
    says: /service-account\.key is damaged/,
  },
  { what: "a certificate is empty", do: (d) => write(d, "admin.crt", ""), says: /admin\.crt is damaged/ },
  {
    what: "the CA is a link to nothing",
    do: async (d) => {
      await rm(path.join(d, "ca.crt"));
      await symlink(path.join(d, "nothing"), path.join(d, "ca.crt"));
    },
    says: /ca\.crt is missing, and admin\.crt is there/,
  },
  {
    what: "a link to itself",
    do: async (d) => {
      await rm(path.join(d, "ca.key"));
      await symlink(path.join(d, "ca.key"), path.join(d, "ca.key"));
    },
    says: /ca\.key cannot be read: .*ca\.key is a link that leads back to itself\. Put that right$/,
  },
  { what: "the CA's key is no key", do: (d) => write(d, "ca.key", "x"), says: /ca\.key is damaged/ },
  { what: "the CA's key is another's", do: (d, o) => take(d, o, "ca.key"), says: /ca\.key is not the key of ca\.crt/ },
  { what: "the CA is another's", do: (d, o) => take(d, o, "ca.crt"), says: /ca\.key is not the key of ca\.crt/ },
  { what: "the CA is no CA", do: demote, says: /it is not the certificate of a CA/ },
  {
    what: "the CA's key is missing",
    do: (d) => rm(path.join(d, "ca.key")),
    says: /ca\.key is missing, and ca\.crt is there/,
  },
  {
    what: "the CA is missing",
    do: (d) => rm(path.join(d, "ca.crt")),
    says: /ca\.crt is missing, and admin\.crt is there/,
  },
  {
    what: "the CA and its key are missing",
    do: async (d) => {
      await rm(path.join(d, "ca.crt"));
      await rm(path.join(d, "ca.key"));
    },
    says: /ca\.crt and ca\.key are missing, and admin\.crt is there/,
  },
  {
    what: "a certificate is damaged",
    do: (d) => write(d, "serving.crt", "x"),
    says: /serving\.crt is damaged.*remove serving\.crt and serving\.key/,
  },
  {
    what: "a key is another's",
    do: (d, o) => take(d, o, "admin.key"),
    says: /admin\.key is not the key of admin\.crt/,
  },
  { what: "a key is missing", do: (d) => rm(path.join(d, "serving.key")), says: /serving\.key is missing/ },
  {
    what: "the key of tokens is damaged",
    do: (d) => write(d, "service-account.key", "x"),
    says: /service-account\.key is damaged.*ends all tokens/,
  },
  {
    what: "a file is a directory",
    do: async (d) => {
      await rm(path.join(d, "ca.crt"));
      await mkdir(path.join(d, "ca.crt"));
    },
    says: /ca\.crt cannot be read: \S+\/ca\.crt is a directory, where a file belongs\. Put that right$/,
  },
  {
    what: "a file is a pipe",
    do: async (d) => {
      await rm(path.join(d, "service-account.key"));
      execFileSync("mkfifo", [path.join(d, "service-account.key")]);
    },
    says: /service-account\.key cannot be read: .* is a pipe, a socket or a device, where a file belongs/,
  },
  {
    what: "a key belongs to another user",
    do: (d) => (process.getuid?.() === 0 ? chown(path.join(d, "ca.key"), 65_534, 65_534) : chmod(d, 0o777)),
    says: /ca\.key belongs to another user|other users can write/,
  },
  { what: "others can write there", do: (d) => chmod(d, 0o777), says: /other users can write to .*chmod go-w/ },
];
const write = (directory: string, file: string, text: string) => writeFile(path.join(directory, file), text);
const cut = (directory: string, file: string) =>
  truncate(path.join(directory, file), Math.floor(statSync(path.join(directory, file)).size / 2));
const take = (directory: string, other: string, file: string) =>
  copyFile(path.join(other, file), path.join(directory, file));
async function demote(directory: string): Promise<void> {
  for (const ending of ["crt", "key"])
    await copyFile(path.join(directory, `serving.${ending}`), path.join(directory, `ca.${ending}`));
}

for (const { what, do: damage, says } of damages) {
  test(`refused with a sentence, and nothing is touched: ${what}`, async (context) => {
    const [directory, other] = [await scratch(context), await scratch(context)];
    await Promise.all([ensurePki(directory), ensurePki(other)]);
    await damage(directory, other);
    const before = await contentOf(directory);
    await assert.rejects(ensurePki(directory), (error) => error instanceof StartError && says.test(error.message));
    assert.deepEqual(await contentOf(directory), before);
  });
}

async function contentOf(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const texts = files.map(async (name) => [name, await readFile(path.join(directory, name), "utf8")] as const);
  return Object.fromEntries(await Promise.all(texts));
}

test("a clock that is wrong: before the CA's time and after it nothing starts, between nothing is lost", async (context) => {
  const directory = await scratch(context);
  const start = Date.parse("2026-01-01T00:00:00Z");
  const notices: string[] = [];
  const at = (days: number) =>
    ensurePki(directory, { now: () => new Date(start + days * dayMs), onNotice: (sentence) => notices.push(sentence) });
  const first = await at(0);
  await assert.rejects(
    at(-400),
    /valid only from 2025-12-31T23:00:00.000Z, and the clock says 2024-11-27.*Set the clock/,
  );
  await assert.rejects(at(4000), /ended on 2035-12-30T00:00:00.000Z, and the clock says/);
  assert.deepEqual(await at(0), first);
  assert.deepEqual(notices, []);
  const ahead = await at(310);
  assert.equal(ahead.caBundle, first.caBundle);
  const back = await at(0);
  assert.equal(back.caBundle, first.caBundle);
  assert.equal(back.serving.key, first.serving.key, "certificates are renewed for the key they were for");
  assert.match(
    notices.join("\n"),
    /serving\.crt is signed anew: it ends soon[\s\S]*serving\.crt is signed anew: it is not valid yet/,
  );
});

test("a first start that was interrupted goes on", async (context) => {
  const directory = await scratch(context);
  await ensureServingCertificate(directory);
  for (const file of ["ca.crt", "serving.crt", "serving.key"]) await rm(path.join(directory, file));
  await ensurePki(directory);
  await rm(path.join(directory, "admin.crt"));
  const { admin } = await ensurePki(directory);
  assert.ok(new X509Certificate(admin.certificate).checkPrivateKey(createPrivateKey(admin.key)));
});

test("certificates of another CA are signed anew, and the lost key of tokens is told of", async (context) => {
  const [directory, other] = [await scratch(context), await scratch(context)];
  const [, { caBundle }] = await Promise.all([ensurePki(directory), ensurePki(other)]);
  for (const file of ["ca.crt", "ca.key"]) await take(directory, other, file);
  await rm(path.join(directory, "service-account.key"));
  const notices: string[] = [];
  const moved = await ensurePki(directory, { onNotice: (sentence) => notices.push(sentence) });
  assert.equal(moved.caBundle, caBundle);
  assert.ok(new X509Certificate(moved.serving.certificate).verify(new X509Certificate(caBundle).publicKey));
  assert.match(notices.join("\n"), /another CA signed it[\s\S]*service-account\.key was missing/);
});

test("keys that others could read are taken from them", async (context) => {
  const directory = await scratch(context);
  await ensurePki(directory);
  await chmod(path.join(directory, "ca.key"), 0o644);
  await ensurePki(directory);
  assert.equal(await modeOf(path.join(directory, "ca.key")), 0o600);
});

test("a kubeconfig is not written where others could swap it, but beside theirs in /tmp", async (context) => {
  const directory = await scratch(context);
  const { admin, caBundle } = await ensurePki(directory);
  const content = { server: "https://127.0.0.1:1", caBundle, user: "admin", credentials: admin };
  const shared = path.join(path.dirname(directory), "shared");
  await mkdir(shared);
  await chmod(shared, 0o777);
  await assert.rejects(writeKubeconfig(path.join(shared, "kc"), content), /is not written: other users can write/);
  assert.deepEqual(await readdir(shared), []);
  await chmod(shared, 0o1777);
  await writeKubeconfig(path.join(shared, "kc"), content);
  assert.equal(await modeOf(path.join(shared, "kc")), 0o600);
});

test("a kubeconfig that cannot be written is told of in a sentence", async (context) => {
  const directory = await scratch(context);
  const { admin, caBundle } = await ensurePki(directory);
  const content = { server: "https://127.0.0.1:1", caBundle, user: "admin", credentials: admin };
  const says = async (file: string, sentence: RegExp) =>
    assert.rejects(
      writeKubeconfig(file, content),
      (error) => error instanceof StartError && sentence.test(error.message),
    );
  await says(directory, /^kubeconfig \S+ is not written: \S+\/pki is a directory, where a file belongs$/);
  await says(
    path.join(directory, "ca.crt", "kc"),
    /is not written: \S+\/ca\.crt is a file, where a directory belongs$/,
  );
  assert.deepEqual((await readdir(path.dirname(directory))).sort(), ["pki"], "nothing is left behind");
});

test("a minted certificate is whom it says, and the admin a master", async (context) => {
  const directory = await scratch(context);
  await assert.rejects(mintClientCertificate(directory, { user: "jane" }), /no CA/);
  const { admin, caBundle } = await ensurePki(directory);
  const verifier = new CertificateVerifier({ bundle: () => caBundle });
  const subjectOf = (pem: string) => {
    const { commonName, organizations } = verifier.verify({
      remoteAddress: "",
      clientCertificates: [new X509Certificate(pem).raw],
      certificateError: undefined,
    });
    return { commonName, organizations };
  };
  const jane = await mintClientCertificate(directory, { user: "jane", groups: ["devs", "ops"], lifetimeDays: 7 });
  assert.deepEqual(subjectOf(jane.certificate), { commonName: "jane", organizations: ["devs", "ops"] });
  assert.ok(new X509Certificate(jane.certificate).checkPrivateKey(createPrivateKey(jane.key)));
  const { validToDate } = new X509Certificate(jane.certificate);
  assert.ok(Math.abs(validToDate.getTime() - Date.now() - 7 * dayMs) < 60_000);
  assert.deepEqual(subjectOf(admin.certificate).organizations, ["system:masters"]);
});

test("an aggregated server needs no more than a serving certificate", async (context) => {
  const directory = await scratch(context);
  const names = ["functionmesh.functionmesh-system.svc"];
  const { serving, caBundle } = await ensureServingCertificate(directory, { names });
  assert.equal(new X509Certificate(serving.certificate).checkHost("functionmesh.functionmesh-system.svc"), names[0]);
  assert.deepEqual((await readdir(directory)).sort(), ["ca.crt", "ca.key", "serving.crt", "serving.key"]);
  assert.ok(caBundle.startsWith("-----BEGIN CERTIFICATE-----"));
});

test("both sides of a TLS connection accept what was made", async (context) => {
  const { serving, admin, caBundle } = await ensurePki(await scratch(context));
  const server = tls.createServer({ cert: serving.certificate, key: serving.key, ca: caBundle, requestCert: true });
  context.after(() => server.close());
  const seen = new Promise<tls.TLSSocket>((resolve) => server.once("secureConnection", resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const client = tls.connect({
    port: address.port,
    host: "127.0.0.1",
    cert: admin.certificate,
    key: admin.key,
    ca: caBundle,
  });
  const socket = await seen;
  assert.equal(socket.authorized, true);
  assert.equal(socket.getPeerX509Certificate()?.toLegacyObject().subject.CN, "functionmesh-admin");
  client.destroy();
  socket.destroy();
});

test("a kubeconfig is readable by its owner only and replaces an older one", async (context) => {
  const directory = await scratch(context);
  const { admin, caBundle } = await ensurePki(directory);
  const file = path.join(directory, "deeper", "kubeconfig");
  await writeKubeconfig(file, { server: "https://127.0.0.1:1", caBundle, user: "jane", credentials: { token: "t" } });
  const server = "https://127.0.0.1:6443";
  await writeKubeconfig(file, { server, caBundle, user: "admin", credentials: admin });
  assert.equal(await modeOf(file), 0o600);
  const { value } = parseYaml(await readFile(file, "utf8"));
  assert.ok(isObject(value));
  assert.deepEqual(value.contexts, [
    { name: "functionmesh", context: { cluster: "functionmesh", user: "admin", namespace: "default" } },
  ]);
  assert.equal(textOf(value, "current-context"), "functionmesh");
  const [cluster] = Array.isArray(value.clusters) ? value.clusters : [];
  const content = isObject(cluster) ? objectOf(cluster, "cluster") : undefined;
  assert.equal(textOf(content, "server"), server);
  assert.equal(Buffer.from(textOf(content, "certificate-authority-data"), "base64").toString(), caBundle);
});
