/**
 * The clean-up Job of a workload whose namespace is being deleted: such a namespace takes no Job, so it runs in one of the
 * installation's. Nothing of the tenant's runs there: the image, the account and the security context are the installation's,
 * and of the namespace's ConfigMap and Secrets it has what Pulsar's tools read, and no more. Pure.
 */
import type { EnvVar, Volume, VolumeMount } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import type { Settings } from "../settings.ts";
import { cleanupJobSpec, cleanupSteps, containerName, ownerLabel } from "./cleanup-job.ts";
import { shellCommand } from "./command/shell.ts";
import { hardened } from "./container.ts";
import { componentLabels } from "./labels.ts";
import { completed, some } from "./pod-template.ts";
import type { SecretFile } from "./pulsar-access.ts";
import type { Workload } from "./workload.ts";

/** How Pulsar is reached, as the namespace says it. Secret values are in base64, as Secrets have them. */
export type Connection = {
  readonly variables: { readonly [name: string]: string };
  readonly secretVariables: { readonly [name: string]: string };
  readonly files: readonly { readonly file: SecretFile; readonly content: string }[];
};

/** Variables that Pulsar's tools are told by: any other would be a tenant's in a pod of the installation. */
export const knownVariables: ReadonlySet<string> = new Set([
  ...["webServiceURL", "brokerServiceURL", "clientAuthenticationPlugin", "clientAuthenticationParameters"],
  ...["tlsAllowInsecureConnection", "tlsHostnameVerificationEnable"],
]);

/** A JVM that asks a server for a few things. */
const resources = { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "512Mi" } };

export const remoteCleanupName = ({ uid }: Pick<Workload, "uid">): string => `cleanup-${uid}`;
const fileKey = (index: number): string => `file-${index}`;

/** Suspended: it is prepared while the namespace can still be read, and started when the workload has stopped. */
export function remoteCleanupJob(
  workload: Workload,
  connection: Connection,
  settings: Settings,
  namespace: string,
): KubeObject {
  const name = remoteCleanupName(workload);
  const { fallbackImage: image, imagePullPolicy, imagePullSecrets } = settings;
  const labels = { ...componentLabels(workload), [ownerLabel]: workload.uid };
  const container = {
    name: containerName,
    image,
    imagePullPolicy,
    command: shellCommand("sh", cleanupSteps(workload, { image })),
    env: environment(connection, name),
    resources,
    volumeMounts: mounts(connection),
    securityContext: hardened(),
  };
  const template = completed(
    {
      metadata: { labels: { [ownerLabel]: workload.uid }, annotations: {} },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        imagePullSecrets: some(imagePullSecrets.map((secret) => ({ name: secret }))),
        containers: [container],
        volumes: some(volumes(connection, name)),
      },
    },
    { ...settings, runAsNonRoot: true },
  );
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace, labels },
    spec: { ...cleanupJobSpec(template, settings), suspend: true },
  };
}

/** What of the connection is secret; it goes with its Job. Absent when nothing is. */
export function remoteCleanupSecret(job: KubeObject, { secretVariables, files }: Connection): KubeObject | undefined {
  const { name = "", namespace = "", uid = "" } = job.metadata;
  const data = {
    ...secretVariables,
    ...Object.fromEntries(files.map(({ content }, index) => [fileKey(index), content])),
  };
  if (Object.keys(data).length === 0) return undefined;
  const ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name, uid }];
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, ownerReferences }, type: "Opaque", data };
}

function environment({ variables, secretVariables }: Connection, secret: string): EnvVar[] {
  return [
    ...Object.entries(variables).map(([name, value]) => ({ name, value })),
    ...Object.keys(secretVariables).map((name) => ({
      name,
      valueFrom: { secretKeyRef: { name: secret, key: name } },
    })),
  ];
}

const mounts = ({ files }: Connection): VolumeMount[] =>
  files.map(({ file }, index) => ({ name: fileKey(index), mountPath: file.mountPath, readOnly: true }));

const volumes = ({ files }: Connection, secretName: string): Volume[] =>
  files.map(({ file }, index) => ({
    name: fileKey(index),
    secret: { secretName, items: [{ key: fileKey(index), path: file.key }] },
  }));
