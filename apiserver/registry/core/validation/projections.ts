/** What the sources of a projected volume must be: each makes files, all in one directory. Texts are kube-apiserver's. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import {
  type FieldError,
  forbiddenField,
  invalid,
  joinPath,
  notSupported,
  required,
} from "../../../errors/field-error.ts";
import { isSet, listOf, numericOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems, qualifiedNameProblems, subdomainProblems } from "../../../machinery/names.ts";
import { entriesAt, named, selectorErrors } from "./checks.ts";
import { podFileErrors } from "./pod-files.ts";
import { itemErrors, localPath, modeErrors, nonEmpty } from "./volume-files.ts";

export function projectedErrors(source: JsonObject, at: string): readonly FieldError[] {
  const projections = entriesAt(listOf(source, "sources"), joinPath(at, "sources"));
  return [
    ...modeErrors(source, "defaultMode", at),
    ...projections.flatMap(([projection, projectionAt]) => projectionErrors(projection, projectionAt)),
    ...duplicateErrors(
      projections.flatMap(([projection]) => filesOf(projection)),
      at,
    ),
  ];
}

function projectionErrors(projection: JsonObject, at: string): readonly FieldError[] {
  const given = Object.keys(projection).filter((field) => isSet(projection, field));
  return [
    ...(given.length > 1 ? [forbiddenField(at, "may not specify more than 1 volume type per source")] : []),
    ...given.flatMap((field) => {
      const source = objectOf(projection, field);
      const check = Object.hasOwn(checks, field) ? checks[field] : undefined;
      return source === undefined || check === undefined ? [] : check(source, joinPath(at, field));
    }),
  ];
}

type SourceCheck = (source: JsonObject, at: string) => readonly FieldError[];

const namedItems: SourceCheck = (source, at) => [...nonEmpty(source, "name", at), ...itemErrors(source, at, true)];

/** Seconds. */
const tokenExpiration = { least: 600, most: 2 ** 32 };
const certificateExpiration = { least: 3600, most: 91 * 24 * 3600, mostOfKubernetes: 24 * 3600 };
const keyTypes = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const certificateFiles = ["credentialBundlePath", "keyPath", "certificateChainPath"];

const checks: { readonly [field: string]: SourceCheck } = {
  configMap: namedItems,
  secret: namedItems,
  downwardAPI: podFileErrors,
  serviceAccountToken(source, at) {
    const expiration = numericOf(source, "expirationSeconds") ?? tokenExpiration.least;
    const outside = (what: string) => [
      invalid(joinPath(at, "expirationSeconds"), expiration, `may not specify a duration ${what}`),
    ];
    return [
      ...nonEmpty(source, "path", at),
      ...localPath(source, "path", at),
      ...(expiration < tokenExpiration.least ? outside("less than 10 minutes") : []),
      ...(expiration > tokenExpiration.most ? outside("larger than 2^32 seconds") : []),
    ];
  },
  clusterTrustBundle(source, at) {
    return [...bundleErrors(source, at), ...nonEmpty(source, "path", at), ...localPath(source, "path", at)];
  },
  podCertificate(source, at) {
    const [signer, keyType] = [textOf(source, "signerName"), textOf(source, "keyType")];
    const expiration = numericOf(source, "maxExpirationSeconds") ?? certificateExpiration.least;
    const most = isOfKubernetes(signer) ? certificateExpiration.mostOfKubernetes : certificateExpiration.most;
    const outside = (what: string) => [
      invalid(joinPath(at, "maxExpirationSeconds"), expiration, `if provided, maxExpirationSeconds must be ${what}`),
    ];
    const files = certificateFiles.filter((field) => textOf(source, field) !== "");
    return [
      ...signerErrors(signer, joinPath(at, "signerName")),
      ...(keyTypes.includes(keyType) ? [] : [notSupported(joinPath(at, "keyType"), keyType, keyTypes)]),
      ...(expiration < certificateExpiration.least ? outside(`>= ${certificateExpiration.least}`) : []),
      ...(expiration > most ? outside(`<= ${most}`) : []),
      ...files.flatMap((field) => localPath(source, field, at)),
      ...Object.keys(objectOf(source, "userAnnotations") ?? {}).flatMap((key) =>
        domainKeyErrors(key, joinPath(at, "userAnnotations")),
      ),
      ...(files.length === 0 ? [required(at, `specify at least one of ${certificateFiles.join(", ")}`)] : []),
    ];
  },
};

