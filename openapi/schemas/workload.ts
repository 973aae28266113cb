import { choice, flag, freeForm, instant, int32, int64, list, map, object, record, text, texts } from "../nodes.ts";
import { podPolicy, resources, volumeMounts } from "./pod-policy.ts";
import { pulsar, pulsarPackageService } from "./pulsar.ts";
import { runtimes } from "./runtimes.ts";

const secretReference = object("One key of a Secret in the namespace of the workload.", {
  path: text("Name of the Secret."),
  key: text("The key within the Secret."),
});

const statefulConfig = object("Keeps the state of the instance in Pulsar's table service. Go functions can't use it.", {
  pulsar: object(
    "Access to the table service.",
    {
      serviceUrl: text("Address of the table service, for example bk://bookkeeper:4181."),
      javaProvider: object(
        "An implementation of the state store other than the built-in one; Java only.",
        {
          className: text("Class of the state store provider."),
          config: object("Accepted for compatibility; its content is dropped and nothing reads it.", {}),
        },
        ["className"],
      ),
    },
    ["serviceUrl"],
  ),
});

export const batchSourceConfig = object(
  "Makes the source a batch source, which processes tasks that a trigger discovers. Also turns clean-up on: the topic that carries the tasks is removed with the source.",
  {
    discoveryTriggererClassName: text("Class that triggers the discovery of tasks, for example on a schedule."),
    discoveryTriggererConfig: freeForm("Settings of the trigger, in its own form."),
  },
  ["discoveryTriggererClassName"],
);

/** What Functions, Sources and Sinks have in common (FM 1.4). */
export const workloadProperties = {
  name: text(
    "What Pulsar calls it. Default: metadata.name. In a FunctionMesh it tells the components apart and names their objects.",
  ),
  className: text("Class to run, in the package of the runtime. Java and Python need it."),
  tenant: text("Pulsar tenant it belongs to. Default: public."),
  namespace: text("Pulsar namespace it belongs to, which isn't the namespace in Kubernetes. Default: default."),
  clusterName: text("Name of the Pulsar cluster, as the instance reports it. Default: kubernetes."),
  replicas: int32(
    "Instances that run. Default: minReplicas. With maxReplicas the autoscaler changes it, between minReplicas and maxReplicas. kubectl scale sets it.",
    { minimum: 0 },
  ),
  minReplicas: int32("The fewest instances the autoscaler keeps. Above 0 and not above replicas.", {
    default: 1,
    minimum: 0,
  }),
  maxReplicas: int32(
    "The most instances the autoscaler starts. Setting it creates a HorizontalPodAutoscaler. Not below minReplicas and replicas; excludes pod.vpa.",
  ),
  showPreciseParallelism: flag(
    "Tell each instance how many there are. Every change of replicas then restarts all of them. Default: false, which tells them 1.",
  ),
  image: text("Image of the main container. Default: the runner image that the server configures for the runtime."),
  imagePullPolicy: text(
    "When the image is pulled: Always, IfNotPresent or Never. Default: the server's setting, else IfNotPresent.",
  ),
  imageHasPulsarctl: flag(
    "The image has pulsarctl, which downloads packages and removes subscriptions faster than pulsar-admin. Known of the public runner images. Default: false.",
  ),
  imageHasGet: flag(
    "The image has wget, which downloads packages from http(s). Spelled imageHasGet on the wire. Known of the public runner images. Default: false.",
  ),
  downloaderImage: text("Image of the init container that downloads the package, where the server uses one."),
  cleanupImage: text(
    "Image of the job that removes subscriptions at deletion. Default: the image of the main container.",
  ),
  filebeatImage: text("Image of the container that ships logs to logTopic with logTopicAgent sidecar."),
  logTopic: text("Topic that logs are published to. Without it they are on standard output only."),
  logTopicAgent: choice(
    ["runtime", "sidecar"],
    "Who publishes logs: the instance itself, or a Filebeat container beside it. Default: runtime for a Function, sidecar for a Source or Sink.",
  ),
  processingGuarantee: choice(
    ["atleast_once", "atmost_once", "effectively_once", "manual"],
    "How often a message takes effect when things fail; manual leaves acknowledging to the code. Default: atleast_once.",
  ),
  runtimeFlags: text("Flags noted in the details of the function. They don't change the command line."),
  resources,
  secretsMap: map(
    secretReference,
    "Environment variable to the Secret its value comes from. The code reads it through its context.",
  ),
  volumeMounts,
  pod: podPolicy,
  pulsar,
  pulsarPackageService,
  ...runtimes,
  statefulConfig,
};

