import type { KubeObject, Status } from "../apis/meta/v1.ts";
import type { Revision } from "../storage/interface.ts";

/** An object with its wire form. `json` is complete (apiVersion, kind, resourceVersion) and ends without newline. */
export interface EncodedObject {
  readonly object: KubeObject;
  readonly json: Uint8Array;
}

/**
 * One event of a watch. `frame` is `{"type":…,"object":…}\n`, encoded once for all readers.
 * A bookmark carries only its resourceVersion, and whether it ends the initial events.
 */
export type RestWatchEvent =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly item: EncodedObject; readonly frame: Uint8Array }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean }
  | { readonly type: "ERROR"; readonly status: Status };

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
