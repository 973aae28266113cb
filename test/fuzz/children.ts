/** Every object that a cluster is asked for on behalf of one of ours. Pure. */

import { backendConfigType } from "../../apiserver/apis/compute/v1alpha1/group.ts";
import type { BackendConfigResource, FunctionMeshResource } from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { listOf, objectOf, textOf } from "../../apiserver/machinery/fields.ts";
import { isObject } from "../../apiserver/machinery/json.ts";
import { functionKind } from "../../controllers/function/workload.ts";
import { desiredMembers } from "../../controllers/function-mesh/desired.ts";
import { defaultSettings, type Settings } from "../../controllers/settings.ts";
import { sinkKind } from "../../controllers/sink/workload.ts";
import { sourceKind } from "../../controllers/source/workload.ts";
import type { BackendConfigs } from "../../controllers/workloads/backend-config.ts";
import { desiredCleanupJob } from "../../controllers/workloads/cleanup-job.ts";
import { desiredProblem, desiredWorkloads } from "../../controllers/workloads/desired.ts";
import { stamped } from "../../controllers/workloads/drift.ts";
import type { Workload } from "../../controllers/workloads/workload.ts";
import type { Verdict } from "./random-objects.ts";

export type Circumstances = { readonly configs: BackendConfigs; readonly settings: Partial<Settings> };
const isMesh = (object: KubeObject): object is FunctionMeshResource => object.kind === "FunctionMesh";
export const isBackendConfig = (object: KubeObject): object is BackendConfigResource =>
  object.kind === backendConfigType.kind;

export function workloadOf(object: KubeObject): Workload | undefined {
  if (functionKind.is(object)) return functionKind.workload(object);
  if (sourceKind.is(object)) return sourceKind.workload(object);
  return sinkKind.is(object) ? sinkKind.workload(object) : undefined;
}

/**
 * @param admit  members of a mesh are objects of their own, which the API must take
 * @throws Error for a member that isn't accepted though its mesh was
 */
export function childrenOf(
  object: KubeObject,
  circumstances: Circumstances,
  admit: (object: KubeObject) => Verdict,
): KubeObject[] {
  if (isMesh(object)) {
    return desiredMembers(object).flatMap(({ object: member }) => {
      const { errors, object: accepted } = admit(stamped(member));
      const [first] = errors;
      if (first !== undefined) throw new Error(`member ${member.metadata.name}: ${first.field}: ${first.body}`);
      return childrenOf({ ...accepted, metadata: { ...accepted.metadata, uid: "uid-member" } }, circumstances, admit);
    });
  }
  const workload = workloadOf(object);
  return workload === undefined ? [] : childrenOfWorkload(workload, circumstances);
}

function childrenOfWorkload(workload: Workload, { configs, settings: given }: Circumstances): KubeObject[] {
  const settings = { ...defaultSettings, ...given };
  const { StatefulSet, ...others } = desiredWorkloads(workload, configs, settings);
  // Such a one is never asked for.
  if (desiredProblem(workload, StatefulSet, settings) !== undefined) return [];
  const children = [StatefulSet, ...Object.values(others)].flatMap((child) =>
    child === undefined ? [] : [stamped(child)],
  );
  const job = workload.cleanup.length > 0 ? [desiredCleanupJob(workload, configs, settings)] : [];
  return [...children, ...job, ...madeByCluster(StatefulSet)];
}

/** What the controller of StatefulSets makes of one: its first pod and that pod's claims. */
function madeByCluster(statefulSet: KubeObject): KubeObject[] {
  const { name = "", namespace = "" } = statefulSet.metadata;
  const spec = objectOf(statefulSet, "spec");
  const template = objectOf(spec, "template");
  const templates = listOf(spec, "volumeClaimTemplates").filter(isObject);
  const claimNames = templates.map((claim) => textOf(objectOf(claim, "metadata"), "name"));
  const podName = `${name}-0`;
  const podSpec = objectOf(template, "spec");
  const volumes = [
    ...listOf(podSpec, "volumes").filter(
      (volume) => !claimNames.includes(textOf(isObject(volume) ? volume : {}, "name")),
    ),
    ...claimNames.map(
      (claim): JsonObject => ({ name: claim, persistentVolumeClaim: { claimName: `${claim}-${podName}` } }),
    ),
  ];
  const pod: KubeObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...objectOf(template, "metadata"), name: podName, namespace },
    spec: {
      ...podSpec,
      // As admission of ServiceAccounts has it.
      serviceAccountName: textOf(podSpec, "serviceAccountName") || "default",
      hostname: podName,
      subdomain: textOf(spec, "serviceName"),
      ...(volumes.length > 0 && { volumes }),
    },
  };
  const claims = templates.map((claim): KubeObject => {
    const metadata = objectOf(claim, "metadata");
    return {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { ...metadata, name: `${textOf(metadata, "name")}-${podName}`, namespace },
      spec: objectOf(claim, "spec") ?? {},
    };
  });
  return [pod, ...claims];
}
