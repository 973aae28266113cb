/** Rules of kinds that have few: Events, Leases, claims, ControllerRevisions. */
import type { KubeObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  path,
  required,
} from "../../../errors/field-error.ts";
import { isSet, numericOf, objectOf, textOf, textsOf } from "../../../machinery/fields.ts";
import { deepEqual } from "../../../machinery/json.ts";
import { qualifiedNameProblems, subdomainProblems } from "../../../machinery/names.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import { atLeast, type Fields, named, selectorErrors, unchanged } from "./checks.ts";

/** Longest text of a field of an Event, in characters. */
const eventTexts: readonly (readonly [field: string, most: number])[] = [
  ["reportingInstance", 128],
  ["action", 128],
  ["reason", 128],
];
const maxEventMessage = 1024;

/** An Event that says when it happened says who tells, too; older reporters know neither. */
function reporterErrors(event: KubeObject): readonly FieldError[] {
  if (!isSet(event, "eventTime")) return [];
  const reporter = textOf(event, "reportingComponent");
  const tooLong = (field: string, most: number) => invalid(field, "", `can have at most ${most} characters`);
  return [
    ...(reporter === "" ? [required("reportingComponent", "")] : []),
    ...named(reporter, "reportingComponent", qualifiedNameProblems),
    ...eventTexts.flatMap(([field, most]) => {
      const text = textOf(event, field);
      if (text === "") return [required(field, "")];
      return text.length > most ? [tooLong(field, most)] : [];
    }),
    ...(textOf(event, "message").length > maxEventMessage ? [tooLong("message", maxEventMessage)] : []),
  ];
}

export const validateEvent = (event: KubeObject): readonly FieldError[] => [
  ...homeErrors(event),
  ...reporterErrors(event),
];

const eventFields = [
  "involvedObject",
  "reason",
  "message",
  "source",
  "firstTimestamp",
  "lastTimestamp",
  "count",
  "type",
  "eventTime",
  "action",
  "related",
  "reportingComponent",
  "reportingInstance",
];

/** What happened at a time has happened: only how often it did again may change. Older reporters count in the Event itself. */
export const validateEventUpdate = (event: KubeObject, old: KubeObject): readonly FieldError[] =>
  isSet(old, "eventTime") ? unchanged(event, old, eventFields, "") : [];

/** An Event stands in the namespace of what it is about; about the cluster, in `default`. */
function homeErrors(event: KubeObject): readonly FieldError[] {
  const { namespace = "" } = event.metadata;
  const about = textOf(objectOf(event, "involvedObject"), "namespace");
  const home = about === "" ? "default" : about;
  return namespace === home || (about === "" && namespace === "kube-system" && isSet(event, "eventTime"))
    ? []
    : [invalid(path("involvedObject", "namespace"), about, "does not match event.namespace")];
}

export function validateLease(lease: KubeObject): readonly FieldError[] {
  const spec = objectOf(lease, "spec");
  const seconds = numericOf(spec, "leaseDurationSeconds");
  return [
    ...(seconds !== undefined && seconds <= 0
      ? [invalid(path("spec", "leaseDurationSeconds"), seconds, "must be greater than 0")]
      : []),
    ...atLeast(spec, "leaseTransitions", "spec", 0),
  ];
}

const zero = Quantity.of(0n);

const storageOf = (spec: Fields): Quantity | undefined => {
  const amount = objectOf(objectOf(spec, "resources"), "requests")?.storage;
  return amount === undefined ? undefined : parseQuantity(amount);
};

export function validateVolume(volume: KubeObject): readonly FieldError[] {
  const spec = objectOf(volume, "spec");
  return [
    ...(isSet(spec, "capacity") ? [] : [required(path("spec", "capacity"), "")]),
    ...(textsOf(spec, "accessModes").length === 0 ? [required(path("spec", "accessModes"), "")] : []),
  ];
}

export const validateClaim = (claim: KubeObject): readonly FieldError[] =>
  claimSpecErrors(objectOf(claim, "spec"), "spec");

const accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/** Of a claim, or of a template of one. */
export function claimSpecErrors(spec: Fields, at: string): readonly FieldError[] {
  const modes = textsOf(spec, "accessModes");
  const storage = storageOf(spec);
  const storageAt = joinPath(at, "resources", { key: "storage" });
  return [
    ...(modes.length === 0 ? [required(joinPath(at, "accessModes"), "at least 1 access mode is required")] : []),
    ...(modes.includes("ReadWriteOncePod") && new Set(modes).size > 1
      ? [forbiddenField(joinPath(at, "accessModes"), "may not use ReadWriteOncePod with other access modes")]
      : []),
    ...(storage === undefined ? [required(storageAt, "")] : []),
    ...(storage !== undefined && compareQuantities(storage, zero) <= 0
      ? [invalid(storageAt, String(storage), "must be greater than zero")]
      : []),
    ...selectorErrors(spec, "selector", at),
    ...modes.flatMap((mode) =>
      accessModes.includes(mode) ? [] : [notSupported(joinPath(at, "accessModes"), mode, accessModes)],
    ),
    ...(textOf(spec, "storageClassName") === ""
      ? []
      : named(textOf(spec, "storageClassName"), joinPath(at, "storageClassName"), subdomainProblems)),
    ...(textOf(spec, "volumeAttributesClassName") === ""
      ? []
      : named(textOf(spec, "volumeAttributesClassName"), joinPath(at, "volumeAttributesClassName"), subdomainProblems)),
    ...["dataSource", "dataSourceRef"].flatMap((field) => sourceErrors(objectOf(spec, field), joinPath(at, field))),
    ...(["", "Block", "Filesystem"].includes(textOf(spec, "volumeMode"))
      ? []
      : [notSupported(joinPath(at, "volumeMode"), textOf(spec, "volumeMode"), ["Block", "Filesystem"])]),
  ];
}

/** What a new volume is filled from. */
function sourceErrors(source: Fields, at: string): readonly FieldError[] {
  if (source === undefined) return [];
  const [apiGroup, kind] = [textOf(source, "apiGroup"), textOf(source, "kind")];
  return [
    ...["name", "kind"].flatMap((field) => (textOf(source, field) === "" ? [required(joinPath(at, field), "")] : [])),
    ...(apiGroup === "" && kind !== "PersistentVolumeClaim"
      ? [invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup")]
      : []),
    ...(apiGroup === "" ? [] : named(apiGroup, joinPath(at, "apiGroup"), subdomainProblems)),
  ];
}

/** What may change of a claim: the volume it is bound to, and, once it is bound, what it asks for. */
export function validateClaimUpdate(claim: KubeObject, old: KubeObject): readonly FieldError[] {
  const [spec, oldSpec] = [objectOf(claim, "spec"), objectOf(old, "spec")];
  const bound = textOf(objectOf(claim, "status"), "phase") === "Bound";
  const volume = textOf(oldSpec, "volumeName") === "" ? ["volumeName"] : [];
  const free = [...volume, ...(bound ? ["resources", "volumeAttributesClassName"] : [])];
  const rest = (one: Fields) =>
    Object.fromEntries(Object.entries(one ?? {}).filter(([field]) => !free.includes(field)));
  const [size, oldSize] = [storageOf(spec), storageOf(oldSpec)];
  const shrinks = size !== undefined && oldSize !== undefined && compareQuantities(size, oldSize) < 0;
  return [
    ...(deepEqual(rest(spec), rest(oldSpec))
      ? []
      : [
          forbiddenField(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
          ),
        ]),
    ...(shrinks
      ? [forbiddenField(path("spec", "resources", "requests", "storage"), "field can not be less than status.capacity")]
      : []),
  ];
}

export const validateRevision = (revision: KubeObject): readonly FieldError[] => [
  ...(isSet(revision, "data") ? [] : [required("data", "data is mandatory")]),
  ...atLeast(revision, "revision", "", 0),
];

export const validateRevisionUpdate = (revision: KubeObject, old: KubeObject): readonly FieldError[] =>
  unchanged(revision, old, ["data"], "");
