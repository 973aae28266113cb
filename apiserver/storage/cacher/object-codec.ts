import type { EncodedObject } from "../../registry/rest/interface.ts";
import type { Revision } from "../interface.ts";

/** An object as the cache holds it: decoded once, encoded once. */
export interface CachedObject extends EncodedObject {
  readonly revision: Revision;
  /** `{"type":"ADDED","object":…}\n`. `json` is a view into these bytes, so the frame costs no memory of its own. */
  readonly addedFrame: Uint8Array;
  /** The stored bytes are of an older version: writing the same object again brings them up to date. */
  readonly isOutdated?: true;
}

/** What the cache must know of a kind. */
export interface ObjectCodec {
  /** @throws Error when the bytes are no object */
  decode(value: Uint8Array, revision: Revision): CachedObject;
  /** The same content under another resourceVersion: what a DELETED event shows. */
  atRevision(item: CachedObject, revision: Revision): CachedObject;
}
