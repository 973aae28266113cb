import type { ValueOf } from "../../../../openapi/schema.ts";
import type { backendConfigSpec } from "../../../../openapi/schemas/backend-config.ts";
import type { JsonObject, KubeObject } from "../../meta/v1.ts";

/** Pod settings shared by the workloads of a namespace, or of the installation (FM 1.9). */
export type BackendConfigSpec = ValueOf<typeof backendConfigSpec>;

export type BackendConfigResource = KubeObject & {
  kind: "BackendConfig";
  spec?: BackendConfigSpec;
  status?: JsonObject;
};
