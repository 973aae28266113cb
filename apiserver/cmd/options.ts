/**
 * Every option, a row each: `--help`, the README's table and the parser read the same rows. A row has one name on the
 * command line (kube-apiserver's own where it has one) and one in the environment; the command line wins.
 */

import { limits } from "../limits.ts";
import { parseGoDuration } from "../machinery/go-duration.ts";
import type { LogLevel } from "../observability/log.ts";

/** The ways to run, and what else the program can do. */
export const commands = ["standalone", "serve", "kubeconfig", "accept-store", "export", "import"] as const;
export type Command = (typeof commands)[number];

type Parsed<T> = { readonly value: T } | { readonly problem: string };
type Parser<T> = (text: string) => Parsed<T>;
export type Row<T> = {
  readonly flag: string;
  readonly commands: readonly Command[];
  readonly parse: Parser<T>;
  readonly default: T;
  /** How the default is shown; needed when it is not a text of its own. */
  readonly shown?: string;
  /** What stands for the value in the help. */
  readonly value: string;
  readonly help: string;
};

const text: Parser<string> = (given) => ({ value: given });
const list: Parser<readonly string[]> = (given) => ({ value: given.split(",").filter((part) => part !== "") });
const flagValue: Parser<boolean> = (given) =>
  given === "true" || given === ""
    ? { value: true }
    : given === "false"
      ? { value: false }
      : { problem: "must be true or false" };

const integer =
  (min: number, max: number): Parser<number> =>
  (given) => {
    const value = Number(given);
    return /^\d+$/.test(given) && value >= min && value <= max
      ? { value }
      : { problem: `must be a whole number from ${min} to ${max}` };
  };

const namespaceAndName: Parser<string> = (given) =>
  /^[^/]+\/[^/]+$/.test(given) ? { value: given } : { problem: "must be NAMESPACE/NAME" };

export function namespacedName(text: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = text.split("/");
  return { namespace, name };
}

const duration: Parser<number> = (given) => {
  const value = parseGoDuration(given);
  return value !== undefined && value >= 0 ? { value } : { problem: "must be a duration such as 500ms, 30s or 1m30s" };
};

const oneOf =
  <T extends string>(...choices: readonly T[]): Parser<T> =>
  (given) => {
    const value = choices.find((choice) => choice === given);
    return value === undefined ? { problem: `must be one of ${choices.join(", ")}` } : { value };
  };

const seconds = (n: number): number => n * 1000;
const running: readonly Command[] = ["standalone", "serve"];
const aggregated: readonly Command[] = ["serve"];
const backups: readonly Command[] = ["export", "import"];
const withStore: readonly Command[] = [...running, ...backups];
const withDirectory: readonly Command[] = ["standalone", "serve", "kubeconfig"];

function option<T>(row: Row<T>): Row<T> {
  return row;
}

