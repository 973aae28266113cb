import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import type { FieldError } from "../../errors/field-error.ts";
import type { FieldManager } from "../../machinery/managed-fields/field-manager.ts";
import type { DecodedInput, ObjectDecoder } from "../generic/object-decoder.ts";
import type { EncodedObject, Getter, Patcher, RequestContext, WriteRequest, WriteResult } from "./interface.ts";

/**
 * How an endpoint shows the stored object, and what becomes of the object it is shown in return: itself for most, a
 * Scale for `/scale`.
 */
export type View = {
  /** Of what clients send to the endpoint. */
  readonly decoder: ObjectDecoder;
  readonly show: (stored: KubeObject) => KubeObject;
  /** It shows objects as they are stored, so nothing need be converted. */
  readonly isOwn?: true;
  /** As `show`, with the wire form. */
  readonly present: (stored: EncodedObject) => EncodedObject;
  /**
   * From the body of an apply to what it asks of the whole object.
   * @throws StatusError 400 for a body that this endpoint does not show
   */
  readonly asked: (body: JsonObject) => JsonObject;
  /** From what the client wants to what would be stored instead of `base`; `undefined` for a new object. */
  readonly absorb: (input: DecodedInput, base: KubeObject | undefined) => DecodedInput;
};

/** The part of an object that an endpoint writes. */
export type Part = {
  /** `""` for the object itself. */
  readonly subresource: string;
  readonly view: View;
  /** How the whole object looks in the version in which its fields are managed. */
  readonly whole: View;
  readonly fields: FieldManager;
  /** What is wrong whatever is stored, and is told before that is looked at. @throws StatusError 422 */
  readonly check?: (next: KubeObject) => void;
  /** The new object with everything restored that this endpoint may not change (API M-09, M-10). */
  readonly isolate: (next: KubeObject, existing: KubeObject) => KubeObject;
  /** Whether the client of this endpoint can be blamed for an error. */
  readonly concerns: (error: FieldError) => boolean;
  /** The strategy's defaults, preparation and rules are about desired state. */
  readonly desiredState: boolean;
};

/** What a subresource may do with the objects of its parent. */
export interface ParentStore extends Getter {
  readonly patchTypes: Patcher["patchTypes"];
  /** As it is stored, for subresources that show it in a way of their own. */
  getStored: Getter["get"];
  update(context: RequestContext, request: WriteRequest, part: Part): Promise<WriteResult>;
  patch(context: RequestContext, request: WriteRequest, part: Part): Promise<WriteResult>;
}
