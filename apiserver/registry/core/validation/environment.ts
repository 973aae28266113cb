/** What the variables of a container must be. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, notSupported, required } from "../../../errors/field-error.ts";
import { isSet, listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { subdomainProblems } from "../../../machinery/names.ts";
import { entriesAt, named } from "./checks.ts";
import { amountOfContainerErrors } from "./resource-field.ts";
import { descending, nonEmpty } from "./volume-files.ts";

export const environmentErrors = (container: JsonObject, at: string): readonly FieldError[] => [
  ...entriesAt(listOf(container, "env"), joinPath(at, "env")).flatMap(([variable, variableAt]) =>
    variableErrors(variable, variableAt),
  ),
  ...entriesAt(listOf(container, "envFrom"), joinPath(at, "envFrom")).flatMap(([source, sourceAt]) =>
    sourceErrors(source, sourceAt),
  ),
];

const variableName = /^[\x20-\x3c\x3e-\x7e]+$/;
const variableNameRule =
  "a valid environment variable name must consist only of printable ASCII characters other than '='";

function variableErrors(variable: JsonObject, at: string): readonly FieldError[] {
  const name = textOf(variable, "name");
  const source = objectOf(variable, "valueFrom");
  const errors: FieldError[] = [];
  if (name === "") errors.push(required(joinPath(at, "name"), ""));
  else if (!variableName.test(name)) errors.push(invalid(joinPath(at, "name"), name, variableNameRule));
  if (source === undefined) return errors;
  const sources = Object.keys(source).filter((field) => isSet(source, field));
  const sourceAt = joinPath(at, "valueFrom");
  if (sources.length === 0) {
    errors.push(
      invalid(
        sourceAt,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  } else if (textOf(variable, "value") !== "") {
    errors.push(invalid(sourceAt, "", "may not be specified when `value` is not empty"));
  }
  if (sources.length > 1) {
    errors.push(invalid(sourceAt, "", "may not have more than one field specified at a time"));
  }
  for (const [field, check] of Object.entries(valueSources)) {
    const value = objectOf(source, field);
    if (value !== undefined) errors.push(...check(value, joinPath(sourceAt, field)));
  }
  return errors;
}

const podFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const podMapEntry = /^metadata\.(?:labels|annotations)\['.+'\]$/;
const dataKey = /^[-._a-zA-Z0-9]{1,253}$/;
const dataKeyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const valueSources: { readonly [field: string]: (source: JsonObject, at: string) => readonly FieldError[] } = {
  fieldRef(source, at) {
    const path = textOf(source, "fieldPath");
    if (path === "") return [required(joinPath(at, "fieldPath"), "")];
    const version = textOf(source, "apiVersion");
    if (version !== "" && version !== "v1")
      return [
        invalid(joinPath(at, "fieldPath"), path, `error converting fieldPath: unsupported pod version: ${version}`),
      ];
    return podFields.includes(path) || podMapEntry.test(path)
      ? []
      : [notSupported(joinPath(at, "fieldPath"), path, podFields)];
  },
  resourceFieldRef: amountOfContainerErrors,
  configMapKeyRef: keyErrors,
  secretKeyRef: keyErrors,
  fileKeyRef(source, at) {
    const key = textOf(source, "key");
    return [
      ...["volumeName", "path", "key"].flatMap((field) => nonEmpty(source, field, at)),
      ...descending(source, "path", at),
      ...(key === "" || variableName.test(key) ? [] : [invalid(joinPath(at, "key"), key, variableNameRule)]),
    ];
  },
};

/** Variables that are read from a file of a volume of the pod. */
export const variableVolumeErrors = (
  container: JsonObject,
  at: string,
  volumes: ReadonlyMap<string, JsonObject>,
): readonly FieldError[] =>
  entriesAt(listOf(container, "env"), joinPath(at, "env")).flatMap(([variable, variableAt]) => {
    const name = textOf(objectOf(objectOf(variable, "valueFrom"), "fileKeyRef"), "volumeName");
    const nameAt = joinPath(variableAt, "valueFrom", "fileKeyRef", "volumeName");
    if (name === "") return [];
    const volume = volumes.get(name);
    if (volume === undefined)
      return [{ type: "FieldValueNotFound", field: nameAt, body: `Not found: ${JSON.stringify(name)}` }];
    return isSet(volume, "emptyDir") ? [] : [invalid(nameAt, name, "must be an emptyDir volume")];
  });

function keyErrors(source: JsonObject, at: string): readonly FieldError[] {
  const [name, key] = [textOf(source, "name"), textOf(source, "key")];
  return [
    ...(name === "" ? [required(joinPath(at, "name"), "")] : named(name, joinPath(at, "name"), subdomainProblems)),
    ...(key === "" ? [required(joinPath(at, "key"), "")] : []),
    ...(key === "" || dataKey.test(key) ? [] : [invalid(joinPath(at, "key"), key, dataKeyRule)]),
  ];
}

/** All variables of an object. */
function sourceErrors(source: JsonObject, at: string): readonly FieldError[] {
  const prefix = textOf(source, "prefix");
  const given = ["configMapRef", "secretRef"].filter((field) => isSet(source, field));
  return [
    ...(prefix === "" || variableName.test(prefix) ? [] : [invalid(joinPath(at, "prefix"), prefix, variableNameRule)]),
    ...given.flatMap((field) => {
      const [name, nameAt] = [textOf(objectOf(source, field), "name"), joinPath(at, field, "name")];
      return name === "" ? [required(nameAt, "")] : named(name, nameAt, subdomainProblems);
    }),
    ...(given.length === 0 ? [invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")] : []),
    ...(given.length > 1 ? [invalid(at, "", "may not have more than one field specified at a time")] : []),
  ];
}
