import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import test, { after } from "node:test";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-durability-"));
after(() => rmSync(root, { recursive: true }));

const storeModule = new URL("./embedded-store.ts", import.meta.url).href;

/** Writes in groups of eight for ever, and prints each key with its revision once it is acknowledged. */
const writerProgram = `
  const { openEmbedded } = await import(${JSON.stringify(storeModule)});
  const store = await openEmbedded({ directory: process.argv[1] });
  const write = async (writer) => {
    for (let i = 0; ; i++) {
      const key = "/p/" + writer + "-" + i;
      const revision = await store.create(key, Buffer.from(key));
      process.stdout.write(key + " " + revision + "\\n");
    }
  };
  await Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)));
`;

async function withWriter(directory: string, enough: (acknowledged: readonly string[]) => Promise<boolean>) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", writerProgram, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged: string[] = [];
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged.push(line);
      if (await enough(acknowledged)) break;
    }
  } finally {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
  assert.ok(acknowledged.length > 0, "the writer did not get as far as writing");
  return acknowledged;
}

test("embedded: every acknowledged write is there after kill -9, again and again", {
  timeout: 60_000,
}, async () => {
  for (const round of ["one", "two", "three"]) {
    const directory = join(root, `crash-${round}`);
    const acknowledged = await withWriter(directory, async (lines) => lines.length >= 300);
    await using store = await openEmbedded({ directory });
    const { items } = await store.range({ prefix: "/p/" });
    const found = new Set(items.map((item) => `${item.key} ${item.revision}`));
    assert.deepEqual(
      acknowledged.filter((line) => !found.has(line)),
      [],
    );
    const revisions = items.map((item) => item.revision).sort((a, b) => a - b);
    assert.equal(revisions.at(-1), await store.currentRevision());
  }
});

test("embedded: a directory in use is refused with its owner's name, and free once that is killed", async () => {
  const directory = join(root, "lock");
  await withWriter(directory, async () => {
    await assert.rejects(openEmbedded({ directory }), /^StartError: data directory .*\/lock is in use by process \d+$/);
    return true;
  });
  const store = await openEmbedded({ directory });
  await assert.rejects(openEmbedded({ directory }), new RegExp(`is in use by process ${process.pid}$`));
  await store[Symbol.asyncDispose]();
  await using again = await openEmbedded({ directory });
  await again.ping();
});

test("embedded: a directory that cannot be used is named, with the reason", async () => {
  const file = join(root, "file");
  writeFileSync(file, "");
  await assert.rejects(
    openEmbedded({ directory: file }),
    /^StartError: data directory .*\/file cannot be used: \S+\/file is a file, where a directory belongs$/,
  );
  await assert.rejects(
    openEmbedded({ directory: join(file, "below") }),
    /cannot be used: a file lies where \S+ needs a directory$/,
  );
});

test("embedded: a foreign file in the place of the database is left alone", async () => {
  const directory = join(root, "foreign");
  await (await openEmbedded({ directory }))[Symbol.asyncDispose]();
  rmSync(join(directory, "store.db"));
  writeFileSync(
    join(directory, "store.db"),
    "this is not a database, and long enough to be looked at as one".repeat(100),
  );
  await assert.rejects(openEmbedded({ directory }), /cannot be used: file is not a database/);
});
