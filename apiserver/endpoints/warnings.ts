import { limits } from "../limits.ts";

/** Characters of all warnings of an answer; beyond it each is cut (API N-62). */
const budget = limits.maxWarningsLength.value;
const cutLength = 256;

/** Collects the texts of `Warning` headers of one answer. */
export class Warnings {
  private texts: Set<string> | undefined;

  /** Bound, so that it can be handed on as a function. */
  readonly add = (text: string): void => {
    this.texts ??= new Set();
    if (this.texts.size >= limits.maxWarnings.value) return;
    const kept = text.length > budget ? text.slice(0, budget + 1).toWellFormed() : text;
    if (!hasControlCharacter(kept) && kept.isWellFormed()) this.texts.add(kept);
  };

  /** Header fields for the answer: empty when there is nothing to warn of. */
  headers(): { readonly warning?: readonly string[] } {
    if (this.texts === undefined) return {};
    const texts = [...this.texts];
    const total = texts.reduce((sum, text) => sum + text.length, 0);
    return { warning: (total <= budget ? texts : cut(texts)).map(headerValue) };
  }
}

function cut(texts: readonly string[]): string[] {
  const kept = new Set<string>();
  let total = 0;
  for (const text of texts) {
    const short = text.slice(0, cutLength).toWellFormed();
    total += short.length;
    if (total > budget) break;
    kept.add(short);
  }
  return [...kept];
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}

/** RFC 7234 warn-value; UTF-8 bytes travel as the latin-1 characters that HTTP headers are made of. */
function headerValue(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `299 - "${Buffer.from(escaped, "utf8").toString("latin1")}"`;
}
