import { readFile } from "node:fs/promises";
import { defaultSettings, type Settings } from "../../controllers/settings.ts";
import { parseSettingsFile } from "../../controllers/settings-file.ts";
import { StartError } from "../errors/start-error.ts";
import { parseYaml } from "../machinery/yaml.ts";
import { readProblemOf } from "../storage/embedded/file-problems.ts";
import type { Options } from "./options.ts";

/**
 * What this installation decides about workloads, from options and `--config-file`.
 * @param defaults  of this way to run
 * @throws StartError that names the file and what is wrong in it
 */
export async function readSettings(options: Options, defaults: Partial<Settings> = {}): Promise<Settings> {
  const { globalBackendConfig: name, globalBackendConfigNamespace: namespace, configFile } = options;
  const fromFile = configFile === "" ? {} : await readSettingsFile(configFile);
  return {
    ...defaultSettings,
    ...defaults,
    ...fromFile,
    initContainers: options.enableInitContainers,
    defaultAffinity: options.addDefaultAffinity,
    pauseRollout: options.pauseRollout,
    maxConcurrentRollouts: options.maxConcurrentRollouts,
    ...(options.readinessProbe && { readinessProbe: true }),
    ...(options.lastLogLines && { lastLogLines: true }),
    namespacedBackendConfig: options.namespacedBackendConfig,
    ...(options.cleanupNamespace === "" ? {} : { cleanupNamespace: options.cleanupNamespace }),
    ...(name === "" || namespace === "" ? {} : { globalBackendConfig: { namespace, name } }),
  };
}

async function readSettingsFile(file: string): Promise<Partial<Settings>> {
  try {
    return parseSettingsFile(parseYaml(await readFile(file, "utf8")).value);
  } catch (error) {
    throw new StartError(`--config-file ${file} cannot be used: ${readProblemOf(error, file)}`, { cause: error });
  }
}
