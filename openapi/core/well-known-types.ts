import { ref, type Schema } from "../schema.ts";

export const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const quantityName = "io.k8s.apimachinery.pkg.api.resource.Quantity";
export const intOrStringName = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

const rawExtensionName = "io.k8s.apimachinery.pkg.runtime.RawExtension";

/** Types that Kubernetes describes in Go alone, scalars and free-form ones most of them, in this server's own words. */
export const wellKnownTypes: { readonly [name: string]: Schema } = {
  [`${metaPackage}.Time`]: {
    type: "string",
    format: "date-time",
    description: "A point in time in RFC 3339 form, UTC, with whole seconds, for example 2026-01-31T08:00:00Z.",
  },
  [`${metaPackage}.MicroTime`]: {
    type: "string",
    format: "date-time",
    description: "A point in time in RFC 3339 form, UTC, with microseconds.",
  },
  [quantityName]: {
    format: "quantity",
    "x-kubernetes-int-or-string": true,
    description:
      "An amount: a decimal number with an optional suffix. n, u, m, k, M, G, T, P and E are powers of 1000, Ki, Mi, Gi, Ti, Pi and Ei powers of 1024, and e3 or E3 is an exponent. 100m of cpu is a tenth of a core, 1Gi of memory 1073741824 bytes.",
  },
  [intOrStringName]: {
    format: "int-or-string",
    "x-kubernetes-int-or-string": true,
    description: "Either a 32-bit integer or a string, such as a port number or its name, a count or a percentage.",
  },
  [rawExtensionName]: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    description: "Any object, kept as it is.",
  },
  [`${metaPackage}.FieldsV1`]: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    description:
      "A set of fields as a tree: f:NAME is a member, k:{KEYS} an entry of a list by its keys, v:VALUE an entry of a set, i:INDEX an entry by position, and . the node itself.",
  },
  [`${metaPackage}.Patch`]: {
    type: "object",
    "x-kubernetes-preserve-unknown-fields": true,
    description: "A change to an object, in the form that the request's Content-Type names.",
  },
  [`${metaPackage}.WatchEvent`]: {
    type: "object",
    description: "One event of a watch.",
    required: ["type", "object"],
    properties: {
      type: { type: "string", description: "What happened: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR." },
      object: ref(rawExtensionName, {
        description:
          "The object as it is now, or was before it went; of an ERROR a Status, of a BOOKMARK its revision alone.",
      }),
    },
    "x-kubernetes-group-version-kind": [{ group: "", version: "v1", kind: "WatchEvent" }],
  },
};
