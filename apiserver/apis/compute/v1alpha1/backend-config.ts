import type { JsonObject, KubeObject } from "../../meta/v1.ts";
import type { PodPolicy } from "./pod-policy.ts";

/** Pod settings shared by the workloads of a namespace, or of the installation (FM 1.9). */
export type BackendConfigSpec = {
  name?: string;
  env?: { [variable: string]: string };
  pod?: PodPolicy;
  /** Roll a change out to running workloads; default false. */
  autoUpdate?: boolean;
};

export type BackendConfigResource = KubeObject & {
  kind: "BackendConfig";
  spec?: BackendConfigSpec;
  status?: JsonObject;
};
