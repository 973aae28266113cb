/** How stored objects look in another version than the one they are stored in (design D5). */
import { apiVersionOf, type GroupVersionKind, type KubeObject } from "../../apis/meta/v1.ts";
import type { EncodedObject } from "../rest/interface.ts";
import type { View } from "../rest/part.ts";
import type { Conversion } from "../rest/strategy.ts";
import { KindCodec } from "./codec.ts";
import type { DecodedInput, ObjectDecoder } from "./object-decoder.ts";

/** @param decoder  of the version; its errors name the fields that the client typed */
export function versionView(stored: GroupVersionKind, decoder: ObjectDecoder, conversion: Conversion): View {
  const served = { apiVersion: apiVersionOf(decoder.gvk), kind: decoder.gvk.kind };
  const toStored = storedForm(stored, conversion);
  const codec = new KindCodec(decoder.gvk);
  /** Each object is converted and encoded once, for however many readers. */
  const presented = new WeakMap<EncodedObject, EncodedObject>();
  const show = (object: KubeObject): KubeObject => ({ ...conversion.fromStored(object), ...served });
  return {
    decoder,
    show,
    present(item) {
      const known = presented.get(item);
      if (known !== undefined) return known;
      const made = codec.unstored(show(item.object));
      presented.set(item, made);
      return made;
    },
    asked: (body) => body,
    absorb: (input, base) => ({
      object: toStored(withoutMalformed(input, base === undefined ? undefined : show(base))),
      errors: [...input.errors, ...(base === undefined ? (conversion.validateNew?.(input.object) ?? []) : [])],
    }),
  };
}

/** An object of the other version as it would be stored. */
export function storedForm(stored: GroupVersionKind, { toStored }: Conversion): (served: KubeObject) => KubeObject {
  const type = { apiVersion: apiVersionOf(stored), kind: stored.kind };
  return (served) => ({ ...toStored(served), ...type });
}

/**
 * The object with what `base` has in place of members that the schema refuses. If they are of the part that is written the
 * write is refused anyway; if not, as a status in an update of the object, they are restored, and only need to be converted.
 */
function withoutMalformed({ object, errors }: DecodedInput, base: KubeObject | undefined): KubeObject {
  if (errors.length === 0) return object;
  const { apiVersion, kind, metadata } = object;
  const malformed = new Set(errors.map(({ field }) => field.split(/[.[]/, 1)[0] ?? ""));
  const sound = Object.entries(object).filter(([name]) => !malformed.has(name));
  const stored = Object.entries(base ?? {}).filter(([name]) => malformed.has(name));
  return { ...Object.fromEntries([...sound, ...stored]), apiVersion, kind, metadata };
}
