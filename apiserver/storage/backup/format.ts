/**
 * A backup: one file of JSON lines. A header, a line per key in the order of keys, and a footer with the checksum of all
 * that comes before it, without which the file is not whole.
 */
import type { JsonValue } from "../../apis/meta/v1.ts";
import { isObject } from "../../machinery/json.ts";
import type { Revision, StoredValue } from "../interface.ts";

const formatName = "functionmesh-backup";
const formatVersion = 1;

/** Everything that is stored has a key below it. */
export const backupPrefix = "/registry/";

/** What belongs to a store and not to its content. */
export const isOwnKey = (key: string): boolean => key.startsWith(`${backupPrefix}functionmesh-`);

export type BackupHeader = {
  /** Of the store that was exported, and the revision of the state. */
  readonly identity: string;
  readonly revision: Revision;
};

export type BackupFooter = {
  readonly keys: number;
  /** In hex, of every byte before the footer's line. */
  readonly sha256: string;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const line = (value: JsonValue): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`);

export function headerLine({ identity, revision }: BackupHeader): Uint8Array {
  return line({ format: formatName, version: formatVersion, identity, revision });
}

/** Text stays text, so that people can read and compare backups; what is none is in base64. */
export function entryLine({ key, revision, value }: StoredValue): Uint8Array {
  const text = textOf(value);
  return line(
    text === undefined
      ? { key, revision, base64: Buffer.from(value).toString("base64") }
      : { key, revision, value: text },
  );
}

export function footerLine({ keys, sha256 }: BackupFooter): Uint8Array {
  return line({ end: formatName, keys, sha256 });
}

/** @throws Error that says what the line is not */
export function parseHeader(text: Uint8Array): BackupHeader {
  const parsed = parse(text);
  if (!isObject(parsed) || parsed.format !== formatName) throw new Error("it is no backup");
  const { version, identity, revision } = parsed;
  if (version !== formatVersion) throw new Error(`it is a backup of format ${String(version)}, not ${formatVersion}`);
  if (typeof identity !== "string" || typeof revision !== "number") throw new Error("its first line is incomplete");
  return { identity, revision };
}

/** @throws Error that says what the line is not */
export function parseLine(text: Uint8Array): { readonly entry: StoredValue } | { readonly footer: BackupFooter } {
  const parsed = parse(text);
  if (isObject(parsed)) {
    const { key, revision, value, base64, end, keys, sha256 } = parsed;
    if (end === formatName && typeof keys === "number" && typeof sha256 === "string")
      return { footer: { keys, sha256 } };
    const bytes = typeof value === "string" ? encoder.encode(value) : bytesOf(base64);
    if (typeof key === "string" && typeof revision === "number" && bytes !== undefined) {
      return { entry: { key, revision, value: bytes } };
    }
  }
  throw new Error("one of its lines is no entry");
}

function parse(text: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(text));
  } catch {
    return undefined;
  }
}

function textOf(value: Uint8Array): string | undefined {
  try {
    return decoder.decode(value);
  } catch {
    return undefined;
  }
}

const bytesOf = (base64: unknown): Uint8Array | undefined =>
  typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