export const rows = {
  bindAddress: option({
    flag: "bind-address",
    commands: running,
    parse: text,
    default: "",
    shown: "127.0.0.1 standalone, 0.0.0.0 serve",
    value: "ADDRESS",
    help: "Address to listen on.",
  }),
  securePort: option({
    flag: "secure-port",
    commands: withDirectory,
    parse: integer(0, 65_535),
    default: 6443,
    value: "PORT",
    help: "Port of the HTTPS listener; 0 takes a free one.",
  }),
  dataDir: option({
    flag: "data-dir",
    commands: [...withDirectory, "accept-store", ...backups],
    parse: text,
    default: ".functionmesh",
    value: "DIR",
    help: "Directory of the embedded store and of the server's own certificates.",
  }),
  etcdServers: option({
    flag: "etcd-servers",
    commands: withStore,
    parse: list,
    default: [],
    shown: "none: embedded SQLite",
    value: "URLS",
    help: "Comma-separated URLs of the etcd to store objects in.",
  }),
  etcdPrefix: option({
    flag: "etcd-prefix",
    commands: withStore,
    parse: text,
    default: "",
    value: "PREFIX",
    help: "Put in front of every key in etcd.",
  }),
  etcdCaFile: option({
    flag: "etcd-cafile",
    commands: withStore,
    parse: text,
    default: "",
    value: "FILE",
    help: "CA bundle that etcd's certificate is checked against.",
  }),
  etcdCertFile: option({
    flag: "etcd-certfile",
    commands: withStore,
    parse: text,
    default: "",
    value: "FILE",
    help: "Client certificate shown to etcd.",
  }),
  etcdKeyFile: option({
    flag: "etcd-keyfile",
    commands: withStore,
    parse: text,
    default: "",
    value: "FILE",
    help: "Key of that certificate.",
  }),
  etcdUsername: option({
    flag: "etcd-username",
    commands: withStore,
    parse: text,
    default: "",
    value: "NAME",
    help: "User of etcd, where it asks for one beside or instead of a certificate.",
  }),
  etcdPasswordFile: option({
    flag: "etcd-password-file",
    commands: withStore,
    parse: text,
    default: "",
    value: "FILE",
    help: "File with that user's password.",
  }),
  etcdCompactionInterval: option({
    flag: "etcd-compaction-interval",
    commands: running,
    parse: duration,
    default: seconds(300),
    shown: "5m",
    value: "DURATION",
    help: "How often history is compacted to what was current one interval before; watches and pages older than that expire.",
  }),
  writeKubeconfig: option({
    flag: "write-kubeconfig",
    commands: ["standalone", "kubeconfig"],
    parse: text,
    default: "",
    shown: "<data-dir>/kubeconfig standalone, <data-dir>/<user>.kubeconfig kubeconfig",
    value: "FILE",
    help: "Where the kubeconfig is written.",
  }),
  tlsCertFile: option({
    flag: "tls-cert-file",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "self-made",
    value: "FILE",
    help: "Serving certificate, with intermediates.",
  }),
  tlsPrivateKeyFile: option({
    flag: "tls-private-key-file",
    commands: aggregated,
    parse: text,
    default: "",
    value: "FILE",
    help: "Key of the serving certificate.",
  }),
  tlsSan: option({
    flag: "tls-san",
    commands: running,
    parse: list,
    default: [],
    value: "NAMES",
    help: "Further names and addresses in the self-made serving certificate.",
  }),
  clientCaFile: option({
    flag: "client-ca-file",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "the host cluster's",
    value: "FILE",
    help: "CA bundle of client certificates.",
  }),
  requestheaderClientCaFile: option({
    flag: "requestheader-client-ca-file",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "the host cluster's",
    value: "FILE",
    help: "CA bundle of front proxies whose identity headers are believed.",
  }),
  requestheaderAllowedNames: option({
    flag: "requestheader-allowed-names",
    commands: aggregated,
    parse: list,
    default: [],
    shown: "the host cluster's",
    value: "NAMES",
    help: "Common names a front proxy's certificate may have.",
  }),
  requestheaderUsernameHeaders: option({
    flag: "requestheader-username-headers",
    commands: aggregated,
    parse: list,
    default: ["X-Remote-User"],
    value: "HEADERS",
    help: "Headers with the user's name.",
  }),
  requestheaderGroupHeaders: option({
    flag: "requestheader-group-headers",
    commands: aggregated,
    parse: list,
    default: ["X-Remote-Group"],
    value: "HEADERS",
    help: "Headers with the user's groups.",
  }),
  requestheaderUidHeaders: option({
    flag: "requestheader-uid-headers",
    commands: aggregated,
    parse: list,
    default: ["X-Remote-Uid"],
    value: "HEADERS",
    help: "Headers with the user's uid.",
  }),
  requestheaderExtraHeadersPrefix: option({
    flag: "requestheader-extra-headers-prefix",
    commands: aggregated,
    parse: list,
    default: ["X-Remote-Extra-"],
    value: "PREFIXES",
    help: "Prefixes of headers with further facts about the user.",
  }),
  kubeconfig: option({
    flag: "kubeconfig",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "in-cluster",
    value: "FILE",
    help: "Host cluster in which the controllers run workloads.",
  }),
  authenticationKubeconfig: option({
    flag: "authentication-kubeconfig",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "in-cluster",
    value: "FILE",
    help: "Host cluster that is asked who a token belongs to, and that names the front proxy's CA.",
  }),
  authorizationKubeconfig: option({
    flag: "authorization-kubeconfig",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "in-cluster",
    value: "FILE",
    help: "Host cluster that is asked what a user may do.",
  }),
  serviceName: option({
    flag: "service-name",
    commands: aggregated,
    parse: text,
    default: "functionmesh",
    value: "NAME",
    help: "Service that the host's kube-apiserver reaches this server through.",
  }),
  serviceNamespace: option({
    flag: "service-namespace",
    commands: aggregated,
    parse: text,
    default: "",
    shown: "its pod's, functionmesh-system outside one",
    value: "NAMESPACE",
    help: "Namespace of that Service and of what the server keeps in the host cluster.",
  }),
  servicePort: option({
    flag: "service-port",
    commands: aggregated,
    parse: integer(1, 65_535),
    default: 443,
    value: "PORT",
    help: "Port of that Service.",
  }),
  servingCertSecret: option({
    flag: "serving-cert-secret",
    commands: aggregated,
    parse: text,
    default: "",
    value: "NAME",
    help: "Secret in which replicas share a serving certificate that they make and renew themselves.",
  }),
  registerApiService: option({
    flag: "register-apiservice",
    commands: aggregated,
    parse: flagValue,
    default: false,
    value: "BOOL",
    help: "Register with the host cluster, and keep the CA of the shared serving certificate there.",
  }),
  leaderElect: option({
    flag: "leader-elect",
    commands: aggregated,
    parse: flagValue,
    default: false,
    value: "BOOL",
    help: "Let one of several replicas run the controllers, by a Lease in the host cluster.",
  }),
  leaderElectResourceName: option({
    flag: "leader-elect-resource-name",
    commands: aggregated,
    parse: text,
    default: "function-mesh-controller-manager",
    value: "NAME",
    help: "Name of that Lease.",
  }),
  leaderElectLeaseDuration: option({
    flag: "leader-elect-lease-duration",
    commands: aggregated,
    parse: duration,
    default: seconds(15),
    shown: "15s",
    value: "DURATION",
    help: "How long others wait for a leader that is silent.",
  }),
  leaderElectRenewDeadline: option({
    flag: "leader-elect-renew-deadline",
    commands: aggregated,
    parse: duration,
    default: seconds(10),
    shown: "10s",
    value: "DURATION",
    help: "How long a leader that cannot renew goes on; less than the lease's duration.",
  }),
  leaderElectRetryPeriod: option({
    flag: "leader-elect-retry-period",
    commands: aggregated,
    parse: duration,
    default: seconds(2),
    shown: "2s",
    value: "DURATION",
    help: "Time between attempts to get or renew the Lease; less than the deadline.",
  }),
  http2: option({
    flag: "http2",
    commands: running,
    parse: flagValue,
    default: true,
    shown: "true",
    value: "BOOL",
    help: "Offer HTTP/2 beside HTTP/1.1.",
  }),
  http2MaxStreams: option({
    flag: limits.maxHttp2Streams.option,
    commands: running,
    parse: integer(1, 2 ** 31 - 1),
    default: limits.maxHttp2Streams.value,
    value: "N",
    help: "Most requests at once on one connection of HTTP/2.",
  }),
  storeMemory: option({
    flag: "store-memory",
    commands: aggregated,
    parse: namespaceAndName,
    default: "functionmesh-system/functionmesh-store",
    value: "NAMESPACE/NAME",
    help: "ConfigMap of the host cluster that remembers which store this installation uses, and how far it had come.",
  }),
  requestTimeout: option({
    flag: "request-timeout",
    commands: running,
    parse: duration,
    default: seconds(60),
    shown: "1m",
    value: "DURATION",
    help: "Longest time any request but a watch may take.",
  }),
  minRequestTimeout: option({
    flag: "min-request-timeout",
    commands: running,
    parse: duration,
    default: seconds(1800),
    shown: "30m",
    value: "DURATION",
    help: "Shortest life of a watch that names no timeout; the longest is twice that.",
  }),
  maxReplicas: option({
    flag: "max-replicas",
    commands: running,
    parse: integer(1, 2 ** 31 - 1),
    default: limits.maxReplicas.value,
    value: "N",
    help: "Most pods that one number of an object may ask for, such as replicas; more is refused with 422.",
  }),
  maxRequestsInflight: option({
    flag: limits.maxRequestsInFlight.option,
    commands: running,
    parse: integer(0, 100_000),
    default: limits.maxRequestsInFlight.value,
    value: "N",
    help: "Reads served at once before more wait for their turn; a tenth of them for one user; 0 is no limit.",
  }),
  maxMutatingRequestsInflight: option({
    flag: limits.maxMutatingRequestsInFlight.option,
    commands: running,
    parse: integer(0, 100_000),
    default: limits.maxMutatingRequestsInFlight.value,
    value: "N",
    help: "The same of writes.",
  }),
  shutdownDelayDuration: option({
    flag: "shutdown-delay-duration",
    commands: running,
    parse: duration,
    default: 0,
    shown: "0",
    value: "DURATION",
    help: "How long /readyz fails before a stopping server refuses connections.",
  }),
  controllers: option({
    flag: "controllers",
    commands: running,
    parse: list,
    default: ["*"],
    value: "NAMES",
    help: "Controllers to run: * is all of them, -NAME leaves one out.",
  }),
  concurrentSyncs: option({
    flag: "concurrent-syncs",
    commands: running,
    parse: integer(1, 1000),
    default: 16,
    value: "N",
    help: "Objects of one kind that are reconciled at once.",
  }),
  enableInitContainers: option({
    flag: "enable-init-containers",
    commands: running,
    parse: flagValue,
    default: false,
    value: "BOOL",
    help: "Download packages in an init container instead of the main one.",
  }),
  addDefaultAffinity: option({
    flag: "add-default-affinity",
    commands: running,
    parse: flagValue,
    default: true,
    value: "BOOL",
    help: "Prefer to spread the pods of a workload over nodes.",
  }),
  pauseRollout: option({
    flag: "pause-rollout",
    commands: running,
    parse: flagValue,
    default: false,
    value: "BOOL",
    help: "Hold back changes of workloads that no change of their object asked for.",
  }),
  maxConcurrentRollouts: option({
    flag: "max-concurrent-rollouts",
    commands: running,
    parse: integer(0, 100_000),
    default: 10,
    value: "N",
    help: "Workloads that a change which concerns many of them may restart at once; 0 is all. One that fails stops its own namespace, as many as this all.",
  }),
  readinessProbe: option({
    flag: "readiness-probe",
    commands: running,
    parse: flagValue,
    default: false,
    value: "BOOL",
    help: "Give pods a readiness probe: ready once their instance runs, not when their container does.",
  }),
  lastLogLines: option({
    flag: "last-log-lines",
    commands: running,
    parse: flagValue,
    default: false,
    value: "BOOL",
    help: "Keep the end of the log of a container that failed (terminationMessagePolicy): its last line is in the status.",
  }),
  globalBackendConfig: option({
    flag: "global-backend-config",
    commands: running,
    parse: text,
    default: "",
    value: "NAME",
    help: "BackendConfig that applies to all workloads.",
  }),
  globalBackendConfigNamespace: option({
    flag: "global-backend-config-namespace",
    commands: running,
    parse: text,
    default: "default",
    value: "NAMESPACE",
    help: "Its namespace.",
  }),
  namespacedBackendConfig: option({
    flag: "namespaced-backend-config",
    commands: running,
    parse: text,
    default: "backend-config",
    value: "NAME",
    help: "BackendConfig that applies to the workloads of its own namespace.",
  }),
  cleanupNamespace: option({
    flag: "cleanup-namespace",
    commands: running,
    parse: text,
    default: "",
    shown: "none; standalone kube-system",
    value: "NAMESPACE",
    help: "Where clean-up Jobs of workloads run whose own namespace is being deleted.",
  }),
  configFile: option({
    flag: "config-file",
    commands: running,
    parse: text,
    default: "",
    value: "FILE",
    help: "YAML with default images, pull secrets and policy, and labels and annotations of pods.",
  }),
  logLevel: option<LogLevel>({
    flag: "log-level",
    commands: running,
    parse: oneOf("debug", "info", "warn", "error"),
    default: "info",
    value: "LEVEL",
    help: "Least severe level that is logged: debug, info, warn or error.",
  }),
  file: option({
    flag: "file",
    commands: backups,
    parse: text,
    default: "",
    value: "FILE",
    help: "Backup to write or to read; must be given.",
  }),
  user: option({
    flag: "user",
    commands: ["kubeconfig"],
    parse: text,
    default: "",
    value: "NAME",
    help: "User the kubeconfig is for, as roles are bound to it; must be given.",
  }),
  groups: option({
    flag: "groups",
    commands: ["kubeconfig"],
    parse: list,
    default: [],
    value: "NAMES",
    help: "Groups of that user.",
  }),
};

type Rows = typeof rows;
export type OptionName = keyof Rows;
/** Every option's value; frozen. Durations are in ms. */
export type Options = { readonly [Name in OptionName]: Rows[Name] extends Row<infer T> ? T : never };

/** Options that say nothing one without the other. */
export const pairs: readonly (readonly [OptionName, OptionName])[] = [
  ["tlsCertFile", "tlsPrivateKeyFile"],
  ["etcdCertFile", "etcdKeyFile"],
];
/** Options without which a command has nothing to do. */
export const needed: { readonly [C in Command]?: readonly OptionName[] } = {
  kubeconfig: ["user"],
  export: ["file"],
  import: ["file"],
};
