import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import tls from "node:tls";
import { CertificateVerifier } from "../authentication/certificate-verifier.ts";
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

test("broken files are made anew", async (context) => {
  const directory = await scratch(context);
  const first = await ensurePki(directory);
  await writeFile(path.join(directory, "admin.key"), first.serving.key);
  await writeFile(path.join(directory, "serving.crt"), "x");
  const second = await ensurePki(directory);
  assert.equal(second.caBundle, first.caBundle);
  assert.notEqual(second.admin.certificate, first.admin.certificate);
  assert.notEqual(second.serving.certificate, first.serving.certificate);
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
