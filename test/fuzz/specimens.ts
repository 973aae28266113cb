/**
 * Specs in which every field that a cluster judges is set, and set soundly: what one wrong value in them comes to is that
 * value's doing alone.
 */
import type { JsonObject } from "../../apiserver/apis/meta/v1.ts";
import { aSpec, type WorkloadKind } from "../support/workloads.ts";

export type Specimen = { readonly name: string; readonly kind: WorkloadKind; readonly spec: JsonObject };

const labelSelector: JsonObject = {
  matchLabels: { tier: "front" },
  matchExpressions: [
    { key: "zone", operator: "In", values: ["a", "b"] },
    { key: "pool", operator: "NotIn", values: ["c"] },
    { key: "gone", operator: "DoesNotExist" },
    { key: "here", operator: "Exists" },
  ],
};
const podTerm: JsonObject = {
  topologyKey: "kubernetes.io/hostname",
  labelSelector,
  namespaceSelector: labelSelector,
  namespaces: ["other"],
  matchLabelKeys: ["revision"],
  mismatchLabelKeys: ["tenant"],
};
const podAffinity: JsonObject = {
  requiredDuringSchedulingIgnoredDuringExecution: [podTerm],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: podTerm }],
};
const nodeTerm: JsonObject = {
  matchExpressions: [
    { key: "zone", operator: "In", values: ["a", "b"] },
    { key: "pool", operator: "NotIn", values: ["c"] },
    { key: "gone", operator: "DoesNotExist" },
    { key: "here", operator: "Exists" },
    { key: "cores", operator: "Gt", values: ["4"] },
    { key: "age", operator: "Lt", values: ["9"] },
  ],
  matchFields: [{ key: "metadata.name", operator: "In", values: ["node-1"] }],
};

const scheduling: JsonObject = {
  labels: { team: "words" },
  annotations: { "example.org/note": "any text" },
  nodeSelector: { "kubernetes.io/arch": "amd64" },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: nodeTerm }],
    },
    podAffinity,
    podAntiAffinity: podAffinity,
  },
  tolerations: [
    { key: "dedicated", operator: "Equal", value: "words", effect: "NoSchedule" },
    { key: "flaky", operator: "Exists", effect: "NoExecute", tolerationSeconds: 60 },
    { operator: "Exists" },
  ],
  terminationGracePeriodSeconds: 40,
  serviceAccountName: "runner",
  imagePullSecrets: [{ name: "registry" }],
};

const windowsOptions: JsonObject = {
  gmsaCredentialSpec: "{}",
  gmsaCredentialSpecName: "spec",
  runAsUserName: "user",
  hostProcess: false,
};
const seLinuxOptions: JsonObject = { level: "s0", role: "r", type: "t", user: "u" };
const localProfile: JsonObject = { type: "Localhost", localhostProfile: "profiles/a.json" };

const security: JsonObject = {
  securityContext: {
    appArmorProfile: localProfile,
    fsGroup: 10,
    fsGroupChangePolicy: "OnRootMismatch",
    runAsGroup: 10,
    runAsNonRoot: true,
    runAsUser: 10,
    seLinuxChangePolicy: "MountOption",
    seLinuxOptions,
    seccompProfile: localProfile,
    supplementalGroups: [11, 12],
    supplementalGroupsPolicy: "Merge",
    sysctls: [{ name: "net.ipv4.tcp_syncookies", value: "1" }],
    windowsOptions,
  },
  sidecars: [
    {
      name: "linux",
      image: "a:1",
      securityContext: {
        allowPrivilegeEscalation: false,
        appArmorProfile: localProfile,
        capabilities: { add: ["NET_ADMIN"], drop: ["ALL"] },
        privileged: false,
        procMount: "Default",
        readOnlyRootFilesystem: true,
        runAsGroup: 10,
        runAsNonRoot: true,
        runAsUser: 10,
        seLinuxOptions,
        seccompProfile: localProfile,
        windowsOptions,
      },
    },
    {
      name: "default",
      image: "a:1",
      securityContext: { seccompProfile: { type: "RuntimeDefault" }, appArmorProfile: { type: "Unconfined" } },
    },
  ],
};

