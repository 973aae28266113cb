/** Query and path parameters by name: what they do, and which operation takes which (API O-27). */
export type Parameter = {
  readonly in: "query" | "path";
  readonly type: "string" | "boolean" | "integer";
  readonly description: string;
};

const selectorHint = "Without it all objects are meant.";

export const parameters = {
  namespace: { in: "path", type: "string", description: "The namespace that the objects live in." },
  allowWatchBookmarks: {
    in: "query",
    type: "boolean",
    description:
      "Let the watch send BOOKMARK events now and then: they carry nothing but the revision up to which everything was sent. They come at no fixed interval.",
  },
  continue: {
    in: "query",
    type: "string",
    description:
      "Where to go on with a limited list: metadata.continue of the answer before. Everything but the limit must be asked as before. A token whose revision is no longer kept is answered with 410 and a token that continues with newer content. Not for watches.",
  },
  dryRun: {
    in: "query",
    type: "string",
    description: "All: do everything but store the result. Other values are refused.",
  },
  fieldManager: {
    in: "query",
    type: "string",
    description:
      "Who makes the change, as noted in metadata.managedFields: at most 128 printable characters. Required to apply. Default: the part of User-Agent before the slash.",
  },
  fieldSelector: {
    in: "query",
    type: "string",
    description: `Restricts the objects by their fields, for example metadata.name=one. ${selectorHint}`,
  },
  fieldValidation: {
    in: "query",
    type: "string",
    description:
      "What becomes of unknown and duplicate fields in the body. Ignore drops them, Warn drops them and adds a Warning header for each, Strict refuses the request and names all of them. Default: Warn.",
  },
  force: {
    in: "query",
    type: "boolean",
    description: "Apply takes over fields that other managers own, instead of failing with a conflict. Only for apply.",
  },
  gracePeriodSeconds: {
    in: "query",
    type: "integer",
    description: "Seconds until the object is deleted, where its kind ends gracefully. 0 deletes at once.",
  },
  ignoreStoreReadErrorWithClusterBreakingPotential: {
    in: "query",
    type: "boolean",
    description:
      "Delete even an object that can't be read from storage any more. Finalizers and owners are not heeded.",
  },
  labelSelector: {
    in: "query",
    type: "string",
    description: `Restricts the objects by their labels, for example app=one,tier!=back. ${selectorHint}`,
  },
  limit: {
    in: "query",
    type: "integer",
    description:
      "The most objects in one answer. If there are more, metadata.continue says how to get them; all parts together show one moment. Not for watches.",
  },
  orphanDependents: {
    in: "query",
    type: "boolean",
    description: "Deprecated, use propagationPolicy. true leaves what the object owns behind, false deletes it.",
  },
  pretty: {
    in: "query",
    type: "string",
    description: "true: indent the JSON of the answer. Default: only for browsers and command line HTTP tools.",
  },
  propagationPolicy: {
    in: "query",
    type: "string",
    description:
      "What becomes of the objects this one owns. Background deletes them afterwards, Foreground before, Orphan leaves them. Default: Background, unless a finalizer says otherwise.",
  },
  resourceVersion: {
    in: "query",
    type: "string",
    description:
      "Which revision may, or must, be answered, together with resourceVersionMatch; of a watch, the revision after which it starts. Without it the newest content is answered; 0 allows any.",
  },
  resourceVersionMatch: {
    in: "query",
    type: "string",
    description: "How resourceVersion is meant: Exact that revision, or NotOlderThan, that one or a newer one.",
  },
  sendInitialEvents: {
    in: "query",
    type: "boolean",
    description:
      "Start the watch with an ADDED event for each object there is, and a bookmark with the annotation k8s.io/initial-events-end after the last of them. Needs resourceVersionMatch=NotOlderThan and allowWatchBookmarks.",
  },
  timeoutSeconds: {
    in: "query",
    type: "integer",
    description: "Seconds after which the list or watch ends, whatever happens on it.",
  },
  watch: {
    in: "query",
    type: "boolean",
    description: "Answer with a stream of changes instead of a list.",
  },
} as const satisfies { readonly [name: string]: Parameter };

export type ParameterName = keyof typeof parameters;

const selection = [
  "continue",
  "fieldSelector",
  "labelSelector",
  "limit",
  "resourceVersion",
  "resourceVersionMatch",
  "sendInitialEvents",
  "timeoutSeconds",
] as const;
const writing = ["dryRun", "fieldManager", "fieldValidation"] as const;
const deletion = [
  "dryRun",
  "gracePeriodSeconds",
  "ignoreStoreReadErrorWithClusterBreakingPotential",
  "orphanDependents",
  "propagationPolicy",
] as const;

/** As in `x-kubernetes-action` (API O-22). */
export type Action = "list" | "get" | "post" | "put" | "patch" | "delete" | "deletecollection";

/** By action, without the parameters of the path; every path takes `pretty` besides. */
export const parametersOf: { readonly [action in Action]: readonly ParameterName[] } = {
  list: sorted(...selection, "allowWatchBookmarks", "watch"),
  get: [],
  post: writing,
  put: writing,
  patch: [...writing, "force"],
  delete: deletion,
  deletecollection: sorted(...selection, ...deletion),
};

function sorted(...names: ParameterName[]): ParameterName[] {
  return names.sort();
}
