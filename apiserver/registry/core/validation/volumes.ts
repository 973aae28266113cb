/** What the volumes of a pod must be, and how containers mount them. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../../errors/field-error.ts";
import { isSet, isTrue, listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems } from "../../../machinery/names.ts";
import { entriesAt, named } from "./checks.ts";
import { podFileErrors } from "./pod-files.ts";
import { projectedErrors } from "./projections.ts";
import { descending, fileErrors, modeErrors, noBacksteps, nonEmpty } from "./volume-files.ts";
import { foreignSourceErrors, initiatedErrors } from "./volume-sources.ts";

/** Members of a volume other than its source. */
const noSource: ReadonlySet<string> = new Set(["name"]);

export function volumeErrors(volume: JsonObject, at: string): readonly FieldError[] {
  const name = textOf(volume, "name");
  const [, ...others] = Object.keys(volume).filter((field) => !noSource.has(field) && isSet(volume, field));
  return [
    ...(name === "" ? [required(joinPath(at, "name"), "")] : named(name, joinPath(at, "name"), labelProblems)),
    ...initiatedErrors(volume, at),
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
  downwardAPI: (source, at) => [...modeErrors(source, "defaultMode", at), ...podFileErrors(source, at)],
  projected: projectedErrors,
};

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
    errors.push(...recursionErrors(mount, joinPath(mountAt, "recursiveReadOnly")));
    paths.add(mountPath);
    return errors;
  });
}

const recursions = ["Disabled", "Enabled", "IfPossible"];

/** What is mounted below a mount is read-only as well only where the mount itself is, and stays what it is. */
function recursionErrors(mount: JsonObject, at: string): readonly FieldError[] {
  const [recursion, propagation] = [textOf(mount, "recursiveReadOnly"), textOf(mount, "mountPropagation")];
  if (!isSet(mount, "recursiveReadOnly") || recursion === "Disabled") return [];
  if (!recursions.includes(recursion)) return [notSupported(at, recursion, recursions)];
  return [
    ...(isTrue(mount, "readOnly") ? [] : [forbiddenField(at, "may only be specified when readOnly is true")]),
    ...(propagation === "" || propagation === "None"
      ? []
      : [forbiddenField(at, "may only be specified when mountPropagation is None or not specified")]),
  ];
}

const notFound = (field: string, value: string): FieldError => ({
  type: "FieldValueNotFound",
  field,
  body: `Not found: ${JSON.stringify(value)}`,
});
