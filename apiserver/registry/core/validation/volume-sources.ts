/** What the sources of volumes must say, of those that other systems provide. Texts are kube-apiserver's. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../../errors/field-error.ts";
import { isSet, isTrue, listOf, numericOf, objectOf, textOf, textsOf } from "../../../machinery/fields.ts";
import { labelProblems, subdomainProblems } from "../../../machinery/names.ts";
import { validateLabels } from "../../../machinery/object-meta.ts";
import { compareQuantities, parseQuantity, Quantity } from "../../../machinery/quantity.ts";
import { annotationKeyErrors, type Fields, named, textsIn } from "./checks.ts";
import { claimSpecErrors } from "./small-kinds.ts";

export type SourceCheck = (source: JsonObject, at: string) => readonly FieldError[];

/** Each of these must not be empty. */
const neededTexts: { readonly [field: string]: readonly string[] } = {
  awsElasticBlockStore: ["volumeID"],
  azureDisk: ["diskName", "diskURI"],
  azureFile: ["secretName", "shareName"],
  cinder: ["volumeID"],
  csi: ["driver"],
  flexVolume: ["driver"],
  gcePersistentDisk: ["pdName"],
  gitRepo: ["repository"],
  glusterfs: ["endpoints", "path"],
  image: ["reference"],
  iscsi: ["targetPortal", "iqn"],
  nfs: ["server", "path"],
  photonPersistentDisk: ["pdID"],
  portworxVolume: ["volumeID"],
  quobyte: ["registry", "volume"],
  rbd: ["image"],
  scaleIO: ["gateway", "system", "volumeName"],
  storageos: ["volumeName"],
  vsphereVolume: ["volumePath"],
};

const greatestByte = 255;
const between = (source: JsonObject, field: string, at: string): readonly FieldError[] => {
  const value = numericOf(source, field) ?? 0;
  return value >= 0 && value <= greatestByte
    ? []
    : [invalid(joinPath(at, field), value, `must be between 0 and ${greatestByte}, inclusive`)];
};
const oneOf =
  (field: string, values: readonly string[]): SourceCheck =>
  (source, at) => {
    const value = textOf(source, field);
    return value === "" || values.includes(value) ? [] : [notSupported(joinPath(at, field), value, values)];
  };
const entries =
  (field: string): SourceCheck =>
  (source, at) =>
    listOf(source, field).length === 0 ? [required(joinPath(at, field), "")] : [];
/** A reference to a Secret, where there is one, names it. */
const secretNamed =
  (field: string): SourceCheck =>
  (source, at) =>
    isSet(source, field) && textOf(objectOf(source, field), "name") === ""
      ? [required(joinPath(at, field, "name"), "")]
      : [];

const managedDisk = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const blobDisk = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

function diskErrors(source: JsonObject, at: string): readonly FieldError[] {
  const uri = textOf(source, "diskURI");
  const [start, form] =
    textOf(source, "kind") === "Managed" ? ["/subscriptions/", managedDisk] : ["https://", blobDisk];
  return uri === "" || uri.startsWith(start) ? [] : [notSupported(joinPath(at, "diskURI"), uri, [form])];
}

