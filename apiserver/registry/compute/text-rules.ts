/** Rules about texts that end up in a container's command, environment or mounts, wherever in the spec they stand. */
import type { JsonObject, JsonValue } from "../../apis/meta/v1.ts";
import { type FieldError, invalid, joinPath, required } from "../../errors/field-error.ts";
import { entriesOf, isSet, listOf, objectOf, textOf } from "../../machinery/fields.ts";
import { imageProblem } from "../../machinery/image-reference.ts";
import { isObject, stringifyJson } from "../../machinery/json.ts";
import { subdomainProblems } from "../../machinery/names.ts";
import { entriesAt, named } from "../core/validation/checks.ts";
import type { WorkloadKind } from "./defaults.ts";

/** Free-form configuration travels as JSON, which writes such characters as escapes. */
const freeForm: ReadonlySet<string> = new Set([
  ...["funcConfig", "sourceConfig", "sinkConfig", "configs", "discoveryTriggererConfig", "config"],
]);
/** Control characters of ASCII other than tab and line breaks. */
const control = /[^\P{Cc}\t\n\r\x80-\x9f]/u;
const isUnprintable = (text: string): boolean => control.test(text) || !text.isWellFormed();
const unprintableRule = "must not contain control characters: no container can be started with them";

/** A NUL ends every argument and variable; no runtime starts a container with one (FM 11). */
export function unprintableErrors(value: JsonValue | undefined, at: string): readonly FieldError[] {
  return isPrintable(value) ? [] : listUnprintable(value, at);
}

/** Whether there is nothing to tell: paths are spelled out only for what is reported. */
function isPrintable(value: JsonValue | undefined): boolean {
  if (typeof value === "string") return !isUnprintable(value);
  if (Array.isArray(value)) return value.every(isPrintable);
  if (!isObject(value)) return true;
  for (const key of Object.keys(value)) {
    if (!freeForm.has(key) && (isUnprintable(key) || !isPrintable(value[key]))) return false;
  }
  return true;
}

function listUnprintable(value: JsonValue | undefined, at: string): readonly FieldError[] {
  if (typeof value === "string") return isUnprintable(value) ? [invalid(at, value, unprintableRule)] : [];
  if (Array.isArray(value)) return value.flatMap((item, index) => listUnprintable(item, joinPath(at, index)));
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const plain = /^[\w-]+$/.test(key);
    const itemAt = plain ? joinPath(at, key) : joinPath(at, { key });
    if (freeForm.has(key)) return [];
    const named = isUnprintable(key) ? [invalid(itemAt, key, unprintableRule)] : [];
    return [...named, ...listUnprintable(item, itemAt)];
  });
}

const imageFields = ["image", "downloaderImage", "cleanupImage", "filebeatImage"];

export const imageErrors = (spec: JsonObject, at: string): readonly FieldError[] =>
  imageFields.flatMap((field) => {
    const image = textOf(spec, field);
    const problem = image === "" ? undefined : imageProblem(image);
    return problem === undefined ? [] : [invalid(joinPath(at, field), image, problem)];
  });

/** Fields that hold the name of a ConfigMap or Secret, below `pulsar` and `pulsarPackageService`. */
const connectionNames: readonly (readonly string[])[] = [
  ["pulsarConfig"],
  ["authSecret"],
  ["tlsSecret"],
  ["tlsConfig", "certSecretName"],
  ["authConfig", "oauth2Config", "keySecretName"],
  ["cleanupAuthConfig", "oauth2Config", "keySecretName"],
];
/** … and a key in it. */
const connectionKeys: readonly (readonly string[])[] = [
  ["tlsConfig", "certSecretKey"],
  ["authConfig", "oauth2Config", "keySecretKey"],
  ["cleanupAuthConfig", "oauth2Config", "keySecretKey"],
];

/** What an object below a connection is nothing without. */
const needed: readonly (readonly [path: readonly string[], fields: readonly string[]])[] = [
  ...["authConfig", "cleanupAuthConfig"].flatMap((auth) => [
    [
      [auth, "oauth2Config"],
      ["issuerUrl", "keySecretName", "keySecretKey"],
    ] as const,
    [[auth, "genericAuth"], ["clientAuthenticationPlugin"]] as const,
  ]),
];

/** Those of `fields` that the object at `path`, if there is one, leaves empty. */
function missingTexts(
  owner: JsonObject | undefined,
  at: string,
  path: readonly string[],
  fields: readonly string[],
): readonly FieldError[] {
  const object = path.reduce<JsonObject | undefined>((parent, field) => objectOf(parent, field), owner);
  if (object === undefined) return [];
  return fields
    .filter((field) => textOf(object, field) === "")
    .map((field) => required(joinPath(at, ...path, field), `${path.at(-1) ?? "a volume"} is nothing without it`));
}

