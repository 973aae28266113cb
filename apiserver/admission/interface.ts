import type { GroupVersionKind, GroupVersionResource, KubeObject } from "../apis/meta/v1.ts";
import type { UserInfo } from "../authentication/user.ts";

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
