/** What `k8s.io/apimachinery/pkg/apis/meta/v1` puts on the wire, as far as this server and its clients use it. */
import type { JsonObject, JsonValue } from "../../../openapi/json.ts";

export type { JsonObject, JsonValue, RawNumber } from "../../../openapi/json.ts";

export type GroupVersion = { readonly group: string; readonly version: string };
export type GroupVersionKind = GroupVersion & { readonly kind: string };
export type GroupVersionResource = GroupVersion & { readonly resource: string };
export type GroupResource = { readonly group: string; readonly resource: string };

export type OwnerReference = {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
};

export type ManagedFieldsEntry = {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: JsonObject;
  subresource?: string;
};

export type ObjectMeta = {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  /** Opaque to clients; the storage revision in decimal. Never stored, added when read. */
  resourceVersion?: string;
  generation?: number;
  /** RFC 3339, UTC, whole seconds. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFieldsEntry[];
};

/** Any API object. Kinds narrow `spec` and `status`; core kinds have other top-level fields as well. */
export type KubeObject = {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: JsonValue | ObjectMeta | undefined;
};

export type ListMeta = { resourceVersion?: string; continue?: string; remainingItemCount?: number };
export type KubeList<T extends KubeObject = KubeObject> = {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: T[];
};

export type StatusCause = { reason?: string; message?: string; field?: string };
export type StatusDetails = {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
};
export type Status = {
  kind: "Status";
  apiVersion: "v1";
  metadata: ListMeta;
  status: "Success" | "Failure";
  message?: string;
  reason?: StatusReason;
  details?: StatusDetails;
  code?: number;
};
/** The closed set of reasons this server answers (API section 8.2); `""` is a failure without one. */
export type StatusReason =
  | ""
  | "BadRequest"
  | "Unauthorized"
  | "Forbidden"
  | "NotFound"
  | "AlreadyExists"
  | "Conflict"
  | "Invalid"
  | "Expired"
  | "MethodNotAllowed"
  | "NotAcceptable"
  | "RequestEntityTooLarge"
  | "UnsupportedMediaType"
  | "TooManyRequests"
  | "InternalError"
  | "ServerTimeout"
  | "StorageReadError"
  | "ServiceUnavailable"
  | "Timeout";

export type WatchEvent<T extends KubeObject = KubeObject> =
  | { type: "ADDED" | "MODIFIED" | "DELETED"; object: T }
  | { type: "BOOKMARK"; object: { apiVersion: string; kind: string; metadata: ObjectMeta } }
  | { type: "ERROR"; object: Status };

export type DeletionPropagation = "Orphan" | "Background" | "Foreground";
export type Preconditions = { uid?: string; resourceVersion?: string };
export type DeleteOptions = {
  gracePeriodSeconds?: number;
  preconditions?: Preconditions;
  orphanDependents?: boolean;
  propagationPolicy?: DeletionPropagation;
  dryRun?: string[];
};

/** Annotation of the bookmark that ends the initial events of a streaming list. */
export const initialEventsEndAnnotation = "k8s.io/initial-events-end";
export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";

export function apiVersionOf({ group, version }: GroupVersion): string {
  return group === "" ? version : `${group}/${version}`;
}
