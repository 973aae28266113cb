/**
 * An API behind the aggregator that has its answers ready, as a program of its own: what its users wait for is the machine, the
 * aggregator and each other.
 */
import { createSecureServer } from "node:http2";
import { join } from "node:path";
import { startProcess, untilReady } from "../../support/processes.ts";
import { type Aggregated, systemNamespace } from "./aggregated.ts";
import { issue } from "./pki.ts";

const group = "bare.functionmesh.io";
export const bareVersion = `/apis/${group}/v1`;

/** By method and path. */
export type BareAnswers = { readonly [asked: string]: { readonly status: number; readonly text: string } };

type Given = { readonly port: number; readonly cert: string; readonly key: string; readonly answers: BareAnswers };

/**
 * Resolves once the aggregator reaches it.
 *
 * @param answers  what is not among them is 404; POST is answered alike whatever follows its path
 */
export async function startBareApi(
  { kubectl, servingAuthority }: Aggregated,
  { directory, port, answers }: { readonly directory: string; readonly port: number; readonly answers: BareAnswers },
): Promise<AsyncDisposable> {
  const service = { name: "bare", namespace: systemNamespace };
  const { certificatePem: cert, keyPem: key } = await issue(servingAuthority, {
    commonName: "bare",
    names: [`${service.name}.${service.namespace}.svc`, "localhost"],
  });
  const discovery = { kind: "APIResourceList", apiVersion: "v1", groupVersion: `${group}/v1`, resources: [] };
  const given: Given = {
    ...{ port, cert, key },
    answers: { ...answers, [`GET ${bareVersion}`]: { status: 200, text: JSON.stringify(discovery) } },
  };
  const child = startProcess(process.execPath, [import.meta.filename], {
    env: { BARE_API: JSON.stringify(given) },
    logFile: join(directory, "bare.log"),
  });
  const name = `v1.${group}`;
  const manifests = [
    { apiVersion: "v1", kind: "Service", metadata: service, spec: { type: "ExternalName", externalName: "localhost" } },
    {
      apiVersion: "apiregistration.k8s.io/v1",
      kind: "APIService",
      metadata: { name },
      spec: {
        ...{ group, version: "v1", groupPriorityMinimum: 1000, versionPriority: 10, service: { ...service, port } },
        caBundle: Buffer.from(servingAuthority.pem).toString("base64"),
      },
    },
  ];
  for (const manifest of [...manifests, ...openToAll]) await kubectl.ok(["apply", "-f", "-"], JSON.stringify(manifest));
  const isServed = async (): Promise<boolean> =>
    (await kubectl.run(["wait", "--for=condition=Available", `apiservice/${name}`, "--timeout=5s"])).code === 0 &&
    (await kubectl.run(["get", "--raw", bareVersion])).code === 0;
  await untilReady("bare API", child, isServed);
  return child;
}

/** Whoever is known may ask it anything. */
const openToAll = [
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name: "bare" },
    rules: [{ apiGroups: [group], resources: ["*"], verbs: ["*"] }],
  },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "bare" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "bare" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "system:authenticated" }],
  },
];

function serve({ port, cert, key, answers }: Given): void {
  createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
    const { status, text } = answers[`${request.method} ${request.url}`] ?? { status: 404, text: "" };
    request.resume();
    request.once("end", () => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(text);
    });
  }).listen(port, "127.0.0.1");
}

if (import.meta.main) serve(JSON.parse(process.env.BARE_API ?? ""));
