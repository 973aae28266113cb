import type { KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";

/**
 * The decisions of one kind, without I/O (upstream `RESTCreateStrategy` and its siblings). What every kind shares is
 * in `registry/generic/`: metadata rules, generation, status isolation, schema validation and defaulting. All
 * methods are pure; those that return an object may return their argument.
 */
export interface Strategy {
  /** Longest name, and what it must look like; default: a DNS-1123 subdomain. Returns what is wrong, `[]` if nothing. */
  readonly validateName?: (name: string) => readonly string[];
  /** Defaulting beyond the schema, on create, update and patch. */
  readonly default?: (object: KubeObject) => KubeObject;
  readonly prepareForCreate?: (object: KubeObject) => KubeObject;
  readonly prepareForUpdate?: (object: KubeObject, old: KubeObject) => KubeObject;
  /** Cross-field rules, after the schema's own. Collects everything that is wrong. `old` is absent on create. */
  readonly validate?: (object: KubeObject, old?: KubeObject) => readonly FieldError[];
  /** Rules about the change itself, for example immutable fields; runs besides `validate`. */
  readonly validateUpdate?: (object: KubeObject, old: KubeObject) => readonly FieldError[];
  /** Texts for `Warning` headers; nothing here refuses. */
  readonly warnings?: (object: KubeObject, old: KubeObject | undefined) => readonly string[];
  /** A write to `/status` may change labels and annotations too, as those of built-in kinds do; default: no (API M-10). */
  readonly statusTakesLabels?: boolean;
  /** PUT without resourceVersion is let through (most built-in kinds); otherwise 422 (API U-03). Default false. */
  readonly allowUnconditionalUpdate?: boolean;
  /** Graceful deletion: seconds from the request (may be undefined) to what holds; absent: immediate (API ). */
  readonly gracePeriodSeconds?: (object: KubeObject, requested: number | undefined) => number;
  /** What else changes when deletion starts but cannot end yet, e.g. a Namespace's `status.phase`. */
  readonly prepareForDelete?: (object: KubeObject) => KubeObject;
  /** Something besides `metadata.finalizers` keeps a terminating object, e.g. a Namespace's `spec.finalizers`. */
  readonly holdsDeletion?: (object: KubeObject) => boolean;
}

/** Paths below the object, for `/scale` (API D-12, S-39). */
export type ScalePaths = {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** Serialized label selector. */
  readonly statusSelector?: readonly string[];
};

/** `/scale` is declared, and every request to it answered 400 with this text. */
export type RefusedScale = { readonly refusal: string };

/** One kind as `registry/compute/resources.ts` and `registry/core/resources.ts` list it. */
export type ResourceDefinition = {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly resource: string;
  readonly singular: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly schemaName: string;
  readonly strategy: Strategy;
  readonly columns: readonly import("./interface.ts").Column[];
  /** Beyond `metadata.name` and `metadata.namespace`: field label to its value. */
  readonly selectableFields: { readonly [label: string]: (object: KubeObject) => string };
  readonly status: boolean;
  readonly scale?: ScalePaths | RefusedScale;
  /** Serves `/finalize`, where a PUT replaces `spec.finalizers` and nothing else (Namespaces). */
  readonly finalize?: boolean;
  /** Default: all. Events have no `/status`, Leases no `scale`; reviews are not definitions at all. */
  readonly acceptsProtobuf: boolean;
};
