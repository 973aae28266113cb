import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { expand, protectFromKubernetes, shellCommand, splitWords, step, variable, variableOr } from "./shell.ts";

/** What Kubernetes makes of an element of `command`, given the container's environment. */
function expandReferences(text: string, env: Record<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (match, name?: string) =>
    match === "$$" ? "$" : name !== undefined && name in env ? (env[name] ?? "") : match,
  );
}

const hostile = {
  "single quote": "it's",
  "double quote": 'say "hi"',
  dollars: "$HOME ${PATH} $$ $",
  "command substitution": "$(id) `id`",
  "Kubernetes reference": "$(POD_NAME) $$(POD_NAME) $$$(POD_NAME)",
  separators: "a; b && c | d > e\nf",
  globs: "* ? [a-z] ~ !x {a,b}",
  backslashes: "a\\b\\\\",
  empty: "",
  "leading equals and dash": "-n =x",
};
for (const [name, text] of Object.entries(hostile)) {
  for (const shell of ["bash", "sh"] as const) {
    test(`${shell}: a literal reaches the program as written: ${name}`, () => {
      const [program = "", flag = "", script = ""] = shellCommand(shell, [step("printf", "%s|", text, ["x", text])]);
      const seen = expandReferences(script, { POD_NAME: "expanded" });
      const output = execFileSync(program, [flag, seen], { env: { PATH: process.env.PATH }, encoding: "utf8" });
      assert.equal(output, `${text}|x${text}|`);
    });
  }
}

test("expansions are one word, whatever they expand to", () => {
  const [program = "", ...args] = shellCommand("sh", [
    step(["SHARD_ID=", expand("${POD_NAME##*-}")]),
    step("printf", "%s|", [variable("SHARD_ID"), "-uid"], variable("SPACED"), variableOr("UNSET", "false")),
  ]);
  const env = { PATH: process.env.PATH, POD_NAME: "fn-function-12", SPACED: "a  b" };
  assert.equal(execFileSync(program, args, { env, encoding: "utf8" }), "12-uid|a  b|false|");
});

test("a step that may fail does not end the script, any other does", () => {
  const run = (mayFail: boolean) => {
    const [program = "", ...args] = shellCommand("sh", [{ words: ["false"], mayFail }, step("echo", "next")]);
    return execFileSync(program, args, { encoding: "utf8" });
  };
  assert.equal(run(true), "next\n");
  assert.throws(() => run(false));
});

test("protectFromKubernetes leaves alone what Kubernetes does not read", () => {
  assert.equal(protectFromKubernetes("${SHARD_ID} $HOME a$"), "${SHARD_ID} $HOME a$");
});

const splits: Record<string, string[]> = {
  "-Xmx1g -Xms1g": ["-Xmx1g", "-Xms1g"],
  "  -Da=b\t-Dc ": ["-Da=b", "-Dc"],
  '-Da=\'b c\' -Dd="e \\" f"': ["-Da=b c", '-Dd=e " f'],
  "a\\ b": ["a b"],
  "''": [""],
  "it's": ["it's"],
  "": [],
};
for (const [text, words] of Object.entries(splits)) {
  test(`splitWords ${JSON.stringify(text)}`, () => assert.deepEqual(splitWords(text), words));
}