const dataKey = /^[-._a-zA-Z0-9]{1,253}$/;
const keyProblems = (key: string): readonly string[] =>
  dataKey.test(key) && key !== "." && !key.startsWith("..")
    ? []
    : ["must be the key of a ConfigMap or Secret: alphanumeric characters, '-', '_' or '.'"];

function textAt(object: JsonObject | undefined, path: readonly string[]): string {
  let owner = object;
  for (let at = 0; at < path.length - 1 && owner !== undefined; at++) owner = objectOf(owner, path[at] ?? "");
  return textOf(owner, path.at(-1) ?? "");
}

/** Of a name that may be left out; its path is spelled out only when there is something to tell. */
function optionalName(
  owner: JsonObject | undefined,
  at: string,
  path: readonly string[],
  problemsOf: (name: string) => readonly string[],
): readonly FieldError[] {
  const name = textAt(owner, path);
  if (name === "") return [];
  const problems = problemsOf(name);
  return problems.length === 0 ? [] : named(name, joinPath(at, ...path), () => problems);
}

/** Names of ConfigMaps and Secrets, and keys in them, are checked where pods refer to them. */
export function referenceErrors(spec: JsonObject, at: string): readonly FieldError[] {
  const connections = ["pulsar", "pulsarPackageService"].flatMap((field) => {
    const connection = objectOf(spec, field);
    if (connection === undefined) return [];
    const connectionAt = joinPath(at, field);
    return [
      ...connectionNames.flatMap((path) => optionalName(connection, connectionAt, path, subdomainProblems)),
      ...connectionKeys.flatMap((path) => optionalName(connection, connectionAt, path, keyProblems)),
      ...needed.flatMap(([path, fields]) => missingTexts(connection, connectionAt, path, fields)),
    ];
  });
  const logs = ["java", "python", "golang"].flatMap((runtime) => {
    const config = objectOf(objectOf(objectOf(spec, runtime), "log"), "logConfig");
    if (config === undefined) return [];
    const configAt = joinPath(at, runtime, "log", "logConfig");
    return [
      ...optionalName(config, configAt, ["name"], subdomainProblems),
      ...optionalName(config, configAt, ["key"], keyProblems),
      ...missingTexts(objectOf(spec, runtime), joinPath(at, runtime), ["log", "logConfig"], ["name", "key"]),
    ];
  });
  return [...connections, ...logs, ...secretErrors(spec, at), ...cryptoErrors(spec, at), ...sharedFileErrors(spec, at)];
}

const variableName = /^[\x21-\x3c\x3e-\x7e]+$/;

function secretErrors(spec: JsonObject, at: string): readonly FieldError[] {
  return entriesOf(spec, "secretsMap").flatMap(([variable, secret]) => {
    const secretAt = joinPath(at, "secretsMap", { key: variable });
    const [name, key] = [textOf(secret, "path"), textOf(secret, "key")];
    return [
      ...(variableName.test(variable)
        ? []
        : [
            invalid(
              secretAt,
              variable,
              "must be the name of an environment variable: printable characters other than space and '='",
            ),
          ]),
      ...(name === ""
        ? [required(joinPath(secretAt, "path"), "name of the Secret")]
        : optionalName(secret, secretAt, ["path"], subdomainProblems)),
      ...(key === ""
        ? [required(joinPath(secretAt, "key"), "key in the Secret")]
        : optionalName(secret, secretAt, ["key"], keyProblems)),
    ];
  });
}

/** Every place of a CryptoConfig, with its path. */
export function cryptoConfigs(spec: JsonObject, at: string): readonly (readonly [JsonObject, string])[] {
  const producer = objectOf(objectOf(objectOf(spec, "output"), "producerConf"), "cryptoConfig");
  const configs: (readonly [JsonObject, string])[] = [];
  if (producer !== undefined) configs.push([producer, joinPath(at, "output", "producerConf", "cryptoConfig")]);
  for (const [topic, consumer] of entriesOf(objectOf(spec, "input"), "sourceSpecs")) {
    const config = objectOf(consumer, "cryptoConfig");
    if (config !== undefined)
      configs.push([config, joinPath(at, "input", "sourceSpecs", { key: topic }, "cryptoConfig")]);
  }
  return configs;
}

