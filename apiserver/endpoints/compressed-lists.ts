/**
 * Lists compressed once: a list is cut into blocks of objects at places that stay where they are when others change, and a
 * block is compressed anew when one of its objects did.
 *
 * Invariant: forgetting all of this changes speed, not answers.
 */
import { LRUCache } from "lru-cache";
import { limits } from "../limits.ts";
import { inTurn } from "../machinery/turns.ts";
import type { EncodedObject } from "../registry/rest/interface.ts";
import { comma } from "./bytes.ts";
import { type DeflatedBlock, deflateBlock, GzipStream } from "./gzip-blocks.ts";

/** An object that comes from a cache, which has it once per revision. */
type CachedItem = EncodedObject & Required<Pick<EncodedObject, "revision" | "keyHash" | "bytes">>;

/** Objects of a block, on average: each that changed costs compressing so many. */
const meanObjects = 32;
const maxObjects = 128;
const maxBytes = 512 * 1024;
/** Lists that begin a block with one object and go on differently, such as by label; more forget each other. */
const maxVariants = 4;
/** What nobody has asked for in so long is forgotten. */
const keepMs = 5 * 60_000;
/** Bytes that are handed to the transport at once, about. */
const chunkBytes = 256 * 1024;

/** What a block is made of; its bytes are kept apart, so that those who know of it keep none. */
type Block = {
  /** Of its objects: with the first of them, which they are. */
  readonly revisions: readonly number[];
  readonly cut: number;
};

export type CompressibleList = {
  /** What comes before the first object. */
  readonly start: Uint8Array;
  readonly items: readonly EncodedObject[];
  /** Bytes of each object that are left out after its first, which opens it. */
  readonly cut: number;
  readonly end: Uint8Array;
};

/** Blocks of all lists. */
export class CompressedLists {
  /** By their first object: they go when that goes. */
  readonly #blocks = new WeakMap<EncodedObject, readonly Block[]>();
  readonly #kept: LRUCache<Block, DeflatedBlock>;
  /** Whoever asks while one is compressed waits for the same. */
  readonly #underWay = new Map<Block, Promise<DeflatedBlock>>();
  /** Blocks that were compressed so far. */
  compressed = 0;

  /** @param maxBytes  of compressed blocks that are kept */
  constructor(maxBytes: number = limits.maxCompressedBytes.value) {
    this.#kept = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ bytes }) => bytes.length,
      ttl: keepMs,
      ttlAutopurge: true,
      updateAgeOnGet: true,
    });
  }

  get bytes(): number {
    return this.#kept.calculatedSize;
  }

  /**
   * `undefined`: some objects are not of a cache.
   * @param whose  user in whose turns blocks are made
   */
  gzip(list: CompressibleList, whose: string): (() => AsyncGenerator<Uint8Array>) | undefined {
    const { items } = list;
    return items.every(isCached) ? () => this.#stream({ ...list, items }, whose) : undefined;
  }

  async *#stream(
    { start, items, cut, end }: CompressibleList & { readonly items: readonly CachedItem[] },
    whose: string,
  ): AsyncGenerator<Uint8Array> {
    const stream = new GzipStream();
    let parts = [stream.begin(), stream.plain(start)];
    let bytes = 0;
    for (let from = 0, to = 0; from < items.length; from = to) {
      to = endOfBlock(items, from);
      const deflated =
        this.#find(items, from, to, cut) ??
        (await inTurn(() => ({ made: this.#make(items, from, to, cut) }), whose)).made;
      if (from > 0) parts.push(stream.plain(comma));
      const block = await deflated;
      parts.push(stream.block(block));
      bytes += block.bytes.length;
      if (bytes < chunkBytes) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
    parts.push(stream.end(end));
    yield Buffer.concat(parts);
  }

  #find(items: readonly CachedItem[], from: number, to: number, cut: number) {
    const first = items[from];
    const variants = first === undefined ? undefined : this.#blocks.get(first);
    const found = variants?.find((block) => isOf(block, items, from, to, cut));
    return found === undefined ? undefined : (this.#kept.get(found) ?? this.#underWay.get(found));
  }

  #make(items: readonly CachedItem[], from: number, to: number, cut: number): Promise<DeflatedBlock> {
    const those = items.slice(from, to);
    this.compressed++;
    const deflated = deflateBlock(joined(those, cut));
    const block: Block = { revisions: those.map(({ revision }) => revision), cut };
    this.#underWay.set(block, deflated);
    const [first] = those;
    if (first !== undefined) {
      const others = (this.#blocks.get(first) ?? []).filter((other) => this.#isKnown(other));
      for (const superfluous of others.splice(0, Math.max(0, others.length - maxVariants + 1)))
        this.#kept.delete(superfluous);
      this.#blocks.set(first, [...others, block]);
    }
    deflated
      .then((ready) => this.#kept.set(block, ready))
      .catch(() => undefined) // whoever asked for it is told
      .finally(() => this.#underWay.delete(block));
    return deflated;
  }

  #isKnown(block: Block): boolean {
    return this.#kept.has(block) || this.#underWay.has(block);
  }
}

const isCached = (item: EncodedObject): item is CachedItem =>
  item.revision !== undefined && item.keyHash !== undefined && item.bytes !== undefined;

function isOf(block: Block, items: readonly CachedItem[], from: number, to: number, cut: number): boolean {
  const { revisions } = block;
  if (block.cut !== cut || revisions.length !== to - from) return false;
  for (let i = from; i < to; i++) if (items[i]?.revision !== revisions[i - from]) return false;
  return true;
}

/** Behind an object whose key says so: it says the same in every list. */
function endOfBlock(items: readonly CachedItem[], from: number): number {
  let bytes = 0;
  for (let at = from; at < items.length; at++) {
    const item = items[at];
    bytes += item?.bytes ?? 0;
    const isFull = bytes >= maxBytes || at - from + 1 >= maxObjects;
    if (isFull || (item?.keyHash ?? 0) % meanObjects === 0) return at + 1;
  }
  return items.length;
}

const openBrace = Uint8Array.of(0x7b);

function joined(items: readonly CachedItem[], cut: number): Buffer {
  const parts: Uint8Array[] = [];
  for (const { json } of items) {
    if (cut === 0) parts.push(json, comma);
    else parts.push(openBrace, json.subarray(cut + 1), comma);
  }
  parts.pop();
  return Buffer.concat(parts);
}
