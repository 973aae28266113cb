import { accessSync, closeSync, constants, fsyncSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { StartError } from "../../errors/start-error.ts";
import { ownFileProblem, problemOf } from "./file-problems.ts";
import { makeDirectories } from "./make-directories.ts";
import { directoryProblem, ensurePrivateFile, makePrivate } from "./private-files.ts";

const databaseName = "store.db";
const markName = "store.mark";
const reserveName = "store.reserve";
const ownerName = "owner";
/** SQLite gives those of its own the modes of the database, but leaves those alone that are there. */
const fileNames = [databaseName, `${databaseName}-wal`, `${databaseName}-shm`, markName, reserveName, ownerName];

/** A directory with one store. What is in it belongs to whoever holds the lock on the database file. */
export type DataDirectory = {
  readonly path: string;
  /** The lock is on this file. */
  readonly databaseFile: string;
  /** Where the store stood: what it is compared with when it is opened. */
  readonly markFile: string;
  /** Room kept for when the disk is full. */
  readonly reserveFile: string;
  /** Process id of the last one that got the lock, for the message to the next one; it is no lock itself. */
  readonly ownerFile: string;
};

/**
 * Makes the directory if it is missing, for its owner's eyes only: what is stored may hold secrets. One that
 * others can write to is refused, and files that they can read are taken from them.
 * @throws StartError that names the directory and what is wrong with it
 */
export function prepareDataDirectory(directory: string): DataDirectory {
  const path = resolve(directory);
  try {
    const firstMade = makeDirectories(path);
    // Without this a power loss could take the new directory away, and acknowledged writes with it.
    if (firstMade !== undefined) syncDirectories(path, dirname(firstMade));
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    const files = fileNames.map((name) => join(path, name));
    for (const problem of [directoryProblem(path), ...files.map(ownFileProblem)])
      if (problem !== undefined) throw new Error(problem);
    ensurePrivateFile(join(path, databaseName));
    for (const file of files) makePrivate(file);
  } catch (error) {
    throw unusableDirectory(path, problemOf(error, path), error);
  }
  return dataDirectoryOf(path);
}

/** Where its files are, whether it exists or not. */
export function dataDirectoryOf(path: string): DataDirectory {
  return {
    path,
    databaseFile: join(path, databaseName),
    markFile: join(path, markName),
    reserveFile: join(path, reserveName),
    ownerFile: join(path, ownerName),
  };
}

function syncDirectories(from: string, to: string): void {
  for (let path = from; path.length >= to.length; path = dirname(path)) {
    const handle = openSync(path, "r");
    fsyncSync(handle);
    closeSync(handle);
    if (path === dirname(path)) return;
  }
}

export function recordOwner(directory: DataDirectory): void {
  try {
    writeFileSync(directory.ownerFile, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    throw unusableDirectory(directory.path, problemOf(error, directory.ownerFile), error);
  }
}

export function directoryInUse(directory: DataDirectory): StartError {
  return new StartError(`data directory ${directory.path} is in use by ${ownerOf(directory)}`);
}

export function unusableDirectory(path: string, reason: string, cause?: unknown): StartError {
  return new StartError(`data directory ${path} cannot be used: ${reason}`, {
    cause,
  });
}

/** @param why sentence about the store */
export function refusedStore({ path }: DataDirectory, why: string): StartError {
  return new StartError(
    `data directory ${path} is refused: ${why}. Nothing was changed. Put the right files back, or import a backup into ` +
      `another directory; "npm run accept-store -- --data-dir ${path}" goes on with what is there`,
  );
}

function ownerOf({ ownerFile }: DataDirectory): string {
  try {
    const owner = readFileSync(ownerFile, "utf8").trim();
    return owner === "" ? "another process" : `process ${owner}`;
  } catch {
    return "another process";
  }
}
