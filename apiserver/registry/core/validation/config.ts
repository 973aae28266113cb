/** What ConfigMaps and Secrets may hold. */
import type { KubeObject } from "../../../apis/meta/v1.ts";
import { type FieldError, forbiddenField, invalid, path, required, tooLong } from "../../../errors/field-error.ts";
import { limits } from "../../../limits.ts";
import { isSet, objectOf, textOf } from "../../../machinery/fields.ts";
import { deepEqual, parseJson } from "../../../machinery/json.ts";
import { named, unchanged } from "./checks.ts";

const maxDataBytes = limits.maxConfigBytes.value;
const maxKeyBytes = 253;
const keyPattern = "[-._a-zA-Z0-9]+";
const wholeKey = new RegExp(`^${keyPattern}$`);

/** A key is the name of a file where it is mounted. */
function keyProblems(key: string): readonly string[] {
  const problems: string[] = [];
  if (key.length > maxKeyBytes) problems.push(`must be no more than ${maxKeyBytes} bytes`);
  if (!wholeKey.test(key)) {
    problems.push(
      `a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '${keyPattern}')`,
    );
  }
  if (key === "." || key === "..") problems.push(`must not be '${key}'`);
  else if (key.startsWith("..")) problems.push("must not start with '..'");
  return problems;
}

const keyErrors = (object: KubeObject, field: string): readonly FieldError[] =>
  Object.keys(objectOf(object, field) ?? {}).flatMap((key) => named(key, path(field, { key }), keyProblems));

const base64Bytes = (text: string): number => Buffer.byteLength(text, "base64");

function sizeOf(object: KubeObject, field: string, bytesOf: (text: string) => number): number {
  let bytes = 0;
  for (const value of Object.values(objectOf(object, field) ?? {})) bytes += bytesOf(String(value));
  return bytes;
}

export function validateConfigMap(object: KubeObject): readonly FieldError[] {
  const data = objectOf(object, "data") ?? {};
  const both = Object.keys(objectOf(object, "binaryData") ?? {}).filter((key) => Object.hasOwn(data, key));
  const size = sizeOf(object, "data", Buffer.byteLength) + sizeOf(object, "binaryData", base64Bytes);
  return [
    ...keyErrors(object, "data"),
    ...keyErrors(object, "binaryData"),
    ...both.map((key) => invalid(path("data", { key }), key, "duplicate of key present in binaryData")),
    ...(size > maxDataBytes ? [tooLong("", maxDataBytes, "bytes")] : []),
  ];
}

const serviceAccountAnnotation = "kubernetes.io/service-account.name";

/** Keys without which a Secret of a type is of no use, and which of them hold JSON. */
const requiredKeys: { readonly [type: string]: readonly string[] } = {
  "kubernetes.io/dockercfg": [".dockercfg"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
};
/** Of these, the ones that must hold something. */
const filledKeys: ReadonlySet<string> = new Set(["ssh-privatekey"]);
const jsonKeys: ReadonlySet<string> = new Set([".dockercfg", ".dockerconfigjson"]);

export function validateSecret(object: KubeObject): readonly FieldError[] {
  const size = sizeOf(object, "data", base64Bytes);
  return [
    ...keyErrors(object, "data"),
    ...(size > maxDataBytes ? [tooLong("data", maxDataBytes, "bytes")] : []),
    ...typeErrors(object),
  ];
}

function typeErrors(object: KubeObject): readonly FieldError[] {
  const type = textOf(object, "type");
  const data = objectOf(object, "data") ?? {};
  const keyAt = (key: string) => path("data", { key });
  switch (type) {
    case "kubernetes.io/service-account-token":
      return (object.metadata.annotations?.[serviceAccountAnnotation] ?? "") === ""
        ? [required(path("metadata", "annotations", { key: serviceAccountAnnotation }), "")]
        : [];
    case "kubernetes.io/basic-auth":
      return isSet(data, "username") || isSet(data, "password")
        ? []
        : [required(keyAt("username"), ""), required(keyAt("password"), "")];
    default:
      return (Object.hasOwn(requiredKeys, type) ? (requiredKeys[type] ?? []) : []).flatMap((key) => {
        if (!isSet(data, key) || (filledKeys.has(key) && textOf(data, key) === "")) return [required(keyAt(key), "")];
        return jsonKeys.has(key) && !isJson(textOf(data, key))
          ? [invalid(keyAt(key), "<secret contents redacted>", "must be valid JSON")]
          : [];
      });
  }
}

function isJson(base64: string): boolean {
  try {
    parseJson(Buffer.from(base64, "base64").toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

export function validateImmutableData(object: KubeObject, old: KubeObject): readonly FieldError[] {
  if (old.immutable !== true) return [];
  return ["data", "binaryData", "immutable"].flatMap((field) =>
    deepEqual(object[field] ?? null, old[field] ?? null)
      ? []
      : [forbiddenField(path(field), "field is immutable when `immutable` is set")],
  );
}

export const validateSecretUpdate = (object: KubeObject, old: KubeObject): readonly FieldError[] => [
  ...unchanged(object, old, ["type"], ""),
  ...validateImmutableData(object, old),
];
