import assert from "node:assert/strict";
import { test } from "node:test";
import { createLogger, prettyLine } from "./log.ts";

function logged(pretty: boolean, fields: { readonly [field: string]: unknown }, message = "message"): string {
  const lines: string[] = [];
  createLogger({ level: "info", pretty, write: (line) => lines.push(line) }).info(fields, message);
  return lines.join("");
}

const hostile: readonly (readonly [what: string, text: string])[] = [
  ["a line of its own", "a\n12:30:01 ERROR all is lost"],
  ["a carriage return", "a\rb"],
  ["an escape sequence", "\u001b[2J\u001b]0;title\u0007"],
  ["an escape sequence of one character", "\u009b2J"],
  ["a backspace", "a\b\b"],
  ["delete", "\u007f"],
  ["nothing", "\0"],
  ["the other direction", "\u202egpj.exe"],
  ["an isolate", "\u2066a\u2069"],
  ["a line separator", "a\u2028b"],
];
for (const [what, text] of hostile) {
  for (const pretty of [true, false]) {
    test(`${pretty ? "on a terminal" : "as JSON"} a field with ${what} is one line of plain text`, () => {
      const line = logged(pretty, { path: text, nested: { text } });
      assert.match(line, /^[\x20-\x7e]*\n$/);
      if (!pretty) assert.deepEqual([JSON.parse(line).path, JSON.parse(line).nested.text], [text, text]);
    });
  }
  test(`an error's message with ${what} cannot do anything to a terminal`, () => {
    const lines = logged(true, { err: new Error(text) });
    for (const line of lines.trimEnd().split("\n").slice(1)) assert.match(line, /^ {4}/);
    assert.doesNotMatch(lines, /(?!\n)[\p{Cc}\p{Zl}\p{Bidi_Control}]/u);
  });
}

test("text in any language is left as it is", () => {
  const text = "jürgen 山田 👩";
  assert.ok(logged(true, { user: text }).includes(text));
  assert.equal(JSON.parse(logged(false, { user: text })).user, text);
});

test("a line that is no record stays as it is", () => assert.equal(prettyLine("plain\n"), "plain\n"));
