/** What the URL says (upstream `RequestInfo`), parsed once; authorization, routing, audit and metrics all read it. */
export type RequestInfo = {
  readonly isResourceRequest: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; else the method in lower case. */
  readonly verb: string;
  readonly path: string;
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly resource: string;
  readonly subresource: string;
  readonly name: string;
  /** Path segments after the resource, decoded. */
  readonly parts: readonly string[];
};
