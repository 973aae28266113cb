import { readFile } from "node:fs/promises";
import { parseBundle } from "../authentication/certificate-verifier.ts";
import { StartError } from "../errors/start-error.ts";
import { readProblemOf } from "../storage/embedded/file-problems.ts";

/**
 * A CA bundle that an option names: PEM of at least one certificate. Without one nobody could be believed, and nobody would
 * be told why.
 * @throws StartError that names the option and what is wrong with the file
 */
export async function readBundle(option: string, file: string): Promise<string> {
  try {
    const text = await readFile(file, "utf8");
    if (parseBundle(text).length > 0) return text;
  } catch (error) {
    throw new StartError(`--${option} ${file} cannot be used: ${readProblemOf(error, file)}`, { cause: error });
  }
  throw new StartError(`--${option} ${file} cannot be used: it holds no certificate in PEM`);
}
