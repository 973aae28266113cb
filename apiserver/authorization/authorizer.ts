import type { UserInfo } from "../authentication/user.ts";

/** What somebody wants to do (API Z-05, Z-06). */
export type Attributes = { readonly user: UserInfo } & (
  | {
      readonly resourceRequest: true;
      readonly verb: string;
      readonly group: string;
      readonly version: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
      /** Raw selectors of list, watch and deletecollection; `""` when absent. */
      readonly labelSelector: string;
      readonly fieldSelector: string;
    }
  | { readonly resourceRequest: false; readonly verb: string; readonly path: string }
);

/** `deny` ends the search; `noOpinion` asks the next authorizer and is a denial when there is none. */
export type Decision = { readonly decision: "allow" | "deny" | "noOpinion"; readonly reason: string };

export interface Authorizer {
  /** Rejects when no decision could be had: the request then fails with 500, it is never allowed (API Z-10). */
  authorize(attributes: Attributes, signal?: AbortSignal): Promise<Decision>;
}
