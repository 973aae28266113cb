import type { GroupVersionKind, GroupVersionResource, KubeObject } from "../apis/meta/v1.ts";
import type { UserInfo } from "../authentication/user.ts";

/** Options of the request as admission is shown them: of `meta.k8s.io/v1`, in the names of the wire (API AD-21, AD-22). */
export type AdmissionOptions = {
  readonly kind: "CreateOptions" | "UpdateOptions" | "DeleteOptions";
  readonly fieldManager?: string;
  readonly fieldValidation?: string;
};

/** What admission is asked about (API AD-21). `object` is null on DELETE, `oldObject` on CREATE. */
export type AdmissionAttributes = {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  readonly kind: GroupVersionKind;
  readonly resource: GroupVersionResource;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly options: AdmissionOptions;
  /** Of the request that is admitted. */
  readonly auditId: string;
  readonly signal: AbortSignal;
  readonly warn: (text: string) => void;
};

/** Runs on every write, mutating steps before validating ones. Refuses by throwing `StatusError`. */
export interface AdmissionPlugin {
  readonly name: string;
  /** May return a changed copy; `undefined` keeps the object. */
  admit?(attributes: AdmissionAttributes): Promise<KubeObject | undefined>;
  validate?(attributes: AdmissionAttributes): Promise<void>;
}