const env: JsonObject[] = [
  { name: "PLAIN", value: "a" },
  { name: "OF_POD", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels['team']" } } },
  { name: "OF_FIELD", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
  { name: "OF_SECRET", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: true } } },
  { name: "OF_CONFIG", valueFrom: { configMapKeyRef: { name: "c", key: "k", optional: true } } },
  {
    name: "OF_RESOURCE",
    valueFrom: { resourceFieldRef: { containerName: "full", resource: "limits.cpu", divisor: "1m" } },
  },
];
const timing: JsonObject = { initialDelaySeconds: 1, timeoutSeconds: 2, periodSeconds: 3, failureThreshold: 4 };
const httpGet: JsonObject = {
  host: "example.org",
  path: "/ready",
  port: 8080,
  scheme: "HTTPS",
  httpHeaders: [{ name: "X-Probe", value: "yes" }],
};
const containers: JsonObject = {
  env,
  terminationGracePeriodSeconds: 40,
  liveness: { periodSeconds: 10, initialDelaySeconds: 1, successThreshold: 1, failureThreshold: 3 },
  startupProbe: { exec: { command: ["true"] }, ...timing, successThreshold: 1, terminationGracePeriodSeconds: 5 },
  volumes: [
    { name: "files", emptyDir: {} },
    { name: "block", persistentVolumeClaim: { claimName: "block" } },
  ],
  sidecars: [
    {
      name: "full",
      image: "example.org/a:1",
      imagePullPolicy: "IfNotPresent",
      command: ["sh"],
      args: ["-c", "true"],
      workingDir: "/work",
      env,
      envFrom: [
        { prefix: "A_", configMapRef: { name: "c", optional: true } },
        { secretRef: { name: "s", optional: true } },
      ],
      ports: [
        { name: "http", containerPort: 8080, hostPort: 8081, hostIP: "10.0.0.1", protocol: "TCP" },
        { name: "dns", containerPort: 53, protocol: "UDP" },
      ],
      resources: {
        requests: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi", "example.org/gpu": 1, "hugepages-2Mi": "4Mi" },
        limits: { cpu: "2", memory: "2Gi", "ephemeral-storage": "2Gi", "example.org/gpu": 1, "hugepages-2Mi": "4Mi" },
      },
      resizePolicy: [
        { resourceName: "cpu", restartPolicy: "NotRequired" },
        { resourceName: "memory", restartPolicy: "RestartContainer" },
      ],
      lifecycle: { postStart: { exec: { command: ["true"] } }, preStop: { sleep: { seconds: 5 } } },
      livenessProbe: { httpGet, ...timing, successThreshold: 1, terminationGracePeriodSeconds: 5 },
      readinessProbe: { tcpSocket: { host: "example.org", port: "http" }, ...timing, successThreshold: 2 },
      startupProbe: { grpc: { port: 9000, service: "health" }, ...timing, successThreshold: 1 },
      stdin: true,
      stdinOnce: true,
      tty: true,
      terminationMessagePath: "/dev/end",
      terminationMessagePolicy: "FallbackToLogsOnError",
      volumeMounts: [
        { name: "files", mountPath: "/files", subPath: "a/b", mountPropagation: "HostToContainer", readOnly: false },
        { name: "files", mountPath: "/named", subPathExpr: "$(PLAIN)", readOnly: true, recursiveReadOnly: "Disabled" },
      ],
      volumeDevices: [{ name: "block", devicePath: "/dev/block" }],
    },
    {
      name: "hooks",
      image: "a",
      lifecycle: { postStart: { httpGet }, preStop: { tcpSocket: { host: "example.org", port: 80 } } },
    },
  ],
  initContainers: [
    { name: "first", image: "a", command: ["true"], env: [{ name: "A" }], resources: { requests: { cpu: "1" } } },
    {
      name: "beside",
      image: "a",
      restartPolicy: "Always",
      startupProbe: { exec: { command: ["true"] } },
      resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }],
    },
  ],
};

