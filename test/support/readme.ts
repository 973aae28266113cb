/** The README as its tests read it: fenced blocks and tables. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const repository = new URL("../..", import.meta.url).pathname;
export const readme = readFileSync(join(repository, "README.md"), "utf8");

/** Contents of the fenced blocks of one language, in order. */
export function blocks(language: string): readonly string[] {
  return [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, found, text = ""]) =>
    found === language ? [text] : [],
  );
}

/** Rows of the table whose header starts with `firstHeader`, as cells without backticks. */
export function tableRows(firstHeader: string): readonly (readonly string[])[] {
  const [, table = ""] = readme.split(`\n| ${firstHeader} |`);
  const [, , ...rows] = (table.split("\n\n")[0] ?? "").split("\n");
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replace(/^`([^`]*)`$/, "$1")),
  );
}
