/**
 * Which way dependencies point. Each place may import what its row names and itself, types included: a
 * type that comes from above is knowledge of what is above. A row that grows is a decision: say why in the change that grows it.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";

const root = new URL("..", import.meta.url).pathname;

const foundations = ["apiserver/apis", "apiserver/errors", "apiserver/machinery", "apiserver/limits.ts"];
const allowed: { readonly [folder: string]: readonly string[] } = {
  // Types of our kinds are those of their schemas.
  "apiserver/apis": ["openapi"],
  "apiserver/limits.ts": [],
  "apiserver/errors": ["apiserver/apis", "apiserver/limits.ts"],
  "apiserver/machinery": ["apiserver/apis", "apiserver/errors", "apiserver/limits.ts"],
  "apiserver/observability": ["apiserver/apis", "apiserver/limits.ts"],
  "apiserver/storage": foundations,
  "apiserver/cacher": [...foundations, "apiserver/storage"],
  "apiserver/client": foundations,
  "apiserver/authentication": [...foundations, "apiserver/client"],
  "apiserver/authorization": [...foundations, "apiserver/client", "apiserver/authentication"],
  "apiserver/admission": [...foundations, "apiserver/client", "apiserver/authentication", "apiserver/authorization"],
  "apiserver/registry": [
    ...foundations,
    "apiserver/storage",
    "apiserver/cacher",
    "apiserver/admission",
    "apiserver/authentication",
    "apiserver/authorization",
    "openapi",
  ],
  "apiserver/endpoints": [
    ...foundations,
    "apiserver/registry",
    "apiserver/admission",
    "apiserver/client",
    "apiserver/authentication",
    "apiserver/observability",
    "openapi",
  ],
  "apiserver/filters": [
    ...foundations,
    "apiserver/authentication",
    "apiserver/authorization",
    "apiserver/endpoints",
    "apiserver/observability",
  ],
  "apiserver/server": [
    ...foundations,
    "apiserver/authentication",
    "apiserver/filters",
    "apiserver/endpoints",
    "apiserver/observability",
  ],
  "apiserver/registration": [...foundations, "apiserver/authentication", "apiserver/client", "apiserver/observability"],
  controllers: [...foundations, "apiserver/client"],
  openapi: [],
};

/** Packages with one home: nobody else imports them, so that they can be replaced there. */
const homes: { readonly [name: string]: readonly string[] } = {
  express: ["apiserver/server"],
  etcd3: ["apiserver/storage/etcd3"],
  "@kubernetes/client-node": ["apiserver/client"],
  pino: ["apiserver/observability"],
  "@prometheus-io/client": ["apiserver/observability"],
  undici: ["apiserver/client"],
  jose: ["apiserver/authentication"],
  "openapi3-ts": ["openapi"],
  "js-yaml": ["apiserver/machinery"],
};

type Import = { readonly from: string; readonly to: string };

function sourceFiles(): readonly string[] {
  return ["apiserver", "controllers", "openapi"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.endsWith(".d.ts"))
      .map((file) => join(folder, file)),
  );
}

const importPattern = /^\s*(?:import|export)\s+[^;'"]*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/gm;

function importsOf(file: string): readonly Import[] {
  const text = readFileSync(join(root, file), "utf8");
  return [...text.matchAll(importPattern)].map(([, statement, dynamic]) => {
    const target = statement ?? dynamic ?? "";
    return {
      from: file,
      to: target.startsWith(".") ? relative(root, join(root, dirname(file), target)) : target,
    };
  });
}

const imports = sourceFiles().flatMap(importsOf);
const within = (file: string, place: string): boolean => file === place || file.startsWith(`${place}/`);

for (const [folder, targets] of Object.entries(allowed)) {
  test(`${folder} imports only ${targets.length === 0 ? "itself" : targets.join(", ")}`, () => {
    const own = imports.filter(
      ({ from, to }) => within(from, folder) && /^(apiserver|controllers|openapi|test)\//.test(to),
    );
    const wrong = own.filter(({ to }) => ![folder, ...targets].some((target) => within(to, target)));
    assert.deepEqual(wrong, []);
  });
}

for (const [name, folders] of Object.entries(homes)) {
  test(`${name} is imported only in ${folders.join(", ")}`, () => {
    const users = imports.filter(({ to }) => to === name || to.startsWith(`${name}/`));
    assert.deepEqual(
      users.filter(({ from }) => !folders.some((folder) => within(from, folder))),
      [],
    );
  });
}

test("every folder of the server has a row", () => {
  const folders = readdirSync(join(root, "apiserver"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "cmd")
    .map((entry) => `apiserver/${entry.name}`);
  assert.deepEqual(
    folders.filter((folder) => allowed[folder] === undefined),
    [],
  );
});

test("no kind imports another", () => {
  const kind = /^controllers\/(function|source|sink|function-mesh)\//;
  const crossing = imports.filter(
    ({ from, to }) => kind.test(from) && kind.test(to) && kind.exec(from)?.[1] !== kind.exec(to)?.[1],
  );
  assert.deepEqual(crossing, []);
});

test("nothing imports in a circle", () => {
  const graph = new Map<string, string[]>();
  for (const { from, to } of imports) graph.set(from, [...(graph.get(from) ?? []), to]);
  const finished = new Set<string>();
  const visit = (file: string, trail: readonly string[]): void => {
    if (finished.has(file)) return;
    assert.ok(!trail.includes(file), `circle: ${[...trail, file].join(" → ")}`);
    for (const target of graph.get(file) ?? []) visit(target, [...trail, file]);
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
});

test("there is one clock, and nobody but it asks the machine for the time", () => {
  const asking = sourceFiles().filter((file) =>
    /\b(?:Date|performance)\.now\b/.test(readFileSync(join(root, file), "utf8")),
  );
  assert.deepEqual(asking, ["apiserver/machinery/clock.ts"]);
});

test("the top level holds what the README's map says", () => {
  const expected = [
    "LICENSE",
    "README.md",
    "apiserver",
    "controllers",
    "deploy",
    "openapi",
    "package-lock.json",
    "package.json",
    "test",
    "tsconfig.json",
  ];
  const ignored = new Set(["node_modules", "dist"]);
  const found = readdirSync(root).filter((name) => !name.startsWith(".") && !ignored.has(name));
  assert.deepEqual(found.sort(), expected.sort());
});
