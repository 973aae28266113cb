/**
 * How objects become bytes (API T-02): JSON without resourceVersion, which is known only once the bytes are stored.
 *
 * The text always begins `{"apiVersion":"…","kind":"…","metadata":{"`, the same for every object of a kind. So the wire
 * form is the stored bytes with `"resourceVersion":"…",` put in after that head: bytes are joined, never encoded again.
 */
import { Buffer } from "node:buffer";
import {
  apiVersionOf,
  type GroupVersionKind,
  type JsonObject,
  type JsonValue,
  type KubeObject,
} from "../../apis/meta/v1.ts";
import type { ChangeType, Encoder } from "../../cacher/encoder.ts";
import { newServiceUnavailable } from "../../errors/status-error.ts";
import { decodeUtf8, isObject, maxDepth, parseJson, stringifyJson } from "../../machinery/json.ts";
import { withSharedFields } from "../../machinery/managed-fields/shared-fields.ts";
import type { Revision } from "../../storage/interface.ts";
import type { EncodedObject } from "../rest/interface.ts";
import {
  type CachedForm,
  CachedObject,
  keyHashOf,
  RecentObjects,
  type Selectable,
  selectableIndexing,
} from "./cached-object.ts";

const frameHead = Buffer.from('{"type":"ADDED","object":');
const frameEnd = Buffer.from("}\n");

/** `apiVersion` to what makes of an object of that version one of the stored version. */
export type StoredForms = ReadonlyMap<string, (object: KubeObject) => KubeObject>;

type SelectableFields = { readonly [path: string]: (object: KubeObject) => string };

/** What a codec knows of its kind besides its name. */
export type KindForms = {
  /** Of the other versions in which objects of the kind may have been stored. */
  readonly storedForms?: StoredForms;
  readonly selectableFields?: SelectableFields;
  /** Of all kinds of a server. */
  readonly recent?: RecentObjects;
};

export class KindCodec implements Encoder<CachedObject> {
  readonly indexing = selectableIndexing;
  readonly #apiVersion: string;
  readonly #kind: string;
  readonly #head: string;
  readonly #headBytes: Buffer;
  readonly #form: CachedForm;

  readonly #storedForms: StoredForms;
  readonly #selectableFields: readonly (readonly [path: string, value: (object: KubeObject) => string])[];

  constructor(gvk: GroupVersionKind, forms: KindForms = {}) {
    const { storedForms = new Map(), selectableFields = {}, recent = new RecentObjects() } = forms;
    this.#storedForms = storedForms;
    this.#selectableFields = Object.entries(selectableFields);
    this.#apiVersion = apiVersionOf(gvk);
    this.#kind = gvk.kind;
    const type = `"apiVersion":${stringifyJson(this.#apiVersion)},"kind":${stringifyJson(this.#kind)}`;
    this.#head = `{${type},"metadata":{`;
    this.#headBytes = Buffer.from(this.#head);
    this.#form = { decode: (json) => this.#decodeJson(json), metadataStart: this.#headBytes.length - 1, recent };
  }

  /** The bytes to store. `metadata` always has a member besides resourceVersion, for every object has a name. */
  encode(object: KubeObject): Buffer {
    const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
    const { resourceVersion: _resourceVersion, ...meta } = metadata;
    const metaText = stringifyJson(meta).slice(1);
    const restText = stringifyJson(rest);
    return Buffer.from(`${this.#head}${metaText}${restText === "{}" ? "}" : `,${restText.slice(1)}`}`);
  }

  /** What was just stored, without reading it back. */
  stored(object: KubeObject, value: Uint8Array, revision: Revision): CachedObject {
    return this.#stored(object, value, { revision });
  }