/** What Functions and Sinks, which consume topics, have in common besides. */
export const consumerProperties = {
  timeout: int32(
    "Milliseconds after which a message that isn't acknowledged is delivered again. Default: 0, never. Not with effectively_once. For a Function also the delay after a negative acknowledgement.",
  ),
  autoAck: flag("Acknowledge each message once it is processed. Default: true."),
  maxMessageRetry: int32(
    "How often a failed message is tried again before it goes to deadLetterTopic. Default: 0, no limit. Not with effectively_once.",
  ),
  retainOrdering: flag(
    "Process messages in the order they were published, with one active instance (failover subscription). Default: false.",
  ),
  retainKeyOrdering: flag(
    "Process messages of one key in order, with many instances (key-shared subscription). Excludes retainOrdering and effectively_once. Default: false.",
  ),
  deadLetterTopic: text("Topic for messages that failed more than maxMessageRetry times, which must be above 0."),
  subscriptionName: text("Name of the subscription. Default: tenant/namespace/name, of Pulsar."),
  cleanupSubscription: flag(
    "Remove the subscription from Pulsar when the workload is deleted, by a job that deletion waits for. Default: false.",
  ),
  subscriptionPosition: choice(
    ["latest", "earliest"],
    "Where a new subscription starts: with what is published from now on, or with the oldest message that is kept. Default: earliest.",
  ),
};

export const forwardSourceMessageProperty = flag(
  "Copy the properties of an incoming message to the result. Default: true.",
);

/** One entry of a status map; the first three members are what the operator writes (FM 1.7, 1.8). */
export const resourceCondition = object("The state of one part.", {
  condition: text(
    "What is reported: StatefulSetReady, ServiceReady, HPAReady or VPAReady; of a mesh FunctionReady, SourceReady, SinkReady, MeshReady or Orphaned.",
  ),
  status: text("True or False."),
  action: text("What is done about it: Create, Update, Delete, Wait, or NoAction."),
  reason: text("Why, in one word for programs."),
  message: text("Why, in a sentence for people."),
  lastTransitionTime: instant("When status last changed, RFC 3339."),
});

/**
 * - `Pending`: no pod has started yet
 * - `Progressing`: pods start, or are replaced
 * - `Ready`: all pods are ready, or none is wanted
 * - `Degraded`: a pod can't do its work, or what it needs is missing
 * - `Paused`: a change waits because somebody paused it; what runs is ready
 * - `Failed`: the cluster refuses an object, or the name of one is taken
 */
export type WorkloadPhase = "Pending" | "Progressing" | "Ready" | "Degraded" | "Paused" | "Failed";

/** The one thing to know of an object, beside the map of its parts. */
export const summary = {
  phase: text<WorkloadPhase>(
    "The state in one word: Pending, Progressing, Ready, Degraded, Paused or Failed. kubectl wait --for=jsonpath='{.status.phase}'=Ready waits for it.",
  ),
  reason: text("Why, in one word for programs."),
  message: text("Why, in a sentence for people."),
};

/** `conditions`, `replicas` and `selector` are required, as in the CRDs (FM 1.3). */
export const workloadStatus = record(
  "What was last observed. Written by the controller.",
  {
    conditions: map(
      resourceCondition,
      "State by part: StatefulSet, Service, HorizontalPodAutoscaler, VerticalPodAutoscaler. A map, not the usual list of conditions.",
    ),
    ...summary,
    replicas: int32("Instances that the StatefulSet is told to run."),
    readyReplicas: int32("Instances whose pods are ready."),
    updatedReplicas: int32("Instances whose pods are made from the newest spec that has been rolled out."),
    availableReplicas: int32("Instances whose pods have been ready for as long as the StatefulSet asks."),
    backendConfigs: list(
      object("A BackendConfig that has a say in the pods.", {
        namespace: text("Its namespace."),
        name: text("Its name."),
        resourceVersion: text("The version that was read."),
        fields: texts("What it gives, for example env.TZ. Where the workload says something, that wins."),
      }),
      "The BackendConfigs in effect: the installation's first, then the namespace's, which wins.",
    ),
    selector: text("Selects the pods: a label selector as text. The autoscaler reads it."),
    observedGeneration: int64(
      "The metadata.generation that this status is about. Below it, the newest spec hasn't been acted on yet.",
    ),
    globalBackendConfigRevision: text(
      "The resourceVersion of the installation's BackendConfig that the pods were made with.",
    ),
    namespacedBackendConfigRevision: text(
      "The resourceVersion of the namespace's BackendConfig that the pods were made with.",
    ),
    pendingChange: text(
      "Why a change of the pods waits, and which fields of the StatefulSet it concerns. Absent when nothing waits. A new value of the annotation compute.functionmesh.io/roll-out rolls it out.",
    ),
    pendingDiff: list(
      text("One field and what it would become. Commands, variables and annotations are named without their values."),
      "What of the StatefulSet would change, at most 20 lines. Absent when nothing waits.",
    ),
  },
  ["conditions", "replicas", "selector"],
);
