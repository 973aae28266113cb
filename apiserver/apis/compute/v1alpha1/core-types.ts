/** Types of Kubernetes' core API that are embedded in our kinds: those of their schemas, as all types of our kinds are. */
export type * from "../../../../openapi/core/types.ts";
