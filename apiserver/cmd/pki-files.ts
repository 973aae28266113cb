/**
 * Keys and certificates on disk. What is missing is made; what is there and cannot be right is refused with a sentence, for
 * others trust it: a CA that was replaced in silence locks everybody out, and a key that was ends every token.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { KeyPair } from "../authentication/issue-certificate.ts";
import { StartError } from "../errors/start-error.ts";
import { fileProblem, problemOf } from "../storage/embedded/file-problems.ts";
import { makeDirectories } from "../storage/embedded/make-directories.ts";
import { directoryProblem, makePrivate, writePrivately } from "../storage/embedded/private-files.ts";

export type PairName = "ca" | "serving" | "admin";

/** `key`: the certificate is not there; whoever made the pair was interrupted, or somebody removed it. */
export type FoundPair =
  | { readonly state: "missing" }
  | { readonly state: "key"; readonly key: KeyObject; readonly text: string }
  | { readonly state: "pair"; readonly pair: KeyPair; readonly certificate: X509Certificate; readonly key: KeyObject };

export class PkiFiles {
  readonly directory: string;

  /** @param directory may be missing until something is written */
  constructor(directory: string) {
    this.directory = path.resolve(directory);
  }

  /**
   * Makes the directory, or makes sure that nobody else can put files into it.
   * @throws StartError
   */
  prepare(): void {
    try {
      makeDirectories(this.directory);
      const problem = directoryProblem(this.directory);
      if (problem !== undefined) throw new Error(problem);
      for (const file of this.names()) if (file.endsWith(".key")) makePrivate(this.#file(file));
    } catch (error) {
      throw this.refused(problemOf(error, this.directory), "Nothing was changed");
    }
  }

  /** Of all that is there; none while the directory is missing. */
  names(): readonly string[] {
    try {
      return readdirSync(this.directory).filter((name) => !name.endsWith(".tmp"));
    } catch {
      return [];
    }
  }

  /**
   * @param remedy  what can be done when the files are damaged
   * @throws StartError for a certificate without its key, and for what is none or does not belong together
   */
  readPair(name: PairName, remedy: string): FoundPair {
    const [certificateFile, keyFile] = [`${name}.crt`, `${name}.key`];
    const text = this.read(certificateFile);
    const keyText = this.read(keyFile);
    if (keyText === undefined) {
      if (text === undefined) return { state: "missing" };
      throw this.refused(`${keyFile} is missing, and ${certificateFile} is there`, remedy);
    }
    const key = this.#parsed(keyFile, "private key", remedy, () => createPrivateKey(keyText));
    if (text === undefined) return { state: "key", key, text: keyText };
    const certificate = this.#parsed(certificateFile, "certificate", remedy, () => new X509Certificate(text));
    if (!certificate.checkPrivateKey(key))
      throw this.refused(`${keyFile} is not the key of ${certificateFile}`, remedy);
    return { state: "pair", pair: { certificate: text, key: keyText }, certificate, key };
  }

  /** @throws StartError when it is there and no private key */
  readKey(file: string, remedy: string): string | undefined {
    const text = this.read(file);
    if (text !== undefined) this.#parsed(file, "private key", remedy, () => createPrivateKey(text));
    return text;
  }

  /** The key first: a certificate is never without the key it is of. */
  writePair(name: PairName, { certificate, key }: KeyPair): void {
    this.write(`${name}.key`, key);
    this.write(`${name}.crt`, certificate);
  }

  write(file: string, content: string): void {
    writePrivately(this.#file(file), content);
  }

  /** @param remedy sentence without its end */
  refused(why: string, remedy: string): StartError {
    return new StartError(`keys in ${this.directory} are refused: ${why}. ${remedy}`);
  }

  /** `undefined` when it is missing. */
  read(name: string): string | undefined {
    const file = this.#file(name);
    const problem = fileProblem(file);
    if (problem !== undefined) throw this.refused(`${name} cannot be read: ${problem}`, "Put that right");
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw this.refused(`${name} cannot be read: ${problemOf(error, file)}`, "Put that right");
    }
  }

  #parsed<T>(file: string, what: string, remedy: string, parse: () => T): T {
    try {
      return parse();
    } catch {
      throw this.refused(`${file} is damaged: it holds no ${what}`, remedy);
    }
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }
}