  #stored(object: KubeObject, value: Uint8Array, place: { revision: Revision; isOutdated?: true }): CachedObject {
    const { resourceVersion: _resourceVersion, ...metadata } = object.metadata;
    const typed = this.#typed(object, metadata, place.revision);
    return new CachedObject({ ...this.#frame(value, place.revision), ...place, ...this.#selectableOf(typed) }, typed);
  }

  /** What would be stored, under the resourceVersion it already has or none: the answer of a dry run (API V-14). */
  unstored(object: KubeObject): EncodedObject {
    const { resourceVersion, ...metadata } = object.metadata;
    if (resourceVersion !== undefined) return this.stored(object, this.encode(object), Number(resourceVersion));
    return {
      object: { ...object, apiVersion: this.#apiVersion, kind: this.#kind, metadata },
      json: this.encode(object),
    };
  }

  /**
   * @throws StatusError 503 for a version it does not know: what another version means cannot be guessed (design D5)
   * @throws Error       for what is no object of the kind
   */
  decode(value: Uint8Array, revision: Revision): CachedObject {
    const text = decodeUtf8(value);
    // What it is selected by has no numbers that a double would change, and a short text cannot nest too deep.
    const parsed = this.#objectIn(text.length < 2 * maxDepth ? JSON.parse(text) : parseJson(text));
    if (this.#isCanonical(value, parsed)) {
      const object = this.#typed(parsed, parsed.metadata, revision);
      return new CachedObject({ ...this.#frame(value, revision), revision, ...this.#selectableOf(object) });
    }
    const exact = this.#objectIn(parseJson(text));
    const apiVersion = String(exact.apiVersion);
    if (apiVersion !== this.#apiVersion) return this.#decodeOther(exact, apiVersion, revision);
    const object = this.#typed(exact, exact.metadata, revision);
    return new CachedObject({ ...this.#frame(this.encode(object), revision), revision, ...this.#selectableOf(object) });
  }

  #objectIn(value: JsonValue): StoredJson {
    if (isStoredJson(value) && value.kind === this.#kind) return value;
    throw new Error(`stored ${this.#kind} is no object`);
  }

  /** Whether the bytes are as `encode` makes them; what something else wrote need not have our head. */
  #isCanonical(value: Uint8Array, { apiVersion, metadata }: StoredJson): boolean {
    if (apiVersion !== this.#apiVersion || "resourceVersion" in metadata) return false;
    return this.#headBytes.equals(value.subarray(0, this.#headBytes.length));
  }

  /** What another version of the server stored; it is stored anew when it is next written. */
  #decodeOther(parsed: StoredJson, apiVersion: string, revision: Revision): CachedObject {
    const toStored = this.#storedForms.get(apiVersion);
    if (toStored === undefined) {
      throw newServiceUnavailable(
        `a stored ${this.#kind} is of version ${JSON.stringify(apiVersion)}, which this server does not know`,
      );
    }
    const object = toStored({ ...parsed, apiVersion, kind: this.#kind });
    return this.#stored(object, this.encode(object), { revision, isOutdated: true });
  }

  frame(type: ChangeType, { json, addedFrame }: CachedObject): Uint8Array {
    return type === "ADDED" ? addedFrame : frameOf(type, json);
  }

  atRevision(item: CachedObject, revision: Revision): CachedObject {
    const oldLength = versionMember(item.revision).length;
    const start = this.#headBytes.length;
    const value = Buffer.concat([this.#headBytes, item.json.subarray(start + oldLength)]);
    return new CachedObject({
      ...this.#frame(value, revision),
      revision,
      selectable: item,
      keyHash: item.keyHash,
      form: this.#form,
    });
  }

  #typed(
    object: { [field: string]: JsonValue | KubeObject["metadata"] | undefined },
    metadata: KubeObject["metadata"],
    revision: Revision,
  ): KubeObject {
    return {
      ...object,
      apiVersion: this.#apiVersion,
      kind: this.#kind,
      metadata: { ...metadata, resourceVersion: String(revision) },
    };
  }

  /** Of the bytes of a cached object, which were read before. */
  #decodeJson(json: Uint8Array): KubeObject {
    const parsed = parseJson(decodeUtf8(json));
    if (!isStoredJson(parsed)) throw new Error(`cached ${this.#kind} is no object`);
    return { ...parsed, apiVersion: this.#apiVersion, kind: this.#kind, metadata: withSharedFields(parsed.metadata) };
  }

  #selectableOf(object: KubeObject) {
    const { labels } = object.metadata;
    const fields = this.#selectableFields.map(([path, value]) => [path, value(object)] as const);
    const selectable: Selectable = {
      labels: labels === undefined ? undefined : ownCopy(labels),
      fields: fields.length === 0 ? undefined : ownCopy(Object.fromEntries(fields)),
    };
    return { selectable, keyHash: keyHashOf(object.metadata), form: this.#form };
  }

  /** Bytes of its own: a part of a pool keeps the rest of the pool. */
  #frame(value: Uint8Array, revision: Revision) {
    const version = versionMember(revision);
    const start = this.#headBytes.length;
    const jsonStart = frameHead.length;
    const jsonEnd = jsonStart + value.length + version.length;
    const addedFrame = Buffer.allocUnsafeSlow(jsonEnd + frameEnd.length);
    frameHead.copy(addedFrame, 0);
    addedFrame.set(value.subarray(0, start), jsonStart);
    const rest = jsonStart + start + addedFrame.write(version, jsonStart + start, "latin1");
    addedFrame.set(value.subarray(start), rest);
    frameEnd.copy(addedFrame, jsonEnd);
    return { addedFrame, jsonStart, jsonEnd };
  }
}

/** One line of a watch. */
export function frameOf(type: ChangeType, json: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), json, frameEnd]);
}

type StoredJson = JsonObject & { readonly metadata: JsonObject };

const isStoredJson = (value: JsonValue): value is StoredJson => isObject(value) && isObject(value.metadata);

function versionMember(revision: Revision): string {
  return `"resourceVersion":"${revision}",`;
}

/** Of strings that keep nothing else: what is cut out of a text keeps all of it. */
const ownCopy = (texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  JSON.parse(JSON.stringify(texts));
