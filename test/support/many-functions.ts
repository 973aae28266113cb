/** A store of many Functions that takes no memory of its own: values are made when they are read. */

import { AdmissionChain } from "../../apiserver/admission/chain.ts";
import { computeResources } from "../../apiserver/registry/compute/resources.ts";
import { createEndpoints } from "../../apiserver/registry/generic/endpoint.ts";
import type { ResourceEndpoint } from "../../apiserver/registry/rest/interface.ts";
import type { RangeOptions, RangeResult, StorageBackend, StoredValue } from "../../apiserver/storage/interface.ts";
import { loadSchemas } from "../../openapi/schemas/index.ts";
import { benchFunction } from "../bench/objects.ts";
import { MemoryBackend } from "./memory-backend.ts";
import { aContext, isFullStorage, writeOf } from "./widgets.ts";

const prefix = "/registry/compute.functionmesh.io/functions/";
export const manyNamespace = "bench";

/** Stands for the number of an object in the one the others are made after: as long as the numbers are. */
const marker = 700_000;
const nameOf = (index: number): string => `bench-${marker + index}`;

const definition = computeResources.find(({ resource }) => resource === "functions");
const schemas = loadSchemas();

/** The Functions as this server stores them, `managedFields` and all. */
async function storedFunction(): Promise<string> {
  const ending = new AbortController();
  const backend = new MemoryBackend();
  try {
    const { storage } = functionsEndpoint(backend, ending.signal);
    if (!isFullStorage(storage)) throw new Error("Functions serve every verb");
    const object = JSON.parse(benchFunction(nameOf(0), marker));
    await storage.create(aContext({ namespace: manyNamespace }), writeOf("", object, { fieldManager: "bench" }));
    const { value } = await backend.get(`${prefix}${manyNamespace}/${nameOf(0)}`);
    return Buffer.from(value?.value ?? []).toString();
  } finally {
    ending.abort();
  }
}

export function functionsEndpoint(backend: StorageBackend, signal: AbortSignal): ResourceEndpoint {
  if (definition === undefined) throw new Error("Functions are served");
  const [endpoint] = createEndpoints(definition, { backend, schemas, admission: new AdmissionChain([]), signal });
  if (endpoint === undefined) throw new Error("Functions have a version");
  return endpoint;
}

/** Reads of the newest state make `count` Functions; what is written is kept. */
export class ManyFunctions extends MemoryBackend {
  readonly #count: number;
  readonly #text: string;
  readonly #firstRevision = 2;

  static async of(count: number): Promise<ManyFunctions> {
    return new ManyFunctions(count, await storedFunction());
  }

  private constructor(count: number, text: string) {
    super(count + 2);
    this.#count = count;
    this.#text = text;
  }

  key(index: number): string {
    return `${prefix}${manyNamespace}/${nameOf(index)}`;
  }

  value(index: number): Buffer {
    const number = String(marker + index);
    return Buffer.from(
      this.#text.replaceAll(String(marker), number).replace('"shard":"0"', `"shard":"${index % 100}"`),
    );
  }

  override async range(options: RangeOptions): Promise<RangeResult> {
    const { startKey = options.prefix, limit = this.#count } = options;
    const from = Number(/bench-(\d+)/.exec(startKey)?.[1] ?? marker) - marker + (startKey.endsWith("\0") ? 1 : 0);
    const to = Math.min(this.#count, from + limit);
    const items: StoredValue[] = [];
    for (let index = from; index < to; index++) {
      items.push({ key: this.key(index), value: this.value(index), revision: this.#firstRevision + index });
    }
    return { items, count: this.#count - from, revision: await this.currentRevision() };
  }
}