const items: JsonObject[] = [{ key: "k", path: "dir/file", mode: 0o440 }];
const podFiles: JsonObject[] = [
  { path: "labels", fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels" }, mode: 0o440 },
  { path: "cpu", resourceFieldRef: { containerName: "pulsar-function", resource: "limits.memory", divisor: "1Mi" } },
];
const secretRef: JsonObject = { name: "s" };
const claimSpec: JsonObject = {
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "1Gi" }, limits: { storage: "2Gi" } },
  selector: labelSelector,
  storageClassName: "fast",
  volumeMode: "Filesystem",
  volumeName: "pv-1",
  volumeAttributesClassName: "gold",
};
const restored: JsonObject = {
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "1Gi" } },
  dataSource: { apiGroup: "snapshot.storage.k8s.io", kind: "VolumeSnapshot", name: "snap" },
};
const clonedFrom: JsonObject = {
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "1Gi" } },
  dataSourceRef: { kind: "PersistentVolumeClaim", name: "other" },
};
const populated: JsonObject = {
  accessModes: ["ReadWriteOnce"],
  resources: { requests: { storage: "1Gi" } },
  dataSourceRef: { apiGroup: "example.org", kind: "Populator", name: "other" },
};
const sources: readonly JsonObject[] = [
  { awsElasticBlockStore: { volumeID: "v", fsType: "ext4", partition: 1, readOnly: true } },
  {
    azureDisk: { diskName: "d", diskURI: "https://blob/d.vhd", kind: "Shared", cachingMode: "None", fsType: "ext4" },
  },
  { azureFile: { secretName: "s", shareName: "share", readOnly: true } },
  { cephfs: { monitors: ["m:1"], path: "/p", secretFile: "/f", secretRef, user: "u" } },
  { cinder: { volumeID: "v", fsType: "ext4", secretRef } },
  { configMap: { name: "c", items, defaultMode: 0o440, optional: true } },
  { csi: { driver: "csi.example.org", fsType: "ext4", nodePublishSecretRef: secretRef, volumeAttributes: { a: "b" } } },
  { downwardAPI: { items: podFiles, defaultMode: 0o440 } },
  { emptyDir: { medium: "Memory", sizeLimit: "1Gi" } },
  {
    ephemeral: {
      volumeClaimTemplate: { metadata: { labels: { a: "b" }, annotations: { a: "b" } }, spec: claimSpec },
    },
  },
  { fc: { targetWWNs: ["w"], lun: 2, fsType: "ext4" } },
  { fc: { wwids: ["w"] } },
  { flexVolume: { driver: "example.org/d", fsType: "ext4", options: { a: "b" }, secretRef } },
  { flocker: { datasetName: "d" } },
  { flocker: { datasetUUID: "u" } },
  { gcePersistentDisk: { pdName: "p", partition: 1, fsType: "ext4" } },
  { gitRepo: { repository: "https://example.org/r", revision: "main", directory: "d" } },
  { glusterfs: { endpoints: "e", path: "p" } },
  { hostPath: { path: "/data", type: "Directory" } },
  { image: { reference: "a:1", pullPolicy: "Always" } },
  {
    iscsi: {
      targetPortal: "10.0.0.1",
      iqn: "iqn.2001-04.com.example:a",
      lun: 0,
      initiatorName: "iqn.2001-04.com.example:b",
      iscsiInterface: "default",
      fsType: "ext4",
      portals: ["10.0.0.2"],
      chapAuthSession: true,
      chapAuthDiscovery: true,
      secretRef,
    },
  },
  { nfs: { server: "s", path: "/p" } },
  { persistentVolumeClaim: { claimName: "c", readOnly: true } },
  { photonPersistentDisk: { pdID: "p", fsType: "ext4" } },
  { portworxVolume: { volumeID: "v", fsType: "ext4" } },
  {
    projected: {
      defaultMode: 0o440,
      sources: [
        { configMap: { name: "c", items: [{ key: "k", path: "c", mode: 0o440 }], optional: true } },
        { secret: { name: "s", items: [{ key: "k", path: "s" }], optional: true } },
        { downwardAPI: { items: podFiles } },
        { serviceAccountToken: { path: "token", audience: "a", expirationSeconds: 3600 } },
      ],
    },
  },
  { quobyte: { registry: "r:1", volume: "v", user: "u", group: "g", tenant: "t" } },
  { rbd: { monitors: ["m"], image: "i", pool: "p", user: "u", keyring: "/k", fsType: "ext4", secretRef } },
  {
    scaleIO: {
      ...{ gateway: "g", system: "s", secretRef, volumeName: "v", storageMode: "ThinProvisioned" },
      ...{ fsType: "xfs", protectionDomain: "d", storagePool: "p", sslEnabled: true },
    },
  },
  { secret: { secretName: "s", items, defaultMode: 0o440, optional: true } },
  { storageos: { volumeName: "v", volumeNamespace: "n", fsType: "ext4", secretRef } },
  { vsphereVolume: { volumePath: "p", fsType: "ext4", storagePolicyID: "i", storagePolicyName: "n" } },
];
/** What a cluster may not have yet, behind its gates: dropped there in silence, or judged. */
const gated: JsonObject = {
  volumes: [
    { name: "files", emptyDir: { mode: 0o755 } },
    { name: "owned", configMap: { name: "c", defaultUser: 10, items: [{ key: "k", path: "f", user: 10 }] } },
    {
      name: "certificates",
      projected: {
        sources: [
          { clusterTrustBundle: { name: "bundle", path: "a.pem", optional: true } },
          { clusterTrustBundle: { signerName: "example.org/signer", labelSelector, path: "b.pem" } },
          {
            podCertificate: {
              ...{ signerName: "example.org/signer", keyType: "ED25519", maxExpirationSeconds: 7200 },
              ...{ keyPath: "key.pem", certificateChainPath: "chain.pem", userAnnotations: { "example.org/a": "b" } },
            },
          },
          { podCertificate: { signerName: "a.b/c", keyType: "RSA3072", credentialBundlePath: "bundle.pem" } },
        ],
      },
    },
  ],
  sidecars: [
    {
      name: "gated",
      image: "a",
      env: [{ name: "F", valueFrom: { fileKeyRef: { volumeName: "files", path: "a.env", key: "K", optional: true } } }],
      restartPolicy: "Never",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
      volumeMounts: [{ name: "files", mountPath: "/files", bindMountOptions: ["noexec"] }],
      livenessProbe: { grpc: { port: 1, mode: "TLS" } },
      readinessProbe: { httpGet: { port: 1, protocol: "HTTP2" } },
    },
    { name: "stops", image: "a", lifecycle: { stopSignal: "SIGUSR1" } },
  ],
};