/** iSCSI's names of targets: qualified, EUI-64 and network address authority. */
const iscsiNames = [
  /^iqn\.\d{4}-\d{2}\.[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?(?::.*)?$/i,
  /^eui\.[0-9a-f]{16}$/i,
  /^naa\.[0-9a-f]{32}$/i,
];

function targetErrors(source: JsonObject, at: string): readonly FieldError[] {
  const iqn = textOf(source, "iqn");
  const initiator = textOf(source, "initiatorName");
  const needsSecret = ["chapAuthDiscovery", "chapAuthSession"].some((field) => isTrue(source, field));
  const isName = (name: string): boolean => iscsiNames.some((form) => form.test(name));
  return [
    ...(iqn === "" || isName(iqn) ? [] : [invalid(joinPath(at, "iqn"), iqn, iscsiRule(iqn))]),
    ...(!isSet(source, "initiatorName") || isName(initiator)
      ? []
      : [invalid(joinPath(at, "initiatorName"), initiator, iscsiRule(initiator))]),
    ...(needsSecret && !isSet(source, "secretRef") ? [required(joinPath(at, "secretRef"), "")] : []),
    ...secretNamed("secretRef")(source, at),
    ...between(source, "lun", at),
  ];
}
const maxInitiatedName = 64;

/** Of a volume that says who asks for it: the two are one name to iSCSI. */
export function initiatedErrors(volume: JsonObject, at: string): readonly FieldError[] {
  const iscsi = objectOf(volume, "iscsi");
  const name = textOf(volume, "name");
  const rule = `Total length of <volume name>:<iscsi.targetPortal> must be under ${maxInitiatedName} characters if iscsi.initiatorName is specified.`;
  return isSet(iscsi, "initiatorName") && `${name}:${textOf(iscsi, "targetPortal")}`.length > maxInitiatedName
    ? [invalid(joinPath(at, "name"), name, rule)]
    : [];
}

const iscsiRule = (name: string): string =>
  /^(iqn|eui|naa)/.test(name) ? "must be valid format" : "must be valid format starting with iqn, eui, or naa";

function fibreErrors(source: JsonObject, at: string): readonly FieldError[] {
  const [targets, ids] = [textsOf(source, "targetWWNs"), textsOf(source, "wwids")];
  const targetsAt = joinPath(at, "targetWWNs");
  if (targets.length === 0 && ids.length === 0)
    return [required(targetsAt, "must specify either targetWWNs or wwids, but not both")];
  if (targets.length > 0 && ids.length > 0)
    return [invalid(targetsAt, [...targets], "targetWWNs and wwids can not be specified simultaneously")];
  if (targets.length > 0 && !isSet(source, "lun"))
    return [required(joinPath(at, "lun"), "lun is required if targetWWNs is specified")];
  return targets.length > 0 ? between(source, "lun", at) : [];
}

function flockerErrors(source: JsonObject, at: string): readonly FieldError[] {
  const [name, uuid] = [textOf(source, "datasetName"), textOf(source, "datasetUUID")];
  if (name === "" && uuid === "") return [required(at, "one of datasetName and datasetUUID is required")];
  if (name !== "" && uuid !== "")
    return [invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously")];
  return name.includes("/") ? [invalid(joinPath(at, "datasetName"), name, "must not contain '/'")] : [];
}

const hostAndPort = /^[^\s:,]+:\d+$/;
const maxQuobyteTenant = 64;

function quobyteErrors(source: JsonObject, at: string): readonly FieldError[] {
  const [registry, tenant] = [textOf(source, "registry"), textOf(source, "tenant")];
  const isAddress = registry.split(",").every((pair) => hostAndPort.test(pair));
  return [
    ...(registry === "" || isAddress
      ? []
      : [
          invalid(joinPath(at, "registry"), registry, "must be a host:port pair or multiple pairs separated by commas"),
        ]),
    ...(tenant.length > maxQuobyteTenant
      ? [required(joinPath(at, "tenant"), "must be a UUID and may not exceed a length of 64 characters")]
      : []),
  ];
}

function gitErrors(source: JsonObject, at: string): readonly FieldError[] {
  const directory = textOf(source, "directory");
  const directoryAt = joinPath(at, "directory");
  return [
    ...(directory.startsWith("/") ? [invalid(directoryAt, directory, "must be a relative path")] : []),
    ...(directory.split("/").includes("..") ? [invalid(directoryAt, directory, "must not contain '..'")] : []),
  ];
}

const absolute =
  (field: string): SourceCheck =>
  (source, at) => {
    const path = textOf(source, field);
    return path === "" || path.startsWith("/") ? [] : [invalid(joinPath(at, field), path, "must be an absolute path")];
  };

const nameOf =
  (field: string, problemsOf: (name: string) => readonly string[]): SourceCheck =>
  (source, at) => {
    const name = textOf(source, field);
    return name === "" ? [] : named(name, joinPath(at, field), problemsOf);
  };
const driverProblems = (name: string): readonly string[] =>
  name.length > 63 ? ["must be no more than 63 characters"] : subdomainProblems(name.toLowerCase());

/** Claims that live and die with the pod. */
function ephemeralErrors(source: JsonObject, at: string): readonly FieldError[] {
  const template = objectOf(source, "volumeClaimTemplate");
  const templateAt = joinPath(at, "volumeClaimTemplate");
  if (template === undefined) return [required(templateAt, "")];
  return [
    ...claimMetadataErrors(objectOf(template, "metadata"), joinPath(templateAt, "metadata")),
    ...claimSpecErrors(objectOf(template, "spec"), joinPath(templateAt, "spec")),
  ];
}

/** Fields of a claim's metadata that are its own matter, not its template's. */
const claimsOwn = ["name", "generateName", "namespace", "ownerReferences", "finalizers", "resourceVersion", "uid"];

const claimMetadataErrors = (metadata: Fields, at: string): readonly FieldError[] => [
  ...validateLabels(textsIn(metadata, "labels"), joinPath(at, "labels")),
  ...annotationKeyErrors(metadata, at),
  ...claimsOwn
    .filter((field) => isSet(metadata, field))
    .map((field) => forbiddenField(joinPath(at, field), "cannot be set")),
];

const emptyDirErrors: SourceCheck = (source, at) => {
  const medium = textOf(source, "medium");
  const known = ["", "Memory", "HugePages"].includes(medium) || medium.startsWith("HugePages-");
  const size = isSet(source, "sizeLimit") ? parseQuantity(source.sizeLimit ?? null) : undefined;
  return [
    ...(known ? [] : [notSupported(joinPath(at, "medium"), medium, ["", "Memory", "HugePages", "HugePages-<size>"])]),
    ...(size !== undefined && compareQuantities(size, Quantity.of(0n)) < 0
      ? [forbiddenField(joinPath(at, "sizeLimit"), "SizeLimit field must be a valid resource quantity")]
      : []),
  ];
};

const flexErrors: SourceCheck = (source, at) =>
  Object.keys(objectOf(source, "options") ?? {}).flatMap((key) => {
    const namespace = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
    const reserved = /(^|\.)(kubernetes|k8s)\.io$/.test(namespace);
    return reserved
      ? [invalid(joinPath(at, "options", { key }), key, "kubernetes.io and k8s.io namespaces are reserved")]
      : [];
  });

const checks: { readonly [field: string]: readonly SourceCheck[] } = {
  awsElasticBlockStore: [(source, at) => between(source, "partition", at)],
  azureDisk: [
    diskErrors,
    oneOf("cachingMode", ["None", "ReadOnly", "ReadWrite"]),
    oneOf("kind", ["Dedicated", "Managed", "Shared"]),
  ],
  cephfs: [entries("monitors")],
  cinder: [secretNamed("secretRef")],
  csi: [
    nameOf("driver", driverProblems),
    secretNamed("nodePublishSecretRef"),
    (source, at) =>
      nameOf("name", subdomainProblems)(
        objectOf(source, "nodePublishSecretRef") ?? {},
        joinPath(at, "nodePublishSecretRef"),
      ),
  ],
  emptyDir: [emptyDirErrors],
  ephemeral: [ephemeralErrors],
  fc: [fibreErrors],
  flexVolume: [flexErrors],
  flocker: [flockerErrors],
  gcePersistentDisk: [(source, at) => between(source, "partition", at)],
  gitRepo: [gitErrors],
  image: [oneOf("pullPolicy", ["Always", "IfNotPresent", "Never"])],
  iscsi: [targetErrors],
  nfs: [absolute("path")],
  quobyte: [quobyteErrors],
  rbd: [entries("monitors")],
  storageos: [nameOf("volumeName", labelProblems), nameOf("volumeNamespace", labelProblems), secretNamed("secretRef")],
};

/** What is wrong with one source of a volume. */
export function foreignSourceErrors(field: string, source: JsonObject, at: string): readonly FieldError[] {
  return [
    ...(neededTexts[field] ?? []).flatMap((text) =>
      textOf(source, text) === "" ? [required(joinPath(at, text), "")] : [],
    ),
    ...(checks[field] ?? []).flatMap((check) => check(source, at)),
  ];
}

/** Volumes that can be given to a container as a device. */
const blockSources = ["persistentVolumeClaim", "ephemeral"];

/** Devices that a container wants, none of which it mounts besides. */
export function deviceErrors(
  container: JsonObject,
  at: string,
  volumes: ReadonlyMap<string, JsonObject>,
): readonly FieldError[] {
  const mounts = listOf(container, "volumeMounts").filter((mount) => typeof mount === "object");
  const mountedAt = new Set(mounts.map((mount) => textOf(Object(mount), "mountPath")));
  const mounted = new Set(mounts.map((mount) => textOf(Object(mount), "name")));
  const [names, paths] = [new Set<string>(), new Set<string>()];
  return listOf(container, "volumeDevices").flatMap((device, index) => {
    const deviceAt = joinPath(at, "volumeDevices", index);
    const [name, path] = [textOf(Object(device), "name"), textOf(Object(device), "devicePath")];
    const [nameAt, pathAt] = [joinPath(deviceAt, "name"), joinPath(deviceAt, "devicePath")];
    const volume = volumes.get(name);
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(nameAt, ""));
    else if (names.has(name)) errors.push(invalid(nameAt, name, "must be unique"));
    if (volume !== undefined && !blockSources.some((source) => isSet(volume, source)))
      errors.push(
        invalid(nameAt, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"),
      );
    if (name !== "" && volume === undefined)
      errors.push({ type: "FieldValueNotFound", field: nameAt, body: `Not found: ${JSON.stringify(name)}` });
    if (path === "") errors.push(required(pathAt, ""));
    else if (paths.has(path)) errors.push(invalid(pathAt, path, "must be unique"));
    if (path !== "" && path.split("/").includes("..")) errors.push(invalid(pathAt, path, "must not contain '..'"));
    if (mounted.has(name)) errors.push(invalid(nameAt, name, "must not already exist in volumeMounts"));
    if (path !== "" && mountedAt.has(path))
      errors.push(invalid(pathAt, path, "must not already exist as a path in volumeMounts"));
    names.add(name);
    paths.add(path);
    return errors;
  });
}
