import { choice, instant, int32, keyedBy, list, map, object, text, texts } from "../nodes.ts";
import { ref, type Schema } from "../schema.ts";
import { metaPackage, quantityName } from "./well-known-types.ts";

/**
 * autoscaling.k8s.io/v1, which is a custom resource upstream and has no model. As much of it as the controllers write
 * and `kubectl` shows.
 */
const group = "autoscaling.k8s.io";
const version = "v1";
const component = (type: string) => `io.k8s.autoscaling.${version}.${type}`;

const amounts = (description: string) => map(ref(quantityName), description);

const containerPolicy = object("How the autoscaler treats one container.", {
  containerName: text("The container, or * for all that no other policy names."),
  mode: choice(["Auto", "Off"], "Off leaves the container as it is. Default: Auto."),
  minAllowed: amounts("The least that is ever recommended."),
  maxAllowed: amounts("The most that is ever recommended."),
  controlledResources: texts("Resources that are changed. Default: cpu and memory."),
  controlledValues: choice(
    ["RequestsAndLimits", "RequestsOnly"],
    "Whether limits move in proportion to requests. Default: RequestsAndLimits.",
  ),
});

const evictionRequirement = object(
  "A condition under which pods may be evicted.",
  {
    resources: texts("Resources whose recommendation is looked at."),
    changeRequirement: choice(
      ["TargetHigherThanRequests", "TargetLowerThanRequests"],
      "Evict only when the recommendation is above, or below, what is requested.",
    ),
  },
  ["resources", "changeRequirement"],
);

const spec = object(
  "Which pods to fit, and within which bounds.",
  {
    targetRef: object(
      "The workload whose pods are fitted.",
      {
        apiVersion: text("Group and version of the workload."),
        kind: text("Kind of the workload."),
        name: text("Name of the workload, in the same namespace."),
      },
      ["kind", "name"],
    ),
    updatePolicy: object("When recommendations are applied.", {
      updateMode: choice(
        ["Off", "Initial", "Recreate", "InPlaceOrRecreate", "Auto"],
        "Off only recommends; Initial sets new pods; the others also change running ones. Default: Auto.",
      ),
      minReplicas: int32("Pods that must be running before one of them is replaced."),
      evictionRequirements: list(evictionRequirement, "What must hold, all of it, before a pod is evicted."),
    }),
    resourcePolicy: object("Bounds of what is recommended.", {
      containerPolicies: list(containerPolicy, "Policies by container."),
    }),
    recommenders: list(
      object("A recommender other than the default one.", { name: text("Name of the recommender.") }, ["name"]),
      "Who computes the recommendation. At most one.",
    ),
  },
  ["targetRef"],
);

const containerRecommendation = object(
  "What is recommended for one container.",
  {
    containerName: text("The container."),
    target: amounts("What is recommended, within the bounds of the policy."),
    lowerBound: amounts("Less than this is too little to run."),
    upperBound: amounts("More than this is wasted."),
    uncappedTarget: amounts("What would be recommended without the bounds of the policy."),
  },
  ["target"],
);

const condition = object(
  "One aspect of the autoscaler's state.",
  {
    type: text("What is reported, for example RecommendationProvided."),
    status: text("True, False or Unknown."),
    lastTransitionTime: instant("When status last changed."),
    reason: text("Why, in one word for programs."),
    message: text("Why, in a sentence for people."),
  },
  ["type", "status"],
);

const status = object("What was last observed.", {
  recommendation: object("The newest recommendation.", {
    containerRecommendations: list(containerRecommendation, "Recommendations by container."),
  }),
  conditions: list(condition, "The state of the autoscaler.", keyedBy("type")),
});

function metadata(type: "ObjectMeta" | "ListMeta") {
  return ref(`${metaPackage}.${type}`, { description: "What all objects have in common." });
}

const typeMeta = {
  apiVersion: text("The version of this object's schema."),
  kind: text("The type of this object."),
};

export const verticalPodAutoscalerSchemas: readonly (readonly [name: string, schema: Schema])[] = [
  [
    component("VerticalPodAutoscaler"),
    {
      ...object(
        "Fits the cpu and memory requests of a workload's pods to what they use.",
        { ...typeMeta, metadata: metadata("ObjectMeta"), spec, status },
        ["spec"],
      ),
      "x-kubernetes-group-version-kind": [{ group, version, kind: "VerticalPodAutoscaler" }],
    },
  ],
  [
    component("VerticalPodAutoscalerList"),
    {
      ...object(
        "A list of VerticalPodAutoscaler objects.",
        {
          ...typeMeta,
          metadata: metadata("ListMeta"),
          items: list(ref(component("VerticalPodAutoscaler")), "The objects.", {}),
        },
        ["items"],
      ),
      "x-kubernetes-group-version-kind": [{ group, version, kind: "VerticalPodAutoscalerList" }],
    },
  ],
];
