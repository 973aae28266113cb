/** What the volumes of a pod must be, and how containers mount them. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { isSet, listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems } from "../../../machinery/names.ts";
import { entriesAt, named } from "./checks.ts";
import { projectedErrors } from "./projections.ts";
import { descending, fileErrors, itemErrors, noBacksteps, nonEmpty } from "./volume-files.ts";
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
    paths.add(mountPath);
    return errors;
  });
}

const notFound = (field: string, value: string): FieldError => ({
  type: "FieldValueNotFound",
  field,
  body: `Not found: ${JSON.stringify(value)}`,
});
