/** What the volumes of a pod must be, and how containers mount them. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems } from "../../../machinery/names.ts";
import { entriesAt, type Fields, named } from "./checks.ts";
import { foreignSourceErrors } from "./volume-sources.ts";

/** Members of a volume other than its source. */
const noSource: ReadonlySet<string> = new Set(["name"]);

export function volumeErrors(volume: JsonObject, at: string): readonly FieldError[] {
  const name = textOf(volume, "name");
  const [, ...others] = Object.keys(volume).filter((field) => !noSource.has(field) && isSet(volume, field));
  return [
    ...(name === "" ? [required(joinPath(at, "name"), "")] : named(name, joinPath(at, "name"), labelProblems)),
    ...others.map((field) => forbiddenField(joinPath(at, field), "may not specify more than 1 volume type")),
    ...Object.keys(volume).flatMap((field) => {
      const source = noSource.has(field) ? undefined : objectOf(volume, field);
      if (source === undefined) return [];
      const sourceAt = joinPath(at, field);
      const own = Object.hasOwn(sources, field) ? (sources[field]?.(source, sourceAt) ?? []) : [];
      return [...own, ...foreignSourceErrors(field, source, sourceAt)];
    }),
  ];
}

/** Of the sources that a cluster has by itself, what keeps them from being mounted. */
const sources: { readonly [field: string]: (source: JsonObject, at: string) => readonly FieldError[] } = {
  configMap: (source, at) => [...nonEmpty(source, "name", at), ...fileErrors(source, at)],
  secret: (source, at) => [...nonEmpty(source, "secretName", at), ...fileErrors(source, at)],
  persistentVolumeClaim: (source, at) => nonEmpty(source, "claimName", at),
  hostPath: (source, at) => [...nonEmpty(source, "path", at), ...noBacksteps(source, "path", at)],
  downwardAPI: (source, at) => itemErrors(source, at, false),
  projected: (source, at) => [
    ...modeErrors(source, "defaultMode", at),
    ...entriesAt(listOf(source, "sources"), joinPath(at, "sources")).flatMap(([projection, projectionAt]) =>
      projectionErrors(projection, projectionAt),
    ),
  ],
};

const nonEmpty = (object: Fields, field: string, at: string): readonly FieldError[] =>
  textOf(object, field) === "" ? [required(joinPath(at, field), "")] : [];

function projectionErrors(projection: JsonObject, at: string): readonly FieldError[] {
  const [, ...others] = Object.keys(projection).filter((field) => isSet(projection, field));
  const named = (field: string): readonly FieldError[] => {
    const source = objectOf(projection, field);
    const sourceAt = joinPath(at, field);
    return source === undefined ? [] : [...nonEmpty(source, "name", sourceAt), ...itemErrors(source, sourceAt, true)];
  };
  const token = objectOf(projection, "serviceAccountToken");
  const expiration = numericOf(token, "expirationSeconds") ?? minTokenSeconds;
  const tokenAt = joinPath(at, "serviceAccountToken");
  return [
    ...others.map((field) => forbiddenField(joinPath(at, field), "may not specify more than 1 volume type")),
    ...named("configMap"),
    ...named("secret"),
    ...itemErrors(objectOf(projection, "downwardAPI"), joinPath(at, "downwardAPI"), false),
    ...(token === undefined ? [] : [...nonEmpty(token, "path", tokenAt), ...descending(token, "path", tokenAt)]),
    ...(expiration < minTokenSeconds
      ? [invalid(joinPath(tokenAt, "expirationSeconds"), expiration, "may not specify a duration less than 10 minutes")]
      : []),
  ];
}
const minTokenSeconds = 600;

const fileErrors = (source: JsonObject, at: string): readonly FieldError[] => [
  ...modeErrors(source, "defaultMode", at),
  ...itemErrors(source, at, true),
];

/** @param keyed  each item is a key of an object, not a field of the pod */
function itemErrors(source: Fields, at: string, keyed: boolean): readonly FieldError[] {
  return entriesAt(listOf(source, "items"), joinPath(at, "items")).flatMap(([item, itemAt]) => [
    ...(keyed ? nonEmpty(item, "key", itemAt) : []),
    ...nonEmpty(item, "path", itemAt),
    ...descending(item, "path", itemAt),
    ...modeErrors(item, "mode", itemAt),
  ]);
}

const greatestMode = 0o777;

function modeErrors(object: JsonObject, field: string, at: string): readonly FieldError[] {
  const mode = numericOf(object, field) ?? 0;
  return mode >= 0 && mode <= greatestMode
    ? []
    : [invalid(joinPath(at, field), mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}

function noBacksteps(object: JsonObject, field: string, at: string): readonly FieldError[] {
  const path = textOf(object, field);
  return path.split("/").includes("..") ? [invalid(joinPath(at, field), path, "must not contain '..'")] : [];
}

/** A path below a directory. */
const descending = (object: JsonObject, field: string, at: string): readonly FieldError[] => [
  ...(textOf(object, field).startsWith("/")
    ? [invalid(joinPath(at, field), textOf(object, field), "must be a relative path")]
    : []),
  ...noBacksteps(object, field, at),
];

export function mountErrors(
  container: JsonObject,
  at: string,
  volumes: Pick<ReadonlySet<string>, "has">,
): readonly FieldError[] {
  const paths = new Set<string>();
  return entriesAt(listOf(container, "volumeMounts"), joinPath(at, "volumeMounts")).flatMap(([mount, mountAt]) => {
    const [name, mountPath] = [textOf(mount, "name"), textOf(mount, "mountPath")];
    const errors: FieldError[] = [];
    if (name === "") errors.push(required(joinPath(mountAt, "name"), ""));
    else if (!volumes.has(name)) errors.push(notFound(joinPath(mountAt, "name"), name));
    if (mountPath === "") errors.push(required(joinPath(mountAt, "mountPath"), ""));
    else if (paths.has(mountPath)) errors.push(invalid(joinPath(mountAt, "mountPath"), mountPath, "must be unique"));
    if (isSet(mount, "subPath") && isSet(mount, "subPathExpr")) {
      errors.push(
        invalid(
          joinPath(mountAt, "subPathExpr"),
          textOf(mount, "subPathExpr"),
          "subPathExpr and subPath are mutually exclusive",
        ),
      );
    }
    errors.push(...descending(mount, "subPath", mountAt), ...descending(mount, "subPathExpr", mountAt));
    paths.add(mountPath);
    return errors;
  });
}

const notFound = (field: string, value: string): FieldError => ({
  type: "FieldValueNotFound",
  field,
  body: `Not found: ${JSON.stringify(value)}`,
});
