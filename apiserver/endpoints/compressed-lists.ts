/**
 * Lists compressed once: a list is cut into blocks of objects at places that stay where they are when others change, and a
 * block is compressed anew when one of its objects did.
 *
 * Invariant: forgetting all of this changes speed, not answers.
 */
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
/** Bytes that are handed to the transport at once, about. */
const chunkBytes = 256 * 1024;

type Block = {
  /** Of its objects: with the first of them, which they are. */
  readonly revisions: readonly number[];
  readonly cut: number;
  /** Whoever asks while it is compressed waits for the same. */
  readonly deflated: Promise<DeflatedBlock>;
  /** As soon as it is there. */
  ready?: DeflatedBlock;
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
  readonly #maxBytes: number;
  /** By their first object: they go when that goes. */
  readonly #blocks = new WeakMap<EncodedObject, readonly Block[]>();
  /** The one last used is the last. */
  readonly #kept = new Set<Block>();
  #bytes = 0;
  /** Blocks that were compressed so far. */
  compressed = 0;

  /** @param maxBytes  of compressed blocks that are kept */
  constructor(maxBytes: number = limits.maxCompressedBytes.value) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
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
      const block = this.#find(items, from, to, cut) ?? (await inTurn(() => this.#make(items, from, to, cut), whose));
      const deflated = block.ready ?? (await block.deflated);
      if (from > 0) parts.push(stream.plain(comma));
      parts.push(stream.block(deflated));
      bytes += deflated.bytes.length;
      if (bytes < chunkBytes) continue;
      yield Buffer.concat(parts);
      parts = [];
      bytes = 0;
    }
    parts.push(stream.end(end));
    yield Buffer.concat(parts);
  }

  #find(items: readonly CachedItem[], from: number, to: number, cut: number): Block | undefined {
    const first = items[from];
    const variants = first === undefined ? undefined : this.#blocks.get(first);
    const found = variants?.find((block) => this.#kept.has(block) && isOf(block, items, from, to, cut));
    if (found === undefined) return undefined;
    this.#kept.delete(found);
    this.#kept.add(found);
    return found;
  }

  #make(items: readonly CachedItem[], from: number, to: number, cut: number): Block {
    const those = items.slice(from, to);
    this.compressed++;
    const deflated = deflateBlock(joined(those, cut));
    const block: Block = { revisions: those.map(({ revision }) => revision), cut, deflated };
    const [first] = those;
    if (first !== undefined) {
      const others = (this.#blocks.get(first) ?? []).filter((other) => this.#kept.has(other));
      for (const superfluous of others.splice(0, Math.max(0, others.length - maxVariants + 1))) this.#drop(superfluous);
      this.#blocks.set(first, [...others, block]);
    }
    this.#kept.add(block);
    deflated.then(
      (ready) => this.#keep(block, ready),
      () => this.#drop(block),
    );
    return block;
  }

  #keep(block: Block, ready: DeflatedBlock): void {
    block.ready = ready;
    if (!this.#kept.has(block)) return;
    this.#bytes += ready.bytes.length;
    for (const oldest of this.#kept) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#drop(oldest);
    }
  }

  #drop(block: Block): void {
    if (this.#kept.delete(block)) this.#bytes -= block.ready?.bytes.length ?? 0;
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