/** Files that a connection has mounted, by the directory they are in (FM 4.6). */
const connectionFiles: readonly (readonly [directory: string, path: readonly string[], secret: string, key: string])[] =
  (
    [
      ["pulsar", ""],
      ["pulsarPackageService", "-package-service"],
    ] as const
  ).flatMap(([field, suffix]) => [
    [`/etc/tls/pulsar-functions${suffix}`, [field, "tlsConfig"], "certSecretName", "certSecretKey"] as const,
    [`/etc/oauth2${suffix}`, [field, "authConfig", "oauth2Config"], "keySecretName", "keySecretKey"] as const,
  ]);

/** Keys of two Secrets can't be one file: no pod with both would be taken. */
function sharedFileErrors(spec: JsonObject, at: string): readonly FieldError[] {
  const holders = new Map<string, string>();
  for (const [directory, path, secret, key] of connectionFiles) {
    const [name, file] = [textAt(spec, [...path, secret]), textAt(spec, [...path, key])];
    if (name !== "" && file !== "") holders.set(`${directory}/${file}`, name);
  }
  return cryptoConfigs(spec, at).flatMap(([config, configAt]) =>
    entriesAt(listOf(config, "cryptoSecrets"), joinPath(configAt, "cryptoSecrets")).flatMap(([secret, secretAt]) => {
      const [name, directory] = [textOf(secret, "secretName"), textOf(secret, "asVolume")];
      const file = `${directory}/${textOf(secret, "secretKey")}`;
      const holder = holders.get(file) ?? name;
      holders.set(file, holder);
      return directory === "" || holder === name
        ? []
        : [invalid(joinPath(secretAt, "asVolume"), directory, `already has the file ${file}, of Secret ${holder}`)];
    }),
  );
}

function cryptoErrors(spec: JsonObject, at: string): readonly FieldError[] {
  return cryptoConfigs(spec, at).flatMap(([config, configAt]) =>
    entriesAt(listOf(config, "cryptoSecrets"), joinPath(configAt, "cryptoSecrets")).flatMap(([secret, secretAt]) => {
      const mountPath = textOf(secret, "asVolume");
      return [
        ...optionalName(secret, secretAt, ["secretName"], subdomainProblems),
        ...optionalName(secret, secretAt, ["secretKey"], keyProblems),
        ...(mountPath === "" ? [] : missingTexts(secret, secretAt, [], ["secretName", "secretKey"])),
        ...(mountPath !== "" && !/^\/[^:]*$/.test(mountPath)
          ? [invalid(joinPath(secretAt, "asVolume"), mountPath, "must be an absolute path without ':'")]
          : []),
      ];
    }),
  );
}

/** Pulsar's rule for tenants and namespaces. */
const pulsarName = /^[-=:.\w]+$/;

export const pulsarNameErrors = (spec: JsonObject, at: string): readonly FieldError[] => [
  ...["tenant", "namespace"].flatMap((field) => {
    const name = textOf(spec, field);
    return name === "" || pulsarName.test(name)
      ? []
      : [invalid(joinPath(at, field), name, "must consist of letters, digits and -=:._, as Pulsar has it")];
  }),
  ...(/[/\r\n]/.test(textOf(spec, "name"))
    ? [
        invalid(
          joinPath(at, "name"),
          textOf(spec, "name"),
          "must not contain '/' or line breaks: it ends the function's name in Pulsar, tenant/namespace/name",
        ),
      ]
    : []),
];

/** Linux starts no program with an argument longer than 131,072 bytes; the rest of a command takes some thousand. */
const maxConfigBytes = 120_000;
/** Of a character of JSON that is quoted once more: an escaped quote or backslash takes two, any other in UTF-8 three at most. */
const maxQuotedBytes = 3;

/**
 * Configuration is an argument of the instance, and a Source's is in it twice (argo-workflows issue 15471). An object with more
 * of it can be stored; its controller says `ArgumentTooLong` by the exact size, and this at once.
 */
export function configSizeWarnings(spec: JsonObject, at: string, kind: WorkloadKind): readonly string[] {
  const fields = {
    Function: ["funcConfig", "sourceConfig", "sinkConfig"],
    Source: ["sourceConfig"],
    Sink: ["sinkConfig"],
  };
  return fields[kind].flatMap((field) => {
    if (!isSet(spec, field)) return [];
    const text = stringifyJson(spec[field] ?? null);
    const times = kind === "Source" ? 2 : 1;
    if (text.length * maxQuotedBytes * times <= maxConfigBytes) return [];
    const bytes = Buffer.byteLength(JSON.stringify(text)) * times;
    if (bytes <= maxConfigBytes) return [];
    return [
      `${joinPath(at, field)}: makes an argument of ${bytes} bytes, and an instance can be started with ${maxConfigBytes} at most: it will not run. Keep large values in a file or topic`,
    ];
  });
}
