import assert from "node:assert/strict";
import type { Reply } from "./client.ts";

export type Failure = {
  readonly code: number;
  readonly reason?: string;
  readonly message?: RegExp | string;
  /** Fields of `details.causes`, in order. */
  readonly fields?: readonly string[];
};

/** Traces of the inside: stack frames, source files, folders of this project, keys of storage. */
const inside = /\n\s+at |\.ts:\d|node_modules|file:\/\/|node:internal|\/apiserver\/|Error: /;

/** The answer is a Status that says what is wanted, and nothing of how this server is made (API E-01, E-39). */
export function assertFailure(reply: Reply, { code, reason, message, fields }: Failure): void {
  const { text } = reply;
  assert.equal(reply.status, code, text.slice(0, 500));
  const { body } = reply;
  assert.equal(body.kind, "Status", text);
  assert.equal(body.apiVersion, "v1", text);
  assert.equal(body.status, "Failure", text);
  assert.equal(body.code, code, text);
  assert.equal(typeof body.message, "string", text);
  assert.doesNotMatch(text, inside);
  if (reason !== undefined) assert.equal(body.reason, reason, text);
  if (typeof message === "string") assert.equal(body.message, message);
  else if (message !== undefined) assert.match(String(body.message), message);
  if (fields !== undefined) {
    const causes = reply.at("details", "causes");
    assert.ok(Array.isArray(causes), text);
    assert.deepEqual(
      causes.map((_, index) => reply.at("details", "causes", index, "field")),
      fields,
      text,
    );
  }
}