const volumes: JsonObject = { volumes: sources.map((source, index) => ({ name: `v${index}`, ...source })) };

const value = (target: JsonObject): JsonObject => ({ target });
const metric: JsonObject = { name: "queue-length", selector: labelSelector };
const rules: JsonObject = {
  stabilizationWindowSeconds: 60,
  selectPolicy: "Min",
  tolerance: "0.1",
  policies: [
    { type: "Pods", value: 2, periodSeconds: 60 },
    { type: "Percent", value: 50, periodSeconds: 120 },
  ],
};
const autoscaling: JsonObject = {
  autoScalingBehavior: { scaleUp: rules, scaleDown: { ...rules, selectPolicy: "Disabled" } },
  autoScalingMetrics: [
    { type: "Resource", resource: { name: "cpu", ...value({ type: "Utilization", averageUtilization: 60 }) } },
    { type: "Resource", resource: { name: "memory", ...value({ type: "AverageValue", averageValue: "1Gi" }) } },
    {
      type: "ContainerResource",
      containerResource: { name: "cpu", container: "c", ...value({ type: "Utilization", averageUtilization: 60 }) },
    },
    { type: "Pods", pods: { metric, ...value({ type: "AverageValue", averageValue: "10" }) } },
    {
      type: "Object",
      object: {
        describedObject: { apiVersion: "networking.k8s.io/v1", kind: "Ingress", name: "main" },
        metric,
        ...value({ type: "Value", value: "10" }),
      },
    },
    { type: "External", external: { metric, ...value({ type: "AverageValue", averageValue: "10" }) } },
  ],
};

