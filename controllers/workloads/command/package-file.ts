/** Where a package is, and who downloads it (FM 4.6, 4.7). */
import path from "node:path/posix";
import type { Settings } from "../../settings.ts";
import type { Runtime } from "../workload.ts";

const workDirectory = "/pulsar/";
export const downloadDirectory = "/pulsar/download";

/** The package is fetched by an init container. */
export const usesDownloader = (runtime: Runtime | undefined, { initContainers }: Settings): boolean =>
  initContainers && runtime?.location !== undefined && runtime.file !== "";

/**
 * The package's path in the main container. What an init container downloads is mounted under the working directory,
 * so its path is made absolute there; a package that is part of the image stays where it is (FM W-48).
 */
export function packagePath(runtime: Runtime, settings: Settings): string {
  if (!usesDownloader(runtime, settings) || runtime.file.startsWith(workDirectory)) return runtime.file;
  return path.join(workDirectory, runtime.file);
}

/** Where the init container puts it. */
export const downloadPath = (runtime: Runtime): string => `${downloadDirectory}/${path.basename(runtime.file)}`;

/**
 * How the main container mounts the download: its directory, or the file alone when it lies directly in the working
 * directory, which the image fills.
 */
export function downloadMount(runtime: Runtime, settings: Settings): { mountPath: string; subPath?: string } {
  const file = packagePath(runtime, settings);
  const directory = path.dirname(file);
  return `${directory}/` === workDirectory
    ? { mountPath: file, subPath: path.basename(file) }
    : { mountPath: directory };
}