/** A key that says whose it is. */
function domainKeyErrors(key: string, at: string): readonly FieldError[] {
  if (key === "") return [required(at, "")];
  const errors = named(key, at, (name) => qualifiedNameProblems(name.toLowerCase()));
  return key.includes("/")
    ? errors
    : [...errors, invalid(at, key, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}

function bundleErrors(source: JsonObject, at: string): readonly FieldError[] {
  const [byName, bySigner] = [isSet(source, "name"), isSet(source, "signerName")];
  const [name, signer] = [textOf(source, "name"), textOf(source, "signerName")];
  if (byName && bySigner) return [invalid(at, source, "only one of name and signerName may be used")];
  if (bySigner) {
    return [...signerErrors(signer, joinPath(at, "signerName")), ...selectorErrors(source, "labelSelector", at)];
  }
  if (!byName) return [required(at, "either name or signerName must be specified")];
  if (name === "") return [required(joinPath(at, "name"), "must be a valid object name")];
  // Of a bundle of a signer `domain/path` the name begins with `domain:path:`.
  const problems = name.split(":").flatMap(subdomainProblems);
  return [
    ...problems.map((problem) => invalid(joinPath(at, "name"), name, `not a valid clustertrustbundlename: ${problem}`)),
    ...(isSet(source, "labelSelector")
      ? [
          invalid(
            joinPath(at, "labelSelector"),
            source.labelSelector ?? null,
            "labelSelector must be unset if name is specified",
          ),
        ]
      : []),
  ];
}

const isOfKubernetes = (signer: string): boolean => /^(?:[^/]*\.)?kubernetes\.io\//.test(signer);

function signerErrors(signer: string, at: string): readonly FieldError[] {
  if (signer === "") return [required(at, "")];
  const [domain = "", path = "", ...more] = signer.split("/");
  if (!signer.includes("/") || more.length > 0) {
    return [invalid(at, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const labels = domain.split(".");
  const firstProblems = (parts: readonly string[], problemsOf: (part: string) => readonly string[], whole: string) => {
    const wrong = parts.find((part) => problemsOf(part).length > 0);
    return wrong === undefined
      ? []
      : problemsOf(wrong).map((problem) => invalid(at, whole, `validating label ${JSON.stringify(wrong)}: ${problem}`));
  };
  return [
    ...firstProblems(labels, labelProblems, domain),
    ...(labels.length < 2
      ? [invalid(at, domain, "should be a domain with at least two segments separated by dots")]
      : []),
    ...firstProblems(path.split("."), subdomainProblems, path),
  ];
}

/** A file of a projected volume: where it lies, and what an error about it names. */
type ProjectedFile = { readonly path: string; readonly told: string };

function filesOf(projection: JsonObject): readonly ProjectedFile[] {
  const items = (field: string): readonly ProjectedFile[] =>
    entriesAt(listOf(objectOf(projection, field), "items"), "").map(([item]) => {
      const path = textOf(item, "path");
      return { path, told: textOf(objectOf(projection, field), "name") || path };
    });
  const single = (field: string, names: readonly string[]): readonly ProjectedFile[] =>
    names.map((name) => {
      const path = textOf(objectOf(projection, field), name);
      return { path, told: path };
    });
  return [
    ...items("secret"),
    ...items("configMap"),
    ...items("downwardAPI"),
    ...single("clusterTrustBundle", ["path"]),
    ...single("podCertificate", certificateFiles),
  ].filter(({ path }) => path !== "");
}

function duplicateErrors(files: readonly ProjectedFile[], at: string): readonly FieldError[] {
  const paths = new Set<string>();
  return files.flatMap(({ path, told }) => {
    if (paths.has(path)) return [invalid(at, told, "conflicting duplicate paths")];
    paths.add(path);
    return [];
  });
}
