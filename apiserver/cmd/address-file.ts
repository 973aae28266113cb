/** Where the server of a data directory was last reached: kubeconfigs made later must say the same. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writePrivately } from "../storage/embedded/private-files.ts";

const fileOf = (dataDirectory: string): string => join(dataDirectory, "address");

/** @param url of the server, with the port it really has */
export function recordAddress(dataDirectory: string, url: string): void {
  writePrivately(fileOf(dataDirectory), `${url}\n`);
}

/** `undefined` where no server has been since servers write it down. */
export function recordedAddress(dataDirectory: string): string | undefined {
  try {
    const text = readFileSync(fileOf(dataDirectory), "utf8").trim();
    return URL.canParse(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
