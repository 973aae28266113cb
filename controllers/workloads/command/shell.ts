/**
 * Shell scripts as data: words are built from literals and expansions and quoted once, when the script is printed.
 *
 * Invariant: text that a user wrote is only ever a literal, so it reaches the program exactly as written
 * (FM W-44). Expansions are our own text.
 */

/** Text for the shell to expand, e.g. `${SHARD_ID}` or `$(echo /pulsar/lib/a-*.jar)`; printed in double quotes. */
export type Expansion = {
  readonly expand: string;
  /** As a whole word: when it expands to nothing there is no argument at all. For variables. */
  readonly mayBeEmpty?: true;
};
/** One argument: its literals and expansions, joined without space. */
export type Word = string | Expansion | readonly (string | Expansion)[];

/** One command of a script; the script stops at the first that fails. */
export type Step = {
  readonly words: readonly Word[];
  /** File that receives its standard output. */
  readonly output?: string;
  /** Its failure does not stop the script. */
  readonly mayFail?: boolean;
  /** How often it is tried, some seconds apart; once unless given. */
  readonly attempts?: number;
};

export const expand = (text: string): Expansion => ({ expand: text });
export const variable = (name: string): Expansion => expand(`\${${name}}`);
export const variableOr = (name: string, fallback: string): Expansion => expand(`\${${name}:-${fallback}}`);
export const step = (...words: Word[]): Step => ({ words });

/** Characters that mean nothing to a shell, wherever they stand in a word. */
const plain = /^[\w@%+=:,./-]+$/;

function quoteLiteral(text: string): string {
  return plain.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

function quote(word: Word): string {
  if (typeof word === "object" && "expand" in word && word.mayBeEmpty) {
    return word.expand.replace(/^\$\{(\w+)\}$/, '${$1:+"${$1}"}');
  }
  const parts = typeof word === "string" || "expand" in word ? [word] : word;
  const printed = parts
    .filter((part) => part !== "")
    .map((part) => (typeof part === "string" ? quoteLiteral(part) : `"${part.expand}"`));
  return printed.length === 0 ? "''" : printed.join("");
}

const pauseBetweenAttempts = "sleep 5";

function printStep({ words, output, mayFail = false, attempts = 1 }: Step): string {
  const command = words.map(quote).join(" ") + (output === undefined ? "" : ` > ${quote(output)}`);
  const again = Array.from({ length: attempts - 1 }, () => `{ ${pauseBetweenAttempts} && ${command}; }`);
  const alternatives = [command, ...again, ...(mayFail ? ["true"] : [])];
  return alternatives.length === 1 ? command : `{ ${alternatives.join(" || ")}; }`;
}

/**
 * Makes Kubernetes hand `text` to the container unchanged. In `command` and `args` it replaces `$(NAME)` by variables
 * and `$$` by `$` (FM 11), so a dollar that could start either is doubled.
 */
export function protectFromKubernetes(text: string): string {
  return text.replace(/\$(?=[$(])/g, "$$$$");
}

/** The `command` of a container that runs `steps` one after the other. */
export function shellCommand(shell: "bash" | "sh", steps: readonly Step[]): string[] {
  return [shell, "-c", protectFromKubernetes(steps.map(printStep).join(" && "))];
}

/**
 * Splits what a user wrote as several words in one string, as a shell would: at blanks outside quotes, with quotes and
 * backslashes taken away. Nothing is expanded.
 */
export function splitWords(text: string): string[] {
  const token = /\s+|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\\([\s\S])|([^\s'"\\]+)|([\s\S])/g;
  const words: string[] = [];
  let current: string | undefined;
  for (const [blank, single, double, escaped, bare, stray] of text.matchAll(token)) {
    const piece = single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped ?? bare ?? stray;
    if (piece !== undefined) current = (current ?? "") + piece;
    else if (blank !== "" && current !== undefined) {
      words.push(current);
      current = undefined;
    }
  }
  return current === undefined ? words : [...words, current];
}
