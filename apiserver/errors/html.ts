const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** `&`, `<` and `>` as entities, in what repeats to a client what somebody else may have written (API E-31, E-33). */
export const escapeHtml = (text: string): string => text.replace(/[&<>]/g, (character) => entities[character] ?? "");
