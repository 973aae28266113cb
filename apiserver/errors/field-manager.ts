/** What may be the name of a field manager, wherever one is given (API V-15, M-23). */
import { unprintable } from "./abridge.ts";
import { type FieldError, invalid, tooLong } from "./field-error.ts";

const maxBytes = 128;

export function fieldManagerErrors(field: string, manager: string): FieldError[] {
  const errors: FieldError[] = [];
  if (Buffer.byteLength(manager) > maxBytes) errors.push(tooLong(field, maxBytes, "bytes"));
  const found = unprintable.exec(manager);
  if (found !== null) {
    const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const position = Buffer.byteLength(manager.slice(0, found.index));
    errors.push(invalid(field, manager, `invalid character U+${code} (at position ${position})`));
  }
  return errors;
}
