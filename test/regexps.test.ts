/**
 * No regular expression of the server takes more than linear time: some run on what strangers send (design D10). They are
 * found in the syntax tree of every source file; those made of texts are named here with what they can be.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "acorn";
import { analyse } from "scslre";
import { repository } from "./support/readme.ts";

type Found = { readonly where: string; readonly source: string; readonly flags: string };

const files = globSync("{apiserver,controllers,openapi}/**/*.ts", { cwd: repository }).filter(
  (file) => !file.endsWith(".test.ts") && !file.endsWith(".d.ts"),
);

const isNode = (value: unknown): value is { readonly type: string; readonly [field: string]: unknown } =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";

function* nodesOf(value: unknown): Generator<{ readonly type: string; readonly [field: string]: unknown }> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item);
  else if (isNode(value)) {
    yield value;
    for (const child of Object.values(value)) yield* nodesOf(child);
  }
}

function expressionsOf(file: string): { readonly literals: readonly Found[]; readonly made: number } {
  const code = stripTypeScriptTypes(readFileSync(join(repository, file), "utf8"), { mode: "strip" });
  const literals: Found[] = [];
  let made = 0;
  for (const node of nodesOf(parse(code, { ecmaVersion: "latest", sourceType: "module" }))) {
    if (node.type === "Literal" && node.regex !== undefined) {
      const { pattern, flags }: { pattern: string; flags: string } = Object.assign(
        { pattern: "", flags: "" },
        node.regex,
      );
      const line = code.slice(0, Number(node.start)).split("\n").length;
      literals.push({ where: `${file}:${line}`, source: pattern, flags });
    }
    const isCall = node.type === "NewExpression" || node.type === "CallExpression";
    if (isCall && isNode(node.callee) && node.callee.name === "RegExp") made++;
  }
  return { literals, made };
}

/** Ways in which one text matches in more than one way, which is what makes matching slow. */
function ambiguities({ where, source, flags }: Found): readonly string[] {
  const { reports } = analyse(new RegExp(source, flags));
  return reports.map(({ type }) => `${where}: /${source}/${flags} takes more than linear time (${type})`);
}

const found = files.map((file) => ({ file, ...expressionsOf(file) }));

test("every literal takes linear time", () => {
  const literals = found.flatMap((file) => file.literals);
  assert.ok(literals.length > 50);
  assert.deepEqual(literals.flatMap(ambiguities), []);
});

/** Where expressions are made of texts when the module is loaded. */
const madeAtStart = [
  "apiserver/errors/abridge.ts",
  "apiserver/machinery/names.ts",
  "apiserver/machinery/image-reference.ts",
  "apiserver/registry/core/validation/config.ts",
];
/** Copies a literal · only asks whether it is one, and never runs it · compiles the patterns of schemas. */
const madeLater = [
  "apiserver/machinery/go-duration.ts",
  "apiserver/registry/compute/effects.ts",
  "apiserver/registry/schema/scalar-nodes.ts",
];

test("expressions are made of texts only where this test looks for them", () => {
  assert.deepEqual(
    found
      .filter(({ made }) => made > 0)
      .map(({ file }) => file)
      .sort(),
    [...madeAtStart, ...madeLater].sort(),
  );
});

test("every expression that is made when a module is loaded takes linear time", async () => {
  const made: Found[] = [];
  const original = globalThis.RegExp;
  globalThis.RegExp = new Proxy(original, {
    construct: (target, [source, flags = ""]: [string | RegExp, string?]) => {
      made.push({ where: "a module", source: String(source), flags });
      return new target(source, flags);
    },
  });
  try {
    for (const file of madeAtStart) await import(join(repository, file));
  } finally {
    globalThis.RegExp = original;
  }
  assert.ok(made.length >= madeAtStart.length);
  assert.deepEqual(made.flatMap(ambiguities), []);
});

test("every pattern of a schema takes linear time", async () => {
  const { loadSchemas } = await import("../openapi/schemas/index.ts");
  const patterns = new Map<string, Found>();
  const collect = (value: unknown, where: string): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, item] of Object.entries(value)) {
      if (name === "pattern" && typeof item === "string") patterns.set(item, { where, source: item, flags: "u" });
      else collect(item, where);
    }
  };
  for (const [name, schema] of loadSchemas()) collect(schema, name);
  assert.deepEqual([...patterns.values()].flatMap(ambiguities), []);
});

test("an ambiguous expression is found", () => {
  for (const source of ["^(a+)+$", "\\s+$", "^(.*?)=(.*)$", "(\\d+\\.?\\d*|\\.\\d+)+x"]) {
    assert.notDeepEqual(ambiguities({ where: "here", source, flags: "" }), [], source);
  }
});
