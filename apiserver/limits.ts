/**
 * Every bound on what a stranger, a tenant or an object may cost (design D10): its number, the reason for the number,
 * and what happens beyond it. What Kubernetes' own rules limit (lengths of names, of labels) is with those rules.
 *
 * Invariant: before a user is known work is linear in what was sent; after, no request holds the event loop over 100 ms.
 */

export type Limit = {
  readonly value: number;
  readonly unit: "bytes" | "characters" | "levels" | "ms" | "count";
  /** What is counted, to go on after the number: `3 MiB` `body of one request`. */
  readonly of: string;
  /** What whoever exceeds it gets. */
  readonly beyond: string;
  /** Why this number and not another. */
  readonly reason: string;
  /** The option that sets it, where operators differ; `value` is then the default. */
  readonly option?: string;
};

const KiB = 1024;
const MiB = 1024 * KiB;

/** A row per bound, in the order a request meets them. */
export const limits = {
  maxHeaderBytes: {
    value: 1 * MiB + 64 * KiB,
    unit: "bytes",
    of: "request line and headers",
    beyond: "431",
    reason: "API N-42: selectors and continue tokens may be long; Go allows a little more than it says",
  },
  maxQueryParameters: {
    value: 1000,
    unit: "count",
    of: "parameters of a query",
    beyond: "400",
    reason: "no request has thirty; each is looked for in all of them",
  },
  maxParsedHeaderLength: {
    value: 8 * KiB,
    unit: "characters",
    of: "each header that is taken apart: `Accept`, `Accept-Encoding`, `Content-Type`, `If-None-Match`",
    beyond: "400",
    reason: "ten times what browsers send",
  },
  maxImpersonatedParts: {
    value: 500,
    unit: "count",
    of: "groups and extra values of a user to be impersonated",
    beyond: "400",
    reason: "each is a question to the authorizer, which may ask the host cluster",
  },
  maxSelectorTerms: {
    value: 10_000,
    unit: "count",
    of: "terms and values of a label or field selector",
    beyond: "400",
    reason: "a watch keeps them for as long as it lasts; more than the names of any program's own objects",
  },
  maxAuditIdLength: {
    value: 64,
    unit: "characters",
    of: "`Audit-ID` taken over from a client",
    beyond: "an own id is made",
    reason: "it is in every log line of its request; a UUID has 36",
  },
  maxBodyBytes: {
    value: 3 * MiB,
    unit: "bytes",
    of: "body of a request",
    beyond: "413",
    reason: "API N-40: kube-apiserver's own, twice what etcd stores",
  },
  maxDiscardedBytes: {
    value: 64 * MiB,
    unit: "bytes",
    of: "body read on and thrown away after a refusal",
    beyond: "disconnected",
    reason: "closing at once would lose the answer (API N-40); nobody sends so much by mistake",
  },
  maxDepth: {
    value: 10_000,
    unit: "levels",
    of: "nesting of JSON",
    beyond: "400",
    reason: "API N-17: the limit of Go's encoding/json",
  },
  maxFieldDepth: {
    value: 200,
    unit: "levels",
    of: "an object whose fields are told apart by server-side apply",
    beyond: "what lies deeper is one field; 400 or ignored in managedFields",
    reason: "schemas have some 20; a walk that calls itself for each level must not end the stack",
  },
  maxUpdateManagers: {
    value: 10,
    unit: "count",
    of: "managers of an object that do not apply",
    beyond: "the oldest are joined",
    reason: "API S-16: kube-apiserver's own",
  },
  maxDecodingProblems: {
    value: 100,
    unit: "count",
    of: "unknown members, and as many given twice, that one body is told of",
    beyond: "not told",
    reason: "kube-apiserver's own; nobody reads more",
  },
  maxCauses: {
    value: 100,
    unit: "count",
    of: "wrong fields that a Status lists",
    beyond: "their number is told",
    reason: "who mends a hundred sends the object again anyway",
  },
  maxErrorValueLength: {
    value: 512,
    unit: "characters",
    of: "value or name of a user inside a message",
    beyond: "cut, with an ellipsis",
    reason: "longer than any name, so that what is cut was never one",
  },
  maxWarnings: {
    value: 100,
    unit: "count",
    of: "warnings of one answer",
    beyond: "not told",
    reason: "as many as decoding finds",
  },
  maxWarningsLength: {
    value: 4096,
    unit: "characters",
    of: "those warnings",
    beyond: "each is cut to 256, the last are left out",
    reason: "API N-62: they are headers, whose readers have limits of their own",
  },
  maxStatusBytes: {
    value: 64 * KiB,
    unit: "bytes",
    of: "Status of a failure",
    beyond: "causes are left out",
    reason: "a mistake must not be answered with more than a body of ordinary size",
  },
  maxYamlDepth: {
    value: 500,
    unit: "levels",
    of: "nesting of YAML",
    beyond: "400",
    reason: "its reader needs stack for each level, and more where it is not compiled yet",
  },
  maxYamlParts: {
    value: 50_000,
    unit: "count",
    of: "line ends, commas, colons and brackets of a YAML document; JSON has no such limit",
    beyond: "400",
    reason: "each may be a value, and reading one from YAML takes some microseconds",
  },
  maxYamlExpansion: {
    value: 3 * MiB,
    unit: "characters",
    of: "text that the aliases of a YAML document stand for",
    beyond: "400",
    reason: "as much as a body may have without aliases",
  },
  maxPatchOperations: {
    value: 10_000,
    unit: "count",
    of: "operations of a JSON patch",
    beyond: "413",
    reason: "API P-11: kube-apiserver's own",
  },
  maxPatchCopiedBytes: {
    value: 3 * MiB,
    unit: "bytes",
    of: "JSON that the `copy` operations of a patch make",
    beyond: "422",
    reason: "API P-14: kube-apiserver's own; a small patch must not make a huge object",
  },
  maxPatchMovedItems: {
    value: 20_000_000,
    unit: "count",
    of: "list items that the operations of a JSON patch push along",
    beyond: "413",
    reason: "each insertion moves what is behind it; these take some 20 ms",
  },
  maxGrantSteps: {
    value: 1_000_000,
    unit: "count",
    of: "steps of comparing what a role grants with what its writer holds",
    beyond: "403",
    reason: "some 50 ms; a role of Kubernetes itself takes a thousand",
  },
  maxAnnotationsBytes: {
    value: 256 * KiB,
    unit: "bytes",
    of: "keys and values of the annotations of an object",
    beyond: "422",
    reason: "API M-21: kube-apiserver's own",
  },
  maxConfigBytes: {
    value: 1 * MiB,
    unit: "bytes",
    of: "values of a ConfigMap or Secret",
    beyond: "422",
    reason: "kube-apiserver's own: what is mounted into pods is kept in the memory of their nodes",
  },
  maxValueBytes: {
    value: 1.5 * MiB - 4 * KiB,
    unit: "bytes",
    of: "stored object",
    beyond: "413",
    reason: "etcd's request limit of 1.5 MiB, less room for the key, which a conditional write carries three times",
  },
  maxTransactionBytes: {
    value: 16 * MiB,
    unit: "bytes",
    of: "values in one transaction of the embedded store",
    beyond: "the rest waits for the next",
    reason: "bounds how long one writer waits for the others of its group",
  },
  maxReadKeys: {
    value: 10_000,
    unit: "count",
    of: "keys read from storage at once",
    beyond: "read in pages",
    reason: "API T-07: kube-apiserver's largest page",
  },
  maxWindowEvents: {
    value: 4096,
    unit: "count",
    of: "recent events of a resource kept in memory",
    beyond: "read from storage's history",
    reason: "some seconds of the busiest resource",
  },
  maxWindowBytes: {
    value: 32 * MiB,
    unit: "bytes",
    of: "objects of those events",
    beyond: "read from storage's history",
    reason: "large objects would make few events many bytes",
  },
  maxHeldSnapshots: {
    value: 16,
    unit: "count",
    of: "snapshots of a resource kept for the pages that follow a first one",
    beyond: "read from storage's history",
    reason: "more lists at once than one resource sees",
  },
  maxPendingEvents: {
    value: 4096,
    unit: "count",
    of: "events that wait for one reader of a watch",
    beyond: "the watch is parked, then closed",
    reason: "references to shared frames: as many as the window holds",
  },
  maxPendingBytes: {
    value: 16 * MiB,
    unit: "bytes",
    of: "those events",
    beyond: "the watch is parked, then closed",
    reason: "what is no longer in the window is held by slow readers alone",
  },
  maxForeignEventBytes: {
    value: 16 * MiB,
    unit: "bytes",
    of: "event of a watch on the host cluster",
    beyond: "the watch is opened again",
    reason: "far above the 1.5 MiB an object may have in etcd, with room for encoding",
  },
  maxMessageLength: {
    value: 1024,
    unit: "characters",
    of: "message of an Event or a condition",
    beyond: "cut",
    reason: "kube-apiserver refuses longer messages of Events",
  },
} as const satisfies { readonly [name: string]: Limit };
