/** Stores that are not what they were: each is refused when it is opened, with a sentence that says what to do. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test, { after } from "node:test";
import { encode, rejectsWith } from "../../../test/conformance/storage-case.ts";
import { openEmbedded } from "./embedded-store.ts";

const root = mkdtempSync(join(tmpdir(), "functionmesh-refused-"));
after(() => rmSync(root, { recursive: true }));

/** As a killed server leaves it: the newest writes are in the write-ahead log alone. */
async function writtenStore(name: string): Promise<string> {
  const [live, directory] = [join(root, `${name}-live`), join(root, name)];
  await using store = await openEmbedded({ directory: live });
  for (let i = 0; i < 20; i++) await store.create(`/p/${i}`, encode(`value of ${i}`));
  cpSync(live, directory, { recursive: true });
  return directory;
}

const settled = async (directory: string): Promise<void> => (await openEmbedded({ directory }))[Symbol.asyncDispose]();

const sql = (directory: string, statement: string): void => {
  const database = new DatabaseSync(join(directory, "store.db"));
  database.exec(statement);
  database.close();
};

const cases: Record<string, { harm: (directory: string) => void | Promise<void>; refusal: RegExp }> = {
  "the database is gone": {
    harm: (directory) => rmSync(join(directory, "store.db")),
    refusal: /the store is empty, where there was one with 20 keys at revision 21/,
  },
  "the database is an empty file": {
    harm: (directory) => truncateSync(join(directory, "store.db")),
    refusal: /the store is empty, where there was one with 20 keys/,
  },
  "the write-ahead log is gone": {
    harm: async (directory) => rmSync(join(directory, "store.db-wal")),
    refusal: /the store is (older than it was|another one)|cannot be used/,
  },
  "the write-ahead log lost its tail": {
    harm: (directory) => {
      const log = join(directory, "store.db-wal");
      truncateSync(log, readFileSync(log).byteLength - 9000);
    },
    refusal: /the store is older than it was: its newest revision is \d+, and 21 had been reached/,
  },
  "another store lies in its place": {
    harm: async (directory) => {
      const other = await writtenStore("other");
      for (const file of ["store.db", "store.db-wal"]) cpSync(join(other, file), join(directory, file));
    },
    refusal: /the store is another one: its identity is \S+, that of the one used before is \S+\. Nothing was changed/,
  },
  "a copy of an earlier time lies in its place": {
    harm: async (directory) => {
      await settled(directory);
      const copy = readFileSync(join(directory, "store.db"));
      await using store = await openEmbedded({ directory });
      await store.create("/p/later", encode("later"));
      await store[Symbol.asyncDispose]();
      writeFileSync(join(directory, "store.db"), copy);
    },
    refusal: /the store is older than it was: its newest revision is 21, and 22 had been reached/,
  },
  "a bit of a value is another": {
    harm: async (directory) => {
      await settled(directory);
      const file = join(directory, "store.db");
      const bytes = readFileSync(file);
      bytes[bytes.indexOf("value of 7")] = 0x56;
      writeFileSync(file, bytes);
    },
    refusal: /the store is damaged: what it has of \/p\/7 at revision 9 is not what was written/,
  },
  "a row is gone": {
    harm: async (directory) => {
      await settled(directory);
      sql(directory, "DELETE FROM log WHERE key = '/p/3'");
    },
    refusal: /the store is damaged: it has lost what is current of \/p\/3/,
  },
  "keys are gone": {
    harm: async (directory) => {
      await settled(directory);
      sql(directory, "DELETE FROM current WHERE key >= '/p/3'");
    },
    refusal: /the store has lost keys: 13 of 20 are left after 0 writes/,
  },
  "pages are overwritten": {
    harm: async (directory) => {
      await settled(directory);
      const file = join(directory, "store.db");
      const bytes = readFileSync(file);
      bytes.fill(0xa5, 4096 * 2, 4096 * 4);
      writeFileSync(file, bytes);
    },
    refusal: /the store is damaged|cannot be used: database disk image is malformed/,
  },
  "the mark is unreadable": {
    harm: (directory) => writeFileSync(join(directory, "store.mark"), "?"),
    refusal: /store\.mark does not say where the store stood/,
  },
};
for (const name of ["store.db", "store.db-wal", "store.db-shm", "store.mark", "store.reserve", "owner"]) {
  cases[`${name} is a directory`] = {
    harm: (directory) => {
      rmSync(join(directory, name), { force: true });
      mkdirSync(join(directory, name));
    },
    refusal: new RegExp(`cannot be used: \\S+/${name} is a directory, where a file belongs$`),
  };
  cases[`${name} is a pipe, which nobody writes to`] = {
    harm: (directory) => {
      rmSync(join(directory, name), { force: true });
      execFileSync("mkfifo", [join(directory, name)]);
    },
    refusal: new RegExp(`cannot be used: \\S+/${name} is a pipe, a socket or a device, where a file belongs$`),
  };
  for (const [what, target] of [
    ["a file elsewhere", join(root, "elsewhere")],
    ["nothing", join(root, "nothing")],
  ] as const) {
    cases[`${name} is a link to ${what}`] = {
      harm: (directory) => {
        writeFileSync(join(root, "elsewhere"), "");
        rmSync(join(directory, name), { force: true });
        symlinkSync(target, join(directory, name));
      },
      refusal: new RegExp(`cannot be used: \\S+/${name} is a link, where a file belongs$`),
    };
  }
}

for (const [name, { harm, refusal }] of Object.entries(cases)) {
  test(`embedded: refused at the start, with a sentence, when ${name}`, async () => {
    const directory = await writtenStore(name.replaceAll(" ", "-"));
    await harm(directory);
    await assert.rejects(openEmbedded({ directory }), (error) => {
      assert.match(String(error), refusal);
      assert.match(String(error), /^StartError: data directory /);
      return true;
    });
  });
}

test("embedded: what a killed server leaves is no reason to refuse, and neither is a store without a mark", async () => {
  const directory = await writtenStore("killed");
  {
    await using store = await openEmbedded({ directory });
    assert.equal((await store.position()).objects, 20);
    assert.equal(await store.currentRevision(), 21);
  }
  rmSync(join(directory, "store.mark"));
  await using again = await openEmbedded({ directory });
  assert.equal(await again.currentRevision(), 21);
});

test("embedded: a file that is replaced under the running server is told, and nothing is concluded from it", async () => {
  const directory = join(root, "replaced");
  await using store = await openEmbedded({ directory });
  await store.create("/p/a", encode("x"));
  const file = join(directory, "store.db");
  const bytes = readFileSync(file);
  rmSync(file);
  writeFileSync(file, bytes);
  await rejectsWith(store.position(), "Unusable");
  await rejectsWith(store.pingWrite(), "Unusable");
  await rejectsWith(store.create("/p/b", encode("x")), "Unusable");
});
