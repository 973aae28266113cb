/** Where the server of a data directory was last reached: kubeconfigs made later must say the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { unusableDirectory } from "../storage/embedded/data-directory.ts";
import { fileProblem, problemOf } from "../storage/embedded/file-problems.ts";
import { writePrivately } from "../storage/embedded/private-files.ts";

const fileOf = (dataDirectory: string): string => join(dataDirectory, "address");

/**
 * @param url of the server, with the port it really has
 * @throws StartError
 */
export function recordAddress(dataDirectory: string, url: string): void {
  const file = fileOf(dataDirectory);
  try {
    writePrivately(file, `${url}\n`);
  } catch (error) {
    throw unusableDirectory(dataDirectory, problemOf(error, file), error);
  }
}

/** `undefined` where no server has been since servers write it down. */
export function recordedAddress(dataDirectory: string): string | undefined {
  const file = fileOf(dataDirectory);
  if (fileProblem(file) !== undefined) return undefined;
  try {
    const text = readFileSync(file, "utf8").trim();
    return URL.canParse(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
