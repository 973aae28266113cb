/** The operator's configuration file (FM 7.3), as far as it is about workloads. */
import type { JsonObject, JsonValue } from "../apiserver/apis/meta/v1.ts";
import { isObject } from "../apiserver/machinery/json.ts";
import { defaultSettings, type Settings } from "./settings.ts";

type FileSettings = Pick<
  Settings,
  | "runnerImages"
  | "fallbackImage"
  | "downloaderImage"
  | "filebeatImage"
  | "imagePullSecrets"
  | "imagePullPolicy"
  | "podLabels"
  | "podAnnotations"
>;

/** Every mistake of a configuration file at once. */
export class SettingsFileError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.name = "SettingsFileError";
    this.problems = problems;
  }
}

const pullPolicies = ["Always", "IfNotPresent", "Never"] as const;

/**
 * Keys that are absent keep their defaults; keys that are not known are ignored, as in the operator.
 *
 * @throws SettingsFileError
 */
export function parseSettingsFile(file: JsonValue): FileSettings {
  const problems: string[] = [];
  const read = new Reader(isObject(file) ? file : {}, "", problems);
  if (!isObject(file) && file !== null) problems.push("must be a mapping");
  const images = read.section("runnerImages");
  const policy = read.text("runnerImagePullPolicy") || defaultSettings.imagePullPolicy;
  const imagePullPolicy = pullPolicies.find((known) => known === policy);
  if (imagePullPolicy === undefined) problems.push(`runnerImagePullPolicy: must be one of ${pullPolicies.join(", ")}`);
  const defaults = defaultSettings.runnerImages;
  const settings: FileSettings = {
    runnerImages: {
      java: images.text("java") || defaults.java,
      python: images.text("python") || defaults.python,
      go: images.text("go") || defaults.go,
      generic: { ...defaults.generic, ...images.map("genericRuntime") },
    },
    // Beyond the operator's file: every image that is used when a workload names none can be changed here.
    fallbackImage: images.text("connectors") || defaultSettings.fallbackImage,
    downloaderImage: read.text("downloaderImage") || defaultSettings.downloaderImage,
    filebeatImage: read.text("filebeatImage") || defaultSettings.filebeatImage,
    imagePullSecrets: read.names("runnerImagePullSecrets"),
    imagePullPolicy: imagePullPolicy ?? defaultSettings.imagePullPolicy,
    podLabels: read.map("resourceLabels"),
    podAnnotations: read.map("resourceAnnotations"),
  };
  if (problems.length > 0) throw new SettingsFileError(problems);
  return settings;
}

/** Takes values of one mapping and notes what has the wrong type. Keys are compared without regard to case. */
class Reader {
  readonly #values: ReadonlyMap<string, JsonValue | undefined>;
  readonly #path: string;
  readonly #problems: string[];

  constructor(values: JsonObject, path: string, problems: string[]) {
    this.#values = new Map(Object.entries(values).map(([key, value]) => [key.toLowerCase(), value]));
    this.#path = path;
    this.#problems = problems;
  }

  text(key: string): string {
    const value = this.#value(key) ?? "";
    return typeof value === "string" ? value : this.#wrong(key, "text", "");
  }

  section(key: string): Reader {
    const value = this.#value(key) ?? {};
    const object: JsonObject = isObject(value) ? value : this.#wrong(key, "a mapping", {});
    return new Reader(object, `${this.#path}${key}.`, this.#problems);
  }

  map(key: string): { [key: string]: string } {
    const value = this.#value(key) ?? {};
    if (!isObject(value)) return this.#wrong(key, "a mapping", {});
    const entries = Object.entries(value).flatMap(([name, text]) =>
      typeof text === "string" ? [[name, text] as const] : this.#wrong(`${key}.${name}`, "text", []),
    );
    return Object.fromEntries(entries);
  }

  /** A list of objects of which only the name counts. */
  names(key: string): string[] {
    const value = this.#value(key) ?? [];
    if (!Array.isArray(value)) return this.#wrong(key, "a list", []);
    return value.flatMap((item, index) => {
      const name = isObject(item) ? item.name : undefined;
      return typeof name === "string" ? [name] : this.#wrong(`${key}[${index}].name`, "text", []);
    });
  }

  #value(key: string): JsonValue | undefined {
    return this.#values.get(key.toLowerCase());
  }

  #wrong<T>(key: string, wanted: string, instead: T): T {
    this.#problems.push(`${this.#path}${key}: must be ${wanted}`);
    return instead;
  }
}
