/**
 * The laptop profile: a cluster of its own. It serves the core kinds too, signs its own certificates, evaluates RBAC
 * itself, and a host simulator plays garbage collector, namespace controller, StatefulSet controller and kubelet.
 */

import { join } from "node:path";
import { computeControllers } from "../../controllers/controllers.ts";
import { hostControllers } from "../../controllers/host/host.ts";
import type { IssueToken } from "../../controllers/host/token-secrets.ts";
import { followByInformer } from "../../controllers/runtime/follow.ts";
import type { Settings } from "../../controllers/settings.ts";
import { rbacEscalationPlugin } from "../admission/plugins/rbac-escalation/plugin.ts";
import type { KubeObject } from "../apis/meta/v1.ts";
import { bearerTokenAuthenticator } from "../authentication/bearer-token.ts";
import { clientCertificateAuthenticator } from "../authentication/client-certificate.ts";
import { noFrontProxy } from "../authentication/front-proxy.ts";
import { type ServiceAccountTokens, serviceAccountTokens } from "../authentication/service-account-token.ts";
import { clientUidLookup } from "../authentication/uid-lookup.ts";
import { unionAuthenticator } from "../authentication/union.ts";
import { ensureRbac, followRbac } from "../authorization/follow-rbac.ts";
import { RbacAuthorizer } from "../authorization/rbac.ts";
import { RbacPolicy } from "../authorization/rbac-policy.ts";
import { allowedPathsAuthorizer, mastersAuthorizer } from "../authorization/standing.ts";
import { unionAuthorizer } from "../authorization/union.ts";
import type { ResourceClient, ResourceType } from "../client/client.ts";
import { namespaceType, serviceType } from "../client/resource-types.ts";
import { isAlreadyExists, isUnanswered } from "../errors/status-error.ts";
import { delay, systemClock } from "../machinery/clock.ts";
import { computeResources } from "../registry/compute/resources.ts";
import { bootstrapRbac } from "../registry/core/bootstrap-rbac.ts";
import { coreResources } from "../registry/core/resources.ts";
import { reviewEndpoints } from "../registry/core/reviews.ts";
import { fileMemory } from "../storage/guard/file-memory.ts";
import { noMemory } from "../storage/guard/store-memory.ts";
import { ensurePki, type Pki } from "./pki.ts";
import {
  type Foundation,
  type FoundationParts,
  type Profile,
  type ProfileParts,
  selectControllers,
} from "./profile.ts";
import { readSettings } from "./settings.ts";

/** Namespaces every cluster is born with. */
const initialNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];
const loopbackAddress = "127.0.0.1";

export type StandaloneFoundation = Foundation & { readonly pki: Pki };

export async function standaloneFoundation(parts: FoundationParts): Promise<StandaloneFoundation> {
  const { options, log } = parts;
  const bindAddress = options.bindAddress === "" ? loopbackAddress : options.bindAddress;
  const settings = await readSettings(options, { cleanupNamespace: "kube-system" });
  const pki = await ensurePki(pkiDirectory(options.dataDir), {
    names: [bindAddress, ...options.tlsSan],
    onNotice: (sentence) => log.warn({}, sentence),
  });
  return {
    pki,
    storeMemory:
      options.etcdServers.length === 0
        ? noMemory
        : fileMemory(storeMemoryFile(options.dataDir), () => acceptCommand(options.dataDir)),
    refusesAtStart: true,
    profile: async (built) => profileOf({ ...parts, bindAddress, settings, pki }, built),
  };
}

type Ground = FoundationParts & { readonly bindAddress: string; readonly settings: Settings; readonly pki: Pki };

