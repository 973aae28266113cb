/**
 * An object as the cache holds it: its bytes, and what it is selected by. The object itself is decoded when somebody asks for
 * it, and shared as long as anybody holds it: ten thousand objects that are only listed take the memory of their bytes.
 */
import type { KubeObject, ObjectMeta } from "../../apis/meta/v1.ts";
import type { Encoded, Indexing } from "../../cacher/encoder.ts";
import { limits } from "../../limits.ts";
import { endOfValue } from "../../machinery/json-members.ts";
import type { Revision } from "../../storage/interface.ts";
import type { EncodedObject } from "../rest/interface.ts";

/** What lists and watches select objects by. */
export type Selectable = {
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** The kind's own selectable fields, by path; `undefined` where it has none. */
  readonly fields: Readonly<Record<string, string>> | undefined;
};

/** Names as kube-apiserver's cache has them. */
export const labelIndex = (key: string): string => `l:${key}`;
export const fieldIndex = (path: string): string => `f:${path}`;

export const selectableIndexing: Indexing<Selectable> = {
  *namesOf({ labels, fields }) {
    for (const key in labels) yield labelIndex(key);
    for (const path in fields) yield fieldIndex(path);
  },
  valueOf: ({ labels, fields }, name) => {
    const [values, key] = [name.startsWith("l:") ? labels : fields, name.slice(2)];
    return values !== undefined && Object.hasOwn(values, key) ? values[key] : undefined;
  },
};

/** What all objects of a kind have in common. */
export type CachedForm = {
  /** Makes an object of its JSON. */
  readonly decode: (json: Uint8Array) => KubeObject;
  /** Where metadata begins in it. */
  readonly metadataStart: number;
  readonly recent: RecentObjects;
};

type Parts = {
  readonly revision: Revision;
  readonly addedFrame: Uint8Array;
  /** Bytes of the frame before the object. */
  readonly jsonStart: number;
  readonly jsonEnd: number;
  readonly selectable: Selectable;
  readonly keyHash: number;
  readonly form: CachedForm;
  /** The stored bytes are of an older version: writing the same object again brings them up to date. */
  readonly isOutdated?: boolean;
};

export class CachedObject implements EncodedObject, Encoded, Selectable {
  readonly revision: Revision;
  /** `{"type":"ADDED","object":…}\n`. `json` is a view into these bytes, so the frame costs no memory of its own. */
  readonly addedFrame: Uint8Array;
  readonly labels: Selectable["labels"];
  readonly fields: Selectable["fields"];
  readonly isOutdated: boolean;
  readonly keyHash: number;
  readonly #jsonStart: number;
  readonly #jsonEnd: number;
  readonly #form: CachedForm;
  /** In the JSON; 0 until it is looked for. */
  #metadataEnd = 0;
  #object: WeakRef<KubeObject> | undefined;

  /** @param object  what `decode` makes, where that is known already */
  constructor(parts: Parts, object?: KubeObject) {
    this.revision = parts.revision;
    this.addedFrame = parts.addedFrame;
    this.labels = parts.selectable.labels;
    this.fields = parts.selectable.fields;
    this.isOutdated = parts.isOutdated === true;
    this.keyHash = parts.keyHash;
    this.#jsonStart = parts.jsonStart;
    this.#jsonEnd = parts.jsonEnd;
    this.#form = parts.form;
    if (object !== undefined) this.#keep(object);
  }

  get json(): Uint8Array {
    return this.addedFrame.subarray(this.#jsonStart, this.#jsonEnd);
  }

  get metadataJson(): Uint8Array {
    const { metadataStart } = this.#form;
    if (this.#metadataEnd === 0) this.#metadataEnd = endOfValue(this.json, metadataStart);
    return this.addedFrame.subarray(this.#jsonStart + metadataStart, this.#jsonStart + this.#metadataEnd);
  }

  get bytes(): number {
    return this.#jsonEnd - this.#jsonStart;
  }

  get object(): KubeObject {
    return this.#object?.deref() ?? this.#keep(this.#form.decode(this.json));
  }

  #keep(object: KubeObject): KubeObject {
    this.#object = new WeakRef(object);
    this.#form.recent.add(object, this.addedFrame.length);
    return object;
  }
}

/** FNV-1a, in the 31 bits that an integer takes without memory of its own. */
export function keyHashOf({ namespace = "", name = "" }: ObjectMeta): number {
  let hash = 0x811c_9dc5;
  for (const text of [namespace, "/", name]) {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  }
  // The last bits of FNV are its weakest.
  return ((hash ^ (hash >>> 15)) & 0x3fff_ffff) >>> 0;
}

/** Holds the objects of one server that were decoded last, for those who ask for the same again. */
export class RecentObjects {
  #objects: { readonly object: KubeObject; readonly bytes: number }[] = [];
  #first = 0;
  #bytes = 0;

  add(object: KubeObject, bytes: number): void {
    this.#objects.push({ object, bytes });
    this.#bytes += bytes;
    for (let oldest = this.#objects[this.#first]; oldest !== undefined; oldest = this.#objects[this.#first]) {
      if (this.#bytes <= limits.maxDecodedBytes.value) break;
      this.#bytes -= oldest.bytes;
      this.#first++;
    }
    // What was dropped is freed with the array that holds it.
    if (this.#first * 2 > this.#objects.length) {
      this.#objects = this.#objects.slice(this.#first);
      this.#first = 0;
    }
  }
}
