/** Files that tell a pod of itself. Texts are kube-apiserver's. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, required } from "../../../errors/field-error.ts";
import { isSet, listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { entriesAt, type Fields } from "./checks.ts";
import { amountOfContainerErrors } from "./resource-field.ts";
import { itemErrors, nonEmpty } from "./volume-files.ts";

export const podFileErrors = (source: Fields, at: string): readonly FieldError[] => [
  ...itemErrors(source, at, false),
  ...entriesAt(listOf(source, "items"), joinPath(at, "items")).flatMap(([item, itemAt]) => {
    const [field, amount] = [objectOf(item, "fieldRef"), objectOf(item, "resourceFieldRef")];
    if (field !== undefined) {
      const both = "fieldRef and resourceFieldRef can not be specified simultaneously";
      return [
        ...fieldErrors(field, joinPath(itemAt, "fieldRef")),
        ...(isSet(item, "resourceFieldRef") ? [invalid(itemAt, "resource", both)] : []),
      ];
    }
    if (amount === undefined) return [required(itemAt, "one of fieldRef and resourceFieldRef is required")];
    const amountAt = joinPath(itemAt, "resourceFieldRef");
    return [...nonEmpty(amount, "containerName", amountAt), ...amountOfContainerErrors(amount, amountAt)];
  }),
];

const wholeFields = ["metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations"];
const entry = /^metadata\.(?:labels|annotations)\['.+'\]$/;
/** Fields that a variable may hold and a file may not. */
const forVariables = new Set([
  ...["spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"],
  ...["spec.restartPolicy", "spec.schedulerName", "status.phase", "spec.hostNetwork", "status.nominatedNodeName"],
]);

function fieldErrors(field: JsonObject, at: string): readonly FieldError[] {
  const [path, version] = [textOf(field, "fieldPath"), textOf(field, "apiVersion")];
  const pathAt = joinPath(at, "fieldPath");
  if (path === "") return [required(pathAt, "")];
  if (version !== "" && version !== "v1")
    return [invalid(pathAt, path, `error converting fieldPath: unsupported pod version: ${version}`)];
  if (wholeFields.includes(path) || entry.test(path)) return [];
  if (forVariables.has(path)) {
    const supported = wholeFields.map((each) => JSON.stringify(each)).join(", ");
    const body = `Unsupported value: ${JSON.stringify(path)}: supported values: ${supported}`;
    return [{ type: "FieldValueNotSupported", field: pathAt, body }];
  }
  return [invalid(pathAt, path, `error converting fieldPath: field label not supported: ${path}`)];
}