const shared: JsonObject = {
  image: "example.org/fn:1",
  imagePullPolicy: "Always",
  cleanupImage: "example.org/cleanup:1",
  replicas: 2,
  resources: {
    requests: { cpu: "1", memory: "1Gi", "ephemeral-storage": "1Gi" },
    limits: { cpu: "2", memory: "2Gi", "ephemeral-storage": "2Gi", "example.org/gpu": 1 },
  },
  secretsMap: { PASSWORD: { path: "s", key: "k" } },
  volumeMounts: [{ name: "data", mountPath: "/data", subPath: "a", readOnly: true }],
  cleanupSubscription: true,
  logTopic: "logs",
};
const connection: JsonObject = {
  pulsarConfig: "pulsar",
  authSecret: "auth",
  tlsConfig: {
    enabled: true,
    allowInsecure: true,
    hostnameVerification: true,
    certSecretName: "ca",
    certSecretKey: "k",
  },
  authConfig: {
    oauth2Config: { audience: "a", issuerUrl: "https://i", scope: "s", keySecretName: "o", keySecretKey: "k" },
  },
};

/** @param kind  whose main container `resourceFieldRef` may name */
const specimen = (name: string, changes: JsonObject, kind: WorkloadKind = "Function"): Specimen => ({
  name,
  kind,
  spec: aSpec(kind, changes),
});

export const specimens: readonly Specimen[] = [
  specimen("scheduling", { pod: scheduling }),
  specimen("security", { pod: security }),
  specimen("containers", { pod: containers }),
  specimen("volumes", { pod: volumes }),
  specimen("gated", { pod: gated }),
  specimen("autoscaling", { maxReplicas: 5, pod: autoscaling }),
  specimen("shared", { ...shared, pulsar: connection, pod: { volumes: [{ name: "data", emptyDir: {} }] } }),
  specimen(
    "downloads",
    {
      ...shared,
      downloaderImage: "example.org/dl:1",
      pulsar: connection,
      pulsarPackageService: { ...connection, tlsConfig: { enabled: true, certSecretName: "ca2", certSecretKey: "k2" } },
      java: {
        jar: "a.nar",
        jarLocation: "sink://public/default/s@1",
        log: { logConfig: { name: "log", key: "k" } },
        javaOpts: ["-Da=b"],
      },
      logTopicAgent: "sidecar",
      filebeatImage: "example.org/filebeat:1",
      pod: { volumes: [{ name: "data", emptyDir: {} }] },
    },
    "Sink",
  ),
  specimen("claims", {
    volumeMounts: [{ name: "data", mountPath: "/data" }],
    persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" },
    volumeClaimTemplates: [
      { metadata: { name: "data", labels: { a: "b" }, annotations: { "example.org/a": "b" } }, spec: claimSpec },
      { metadata: { name: "restored" }, spec: restored },
      { metadata: { name: "cloned" }, spec: clonedFrom },
      { metadata: { name: "populated" }, spec: populated },
    ],
  }),
  specimen("generic", {
    java: null,
    className: null,
    genericRuntime: { functionFile: "f.wasm", functionFileLocation: "function://a/b/c@1", language: "wasm" },
  }),
];
