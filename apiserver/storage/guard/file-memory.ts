import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { isObject, parseJson } from "../../machinery/json.ts";
import { parsePosition } from "../position.ts";
import { isNewer, type Remembered, type StoreMemory } from "./store-memory.ts";

/**
 * Remembers in a file. Who accepts another store removes it.
 * @param file in a directory that exists
 */
export function fileMemory(file: string, howToAccept: () => string): StoreMemory {
  const read = async (): Promise<{ readonly remembered?: Remembered }> => {
    const text = await readFile(file, "utf8").catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (text === undefined) return {};
    const remembered = parseRemembered(text);
    if (remembered === undefined) throw new Error(`${file} does not say where the store stood`);
    return { remembered };
  };
  return {
    read,
    write: async (next) => {
      const { remembered } = await read();
      if (remembered !== undefined && !isNewer(next, remembered)) return;
      // Nobody can have prepared a file of this name, or a link.
      const temporary = `${file}.${randomUUID()}.tmp`;
      try {
        await writeFile(temporary, stringifyRemembered(next), { mode: 0o600, flag: "wx" });
        await rename(temporary, file);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    howToAccept,
  };
}

export function stringifyRemembered({ position, acceptances }: Remembered): string {
  const { identity, revision, objects, marks } = position;
  return `${JSON.stringify({ identity, revision, objects, marks, acceptances })}\n`;
}

/** `undefined` when it is none. */
export function parseRemembered(text: string): Remembered | undefined {
  const position = parsePosition(text);
  if (position === undefined) return undefined;
  const parsed = parseJson(text);
  const acceptances = isObject(parsed) && typeof parsed.acceptances === "number" ? parsed.acceptances : 0;
  return { position, acceptances };
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";
