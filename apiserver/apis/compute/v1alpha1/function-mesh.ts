import type { ValueOf } from "../../../../openapi/schema.ts";
import type { functionMeshSpec, functionMeshStatus } from "../../../../openapi/schemas/function-mesh.ts";
import type { KubeObject } from "../../meta/v1.ts";

/** Components are told apart by their `name`. */
export type FunctionMeshSpec = ValueOf<typeof functionMeshSpec>;
/** The maps are keyed by the component's `name`. */
export type FunctionMeshStatus = ValueOf<typeof functionMeshStatus>;

export type FunctionMeshResource = KubeObject & {
  kind: "FunctionMesh";
  spec?: FunctionMeshSpec;
  status?: FunctionMeshStatus;
};
