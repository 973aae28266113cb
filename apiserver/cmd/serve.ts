/**
 * The aggregated profile: behind a host cluster's kube-apiserver, which proves who asks and decides what they may do. The
 * host's own controllers run what ours write there.
 */

import { readFile } from "node:fs/promises";
import { computeControllers } from "../../controllers/controllers.ts";
import { followByInformer } from "../../controllers/runtime/follow.ts";
import { ResourceQuota } from "../admission/plugins/resource-quota/plugin.ts";
import { followAuthenticationConfig } from "../authentication/authentication-config.ts";
import { bearerTokenAuthenticator, cachedTokenVerifier } from "../authentication/bearer-token.ts";
import { clientCertificateAuthenticator } from "../authentication/client-certificate.ts";
import { type FrontProxyConfig, frontProxyAuthenticator } from "../authentication/front-proxy.ts";
import { tokenReviewVerifier } from "../authentication/token-review.ts";
import { unionAuthenticator } from "../authentication/union.ts";
import { allowedPathsAuthorizer, mastersAuthorizer } from "../authorization/standing.ts";
import { subjectAccessReviewAuthorizer } from "../authorization/subject-access-review.ts";
import { unionAuthorizer } from "../authorization/union.ts";
import type { ResourceClient, ResourceType } from "../client/client.ts";
import { gatedClient } from "../client/gated-client.ts";
import { type KubeClient, loadKubeClient } from "../client/kube-client.ts";
import { verticalPodAutoscalerType } from "../client/resource-types.ts";
import { isNotFound } from "../errors/status-error.ts";
import { systemClock } from "../machinery/clock.ts";
import { hostRequestMetrics, reviewMetrics } from "../observability/host-metrics.ts";
import type { Logger } from "../observability/log.ts";
import { ApiServiceRegistration, type ServiceReference } from "../registration/api-service.ts";
import { conflictingDefinitions, definitionsWarning } from "../registration/custom-resource-definitions.ts";
import { ClusterPresence } from "../registration/presence.ts";
import { defaultLifetimes, type Lifetimes } from "../registration/serving-certificate.ts";
import { ServingSecret } from "../registration/serving-secret.ts";
import { computeResources } from "../registry/compute/resources.ts";
import { configMapMemory } from "./config-map-memory.ts";
import { namespacedName, type Options } from "./options.ts";
import { ensureServingCertificate } from "./pki.ts";
import { type Election, type Foundation, type FoundationParts, selectControllers } from "./profile.ts";
import { readBundle } from "./read-bundle.ts";
import { fixedTls, type ServingTls, tlsFromFiles, tlsFromPresence } from "./serving-tls.ts";
import { readSettings } from "./settings.ts";
import { pkiDirectory } from "./standalone.ts";

/** Where a pod finds the namespace it runs in. */
const namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/** Of `deploy/base`. */
const defaultNamespace = "functionmesh-system";
const everyAddress = "0.0.0.0";

/** @param lifetimes of the serving certificate that replicas make and share */
export async function aggregatedFoundation(
  { options, metrics, log, signal }: FoundationParts,
  lifetimes: Lifetimes = defaultLifetimes,
): Promise<Foundation> {
  const settings = await readSettings(options);
  const { registry, budget } = metrics;
  const onAnswer = hostRequestMetrics(registry, budget);
  const clients = new Map<string, Promise<KubeClient>>();
  const clientOf = (kubeconfig: string): Promise<KubeClient> => {
    const known = clients.get(kubeconfig) ?? loadKubeClient({ onAnswer, ...(kubeconfig === "" ? {} : { kubeconfig }) });
    clients.set(kubeconfig, known);
    return known;
  };
  const [cluster, authentication, authorization] = await Promise.all(
    [options.kubeconfig, options.authenticationKubeconfig, options.authorizationKubeconfig].map(clientOf),
  );
  if (cluster === undefined || authentication === undefined || authorization === undefined)
    throw new Error("no host cluster");
  const service = { namespace: await serviceNamespace(options), name: options.serviceName, port: options.servicePort };
  const servingTls = await servingCertificate({ options, service, host: cluster, lifetimes, log, signal });
  const onError = (err: unknown): void => log.warn({ err }, "the host's authentication configuration makes no sense");
  const follow = followByInformer({ clock: systemClock, log });
  const listeners: (() => void)[] = [];
  const onChange = (): void => {
    for (const listener of listeners) listener();
  };
  const followed = await followAuthenticationConfig(authentication, { follow, signal, onError, onChange });
  const [given, verticalPodAutoscaling] = await Promise.all([
    givenAuthentication(options),
    servesType(cluster, verticalPodAutoscalerType),
  ]);
  const frontProxy = (): FrontProxyConfig => given.frontProxy ?? followed().frontProxy;
  const clientCaBundle = (): string => given.clientCaBundle ?? followed().clientCaBundle;
  const proxyCaBundle = (): string => frontProxy().caBundle;
  void servingTls.attend(onChange, signal);
  const clientCas = (): string => `${clientCaBundle()}\n${proxyCaBundle()}`;
  return {
    storeMemory: configMapMemory(cluster, namespacedName(options.storeMemory)),
    refusesAtStart: false,
    profile: async ({ own, refusal }) => {
      const host = gatedClient(cluster, refusal);
      return {
        definitions: computeResources,
        reviews: [],
        admission: [new ResourceQuota(cluster, follow, signal)],
        tls: () => ({ ...servingTls.current(), clientCas: clientCas() }),
        onTlsChange: (listener) => void listeners.push(listener),
        ...(options.leaderElect ? { election: electionOf(cluster, options, service.namespace) } : {}),
        bindAddress: options.bindAddress === "" ? everyAddress : options.bindAddress,
        authenticator: unionAuthenticator([
          frontProxyAuthenticator({ config: frontProxy, others: clientCaBundle }),
          clientCertificateAuthenticator({ bundle: clientCaBundle, others: proxyCaBundle }),
          bearerTokenAuthenticator(
            cachedTokenVerifier(
              tokenReviewVerifier({ client: authentication, onAnswer: reviewMetrics(registry, budget, "authn") }),
            ),
          ),
        ]),
        frontProxy,
        authorizer: unionAuthorizer([
          mastersAuthorizer,
          allowedPathsAuthorizer(),
          subjectAccessReviewAuthorizer({ client: authorization, onAnswer: reviewMetrics(registry, budget, "authz") }),
        ]),
        host,
        prepare: () => tellOfDefinitions(host, log, signal),
        controllers: (parts) =>
          selectControllers(
            computeControllers({
              compute: own,
              workloads: host,
              computeInformers: parts.own,
              workloadInformers: parts.host,
              verticalPodAutoscaling,
              recorder: parts.events,
              settings,
              clock: systemClock,
              log,
              metrics: parts.metrics,
              concurrentSyncs: options.concurrentSyncs,
            }),
            options.controllers,
          ),
      };
    },
  };
}

