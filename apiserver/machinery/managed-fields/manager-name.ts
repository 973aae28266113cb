/** Of a manager, in bytes (API V-15). */
export const maxManagerBytes = 128;

const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Who a write counts as: the `fieldManager` that the client gave, else what its User-Agent begins with (API S-14). */
export function managerName(fieldManager: string, userAgent: string): string {
  if (fieldManager !== "") return fieldManager;
  let name = "";
  let bytes = 0;
  for (const character of userAgent.split("/", 1)[0] ?? "") {
    if (!printable.test(character)) continue;
    bytes += Buffer.byteLength(character);
    if (bytes > maxManagerBytes) break;
    name += character;
  }
  return name === "" ? "unknown" : name;
}