function profileOf(
  { options, log, signal, bindAddress, settings, pki }: Ground,
  { own, schemas }: ProfileParts,
): Profile {
  const policy = new RbacPolicy();
  const rbac = new RbacAuthorizer(policy);
  const authorizer = unionAuthorizer([mastersAuthorizer, allowedPathsAuthorizer(), rbac]);
  const uidOf = clientUidLookup(own);
  const tokens = serviceAccountTokens({ key: pki.serviceAccountKey, uidOf });
  return {
    definitions: [...coreResources({ tokens, uidOf }), ...computeResources],
    reviews: reviewEndpoints({ authorizer, rules: rbac, tokens, schemas }),
    admission: [rbacEscalationPlugin({ authorizer, rules: rbac })],
    tls: () => ({ cert: pki.serving.certificate, key: pki.serving.key, clientCas: pki.caBundle }),
    onTlsChange: () => undefined,
    bindAddress,
    authenticator: unionAuthenticator([
      clientCertificateAuthenticator({ bundle: () => pki.caBundle }),
      bearerTokenAuthenticator(tokens),
    ]),
    frontProxy: () => noFrontProxy,
    authorizer,
    host: own,
    prepare: async () => {
      await untilAnswered(signal, async () => {
        await Promise.all([ensureNamespaces(own), ensureRbac(own, bootstrapRbac)]);
        await ensureCreated(own, serviceType, ownService(options.securePort));
      });
      await followRbac(own, policy, followByInformer({ clock: systemClock, log }), signal);
    },
    controllers: ({ own: informers, events, types, metrics }) =>
      selectControllers(
        [
          ...hostControllers({
            client: own,
            informers,
            events,
            types,
            rootCa: pki.caBundle,
            issueToken: secretToken(tokens),
            maxReplicas: options.maxReplicas,
            clock: systemClock,
            log,
            metrics,
          }),
          ...computeControllers({
            compute: own,
            workloads: own,
            computeInformers: informers,
            workloadInformers: informers,
            verticalPodAutoscaling: true,
            recorder: events,
            settings,
            clock: systemClock,
            log,
            metrics,
            concurrentSyncs: options.concurrentSyncs,
          }),
        ],
        options.controllers,
      ),
  };
}

/** Beside an etcd; the embedded store has its own memory. */
export function storeMemoryFile(dataDirectory: string): string {
  return join(dataDirectory, "store.memory");
}

const acceptCommand = (dataDirectory: string): string =>
  `stop the server, run "npm run accept-store -- --data-dir ${dataDirectory}", and start it`;

export function pkiDirectory(dataDirectory: string): string {
  return join(dataDirectory, "pki");
}

/** How soon a store that did not answer at the start is asked again, in ms. */
const askAgainMs = 1000;

/** Does what may be done twice until the store has answered: one that is away for a moment ends no program. */
async function untilAnswered(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnanswered(error) || signal.aborted) throw error;
      await delay(systemClock, askAgainMs, signal);
    }
  }
}

async function ensureNamespaces(client: ResourceClient): Promise<void> {
  await Promise.all(
    initialNamespaces.map((name) =>
      ensureCreated(client, namespaceType, { apiVersion: "v1", kind: "Namespace", metadata: { name } }),
    ),
  );
}

async function ensureCreated(client: ResourceClient, type: ResourceType, object: KubeObject): Promise<void> {
  try {
    await client.create(type, object);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

const httpsPort = 443;

/** The Service by which programs inside a cluster find its API: the first address of the range. */
function ownService(securePort: number): KubeObject {
  const port = { name: "https", port: httpsPort, protocol: "TCP", targetPort: securePort || httpsPort };
  const labels = { component: "apiserver", provider: "kubernetes" };
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kubernetes", namespace: "default", labels },
    spec: { clusterIP: "10.96.0.1", ports: [port] },
  };
}

/** In seconds, 136 years: a token in a Secret ends with the Secret. */
const secretTokenLifetime = 2 ** 32;

function secretToken(tokens: ServiceAccountTokens): IssueToken {
  return async ({ metadata: account }, { metadata: secret }) => {
    const { token } = await tokens.issue({
      account: { namespace: account.namespace ?? "", name: account.name ?? "", uid: account.uid ?? "" },
      audiences: [],
      lifetimeSeconds: secretTokenLifetime,
      boundObject: { kind: "Secret", name: secret.name ?? "", uid: secret.uid ?? "" },
    });
    return token;
  };
}