/** Vertical autoscalers are an add-on that a cluster may lack. */
async function servesType(client: ResourceClient, type: ResourceType): Promise<boolean> {
  try {
    await client.list(type, { limit: 1 });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Those who may not list definitions are not told, and nothing else depends on it. */
async function tellOfDefinitions(host: ResourceClient, log: Logger, signal: AbortSignal): Promise<void> {
  try {
    const names = await conflictingDefinitions(host, signal);
    if (names.length > 0) log.warn({ definitions: names }, definitionsWarning(names));
  } catch (err) {
    log.debug({ err }, "cannot look for CustomResourceDefinitions");
  }
}

async function serviceNamespace({ serviceNamespace: given }: Options): Promise<string> {
  if (given !== "") return given;
  return readFile(namespaceFile, "utf8").then(
    (text) => text.trim(),
    () => defaultNamespace,
  );
}

async function servingCertificate(parts: {
  readonly options: Options;
  readonly service: ServiceReference;
  readonly host: ResourceClient;
  readonly lifetimes: Lifetimes;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<ServingTls> {
  const { options, service, host, lifetimes, log, signal } = parts;
  const { tlsCertFile, tlsPrivateKeyFile, servingCertSecret } = options;
  if (tlsCertFile !== "") return tlsFromFiles(tlsCertFile, tlsPrivateKeyFile, log);
  const domain = `${service.name}.${service.namespace}.svc`;
  const names = [domain, `${domain}.cluster.local`, ...options.tlsSan];
  if (servingCertSecret === "") {
    const { serving } = await ensureServingCertificate(pkiDirectory(options.dataDir), {
      names,
      onNotice: (sentence) => log.warn({}, sentence),
    });
    return fixedTls({ cert: serving.certificate, key: serving.key });
  }
  const secret = new ServingSecret({
    client: host,
    namespace: service.namespace,
    name: servingCertSecret,
    names,
    now: systemClock.now,
    lifetimes,
    onStep: (why) =>
      log.info({ secret: `${service.namespace}/${servingCertSecret}`, why }, "serving certificates changed"),
  });
  const registration = new ApiServiceRegistration(host, service);
  const presence = new ClusterPresence({ secret, registration, register: options.registerApiService, log });
  return tlsFromPresence(presence, { lookMs: lifetimes.lookMs, log, signal });
}

const electionOf = (client: ResourceClient, options: Options, namespace: string): Election => ({
  client,
  namespace,
  name: options.leaderElectResourceName,
  times: {
    leaseDurationMs: options.leaderElectLeaseDuration,
    renewDeadlineMs: options.leaderElectRenewDeadline,
    retryPeriodMs: options.leaderElectRetryPeriod,
  },
});

/** What options say instead of the host cluster's ConfigMap. */
async function givenAuthentication(
  options: Options,
): Promise<{ readonly clientCaBundle?: string; readonly frontProxy?: FrontProxyConfig }> {
  const lower = (names: readonly string[]): readonly string[] => names.map((name) => name.toLowerCase());
  return {
    ...(options.clientCaFile === ""
      ? {}
      : { clientCaBundle: await readBundle("client-ca-file", options.clientCaFile) }),
    ...(options.requestheaderClientCaFile === ""
      ? {}
      : {
          frontProxy: {
            caBundle: await readBundle("requestheader-client-ca-file", options.requestheaderClientCaFile),
            allowedNames: options.requestheaderAllowedNames,
            usernameHeaders: lower(options.requestheaderUsernameHeaders),
            uidHeaders: lower(options.requestheaderUidHeaders),
            groupHeaders: lower(options.requestheaderGroupHeaders),
            extraHeaderPrefixes: lower(options.requestheaderExtraHeadersPrefix),
          },
        }),
  };
}
