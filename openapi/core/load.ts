import { createHash, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { dirname, extname, join } from "node:path";
import type { Schema } from "../schema.ts";
import { generateCoreSchemas } from "./generate.ts";
import { type Model, parseModel } from "./model.ts";

/**
 * Core schemas are build output of an installed dependency (design D3): made on first use, kept beside the
 * dependency, and made anew when it or the generator changes.
 */
const packageName = "@kubernetes/client-node";
const generatorFiles = ["facts", "generate", "model", "../nodes"];

/**
 * The schemas of Kubernetes' own kinds, by component name.
 *
 * @param options.cacheDirectory  default: `.cache/functionmesh` in the `node_modules` that holds the models. One
 *                                that cannot be written only costs the next start some time.
 */
export async function loadCoreSchemas(options: { cacheDirectory?: string } = {}): Promise<Map<string, Schema>> {
  const packageFile = findPackageJSON(packageName, import.meta.url);
  if (packageFile === undefined) throw new Error(`${packageName} is not installed`);
  const packageDirectory = dirname(packageFile);
  const cacheDirectory = options.cacheDirectory ?? join(packageDirectory, "../../.cache/functionmesh");
  const cacheFile = join(cacheDirectory, `core-schemas-${await cacheKey(packageFile)}.json`);

  const cached = await readIfPresent(cacheFile);
  if (cached !== undefined) return new Map(Object.entries<Schema>(JSON.parse(cached)));
  const schemas = generateCoreSchemas(modelReader(join(packageDirectory, "dist/gen/models")));
  await writeIfPossible(cacheFile, JSON.stringify(Object.fromEntries(schemas)));
  return schemas;
}

function modelReader(directory: string): (name: string) => Model {
  const text = (file: string) => readFileSync(join(directory, file), "utf8");
  return (name) => parseModel(name, text(`${name}.js`), text(`${name}.d.ts`));
}

async function cacheKey(packageFile: string): Promise<string> {
  const extension = extname(import.meta.filename);
  const sources = generatorFiles.map((file) => join(import.meta.dirname, file + extension));
  const hash = createHash("sha256");
  for (const content of await Promise.all([packageFile, ...sources].map((file) => readFile(file)))) {
    hash.update(content).update("\0");
  }
  return hash.digest("hex").slice(0, 16);
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}

/** Readers never see half a file, whoever else writes it at the same time. */
async function writeIfPossible(file: string, text: string): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch {
    // A read-only installation: the schemas are made again by the next process.
  }
}
