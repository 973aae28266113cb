const indentation = "  ";

/**
 * JSON text re-indented by two spaces, as Go's encoder prints it: the text is moved, not parsed, so numbers stay as
 * they are written.
 *
 * @param text  valid compact JSON
 */
export function prettyJson(text: string): string {
  let out = "";
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      at = endOfString(text, at);
    } else if (char === "{" || char === "[") {
      const close = text[at + 1];
      if (close === "}" || close === "]") {
        at++;
      } else {
        depth++;
        out += `${text.slice(from, at + 1)}\n${indentation.repeat(depth)}`;
        from = at + 1;
      }
    } else if (char === "}" || char === "]") {
      depth--;
      out += `${text.slice(from, at)}\n${indentation.repeat(depth)}`;
      from = at;
    } else if (char === ",") {
      out += `${text.slice(from, at + 1)}\n${indentation.repeat(depth)}`;
      from = at + 1;
    } else if (char === ":") {
      out += `${text.slice(from, at + 1)} `;
      from = at + 1;
    }
  }
  return out + text.slice(from);
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
