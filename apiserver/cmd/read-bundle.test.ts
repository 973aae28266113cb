import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { issueOdd, nameOf } from "../../test/support/certificates.ts";
import { StartError } from "../errors/start-error.ts";
import { readBundle } from "./read-bundle.ts";

const directory = await mkdtemp(join(tmpdir(), "bundle-"));
after(() => rm(directory, { recursive: true }));
const { certificate } = issueOdd({ name: nameOf("ca"), ca: true });
const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

for (const [what, content, says] of [
  ["certificates", `# a comment\n${certificate}${certificate}`, undefined],
  ["nothing", "", /^--client-ca-file .* cannot be used: it holds no certificate in PEM$/],
  ["something else", "x", /holds no certificate/],
  ["a certificate that is none", certificate + broken, /cannot be used: /],
  ["no file", undefined, /cannot be used: there is no file /],
] as const) {
  test(`a bundle of ${what} is ${says === undefined ? "used" : "refused with a sentence"}`, async () => {
    const file = join(directory, what);
    if (content !== undefined) await writeFile(file, content);
    if (says === undefined) assert.equal(await readBundle("client-ca-file", file), content);
    else
      await assert.rejects(
        readBundle("client-ca-file", file),
        (error) => error instanceof StartError && says.test(error.message),
      );
  });
}
