import type { SchemaSet } from "../../../openapi/schema.ts";
import type { GroupVersionKind, KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import type { Steps } from "../../machinery/turns.ts";
import type { ObjectDecoder } from "../generic/object-decoder.ts";
import type { TrackedKind } from "../generic/tracking.ts";
import type { Column, RestStorage } from "./interface.ts";
import type { ParentStore, View } from "./part.ts";

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
  /** Besides or instead, of kinds whose objects may be many in one. */
  readonly validateInSteps?: (object: KubeObject, old?: KubeObject) => Steps<readonly FieldError[]>;
  /** Rules about the change itself, for example immutable fields; runs besides `validate`. */
  readonly validateUpdate?: (object: KubeObject, old: KubeObject) => readonly FieldError[];
  /** Rules of the status, when it is written by itself; the schema alone by default. */
  readonly validateStatus?: (object: KubeObject, old: KubeObject) => readonly FieldError[];
  /** Texts for `Warning` headers; nothing here refuses. */
  readonly warnings?: (object: KubeObject, old: KubeObject | undefined) => readonly string[];
  /** Default: a kind with a spec counts its generations (API M-07); some of Kubernetes' own never did. */
  readonly tracksGeneration?: false;
  /** What a new generation is counted for; default: everything but metadata and status. */
  readonly desiredState?: (object: KubeObject) => KubeObject;
  /** A write to `/status` may change labels and annotations too, as those of built-in kinds do; default: no (API M-10). */
  readonly statusTakesLabels?: boolean;
  /** PUT without resourceVersion is let through (most built-in kinds); otherwise 422 (API U-03). Default false. */
  readonly allowUnconditionalUpdate?: boolean;
  /** PUT of an object that is not there creates it, as of some built-in kinds; default: 404 (API U-01). */
  readonly createsOnUpdate?: true;
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
  /** The text of the selector, of kinds that carry it as an object. */
  readonly selectorOf?: (object: KubeObject) => string;
};

/** A version in which a resource is served, and how its objects look in it. */
export type ServedVersion = {
  /** The resource's own by default: Events alone are served in two groups. */
  readonly group?: string;
  readonly version: string;
  readonly schemaName: string;
  readonly columns: readonly Column[];
  /** Beyond `metadata.name` and `metadata.namespace`: field label to its value in the *stored* object. */
  readonly selectableFields: { readonly [label: string]: (stored: KubeObject) => string };
};

/**
 * To and from the version that is stored, both without loss: `toStored(fromStored(object))` is the object. Kind and
 * apiVersion are not theirs to change, of metadata only annotations, which keep what an older version has no field for. They
 * are pure, and bear every object that the schema they start from accepts.
 */
export type Conversion = {
  readonly fromStored: (stored: KubeObject) => KubeObject;
  readonly toStored: (served: KubeObject) => KubeObject;
  /** What a new object is refused for in this version alone, besides the rules of the kind; paths are the version's. */
  readonly validateNew?: (served: KubeObject) => readonly FieldError[];
};

/** What a subresource is made from, once per served version of its resource. */
export type SubresourceParts = {
  readonly definition: ResourceDefinition;
  /** The parent's, in the version that is served. */
  readonly store: ParentStore;
  /** How the parent's objects look in that version. */
  readonly view: View;
  /** Decodes the parent's objects in the version that is stored. */
  readonly storedDecoder: ObjectDecoder;
  /** Who manages the fields of its objects. */
  readonly tracked: TrackedKind;
  readonly schemas: SchemaSet;
};

/** A subresource, as its resource's row has it. What else it needs it closes over: who makes the row hands it in. */
export type SubresourceDefinition = {
  /** Last segment of the path. */
  readonly name: string;
  /** Kind of its bodies and that kind's schema; the parent's by default. */
  readonly body?: { readonly kind: GroupVersionKind; readonly schemaName: string };
  readonly storage: (parts: SubresourceParts) => RestStorage;
};

/** One kind, in the version that is stored, as `registry/compute/resources.ts` and `registry/core/resources.ts` list it. */
export type ResourceDefinition = Omit<ServedVersion, "group"> & {
  readonly group: string;
  readonly kind: string;
  readonly resource: string;
  readonly singular: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly strategy: Strategy;
  /** Further versions in which the same objects are served (design D5). */
  readonly otherVersions?: readonly (ServedVersion & Conversion)[];
  readonly subresources: readonly SubresourceDefinition[];
  /** Default: all. Events have no `/status`, Leases no `scale`; reviews are not definitions at all. */
  readonly acceptsProtobuf: boolean;
  /** Items of lists come without apiVersion and kind, as those of all built-in kinds and of no others do. */
  readonly bareItems?: boolean;
  /** Objects are deleted one by one only (Namespaces). */
  readonly deletesSingly?: boolean;
  /** A deletion answers the object that is gone, not a Status. */
  readonly returnsDeleted?: boolean;
};
