/** The position of the next page (API L-09): opaque to clients, but in the reference's own shape. */
import { Buffer } from "node:buffer";
import { abridged } from "../../errors/abridge.ts";
import { newBadRequest } from "../../errors/status-error.ts";
import { isObject, parseJson } from "../../machinery/json.ts";

export type Continue = {
  /** Revision of the first page, or -1: the newest (API L-12). */
  readonly revision: number;
  /** First key of the page, without the prefix of the list. */
  readonly start: string;
};

const tokenVersion = "meta.k8s.io/v1";
export const newestRevision = -1;

export function encodeContinue({ revision, start }: Continue): string {
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv: revision, start })).toString("base64url");
}

/** @throws StatusError 400 for anything that `encodeContinue` cannot have made (API L-11) */
export function decodeContinue(token: string): Continue {
  const { v = "", rv = 0, start = "" } = parseToken(token);
  if (v !== tokenVersion) {
    throw invalidToken(`server does not recognize this encoded version ${typeof v === "string" ? abridged(v) : ""}`);
  }
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || (rv < 1 && rv !== newestRevision)) {
    throw invalidToken(`incorrect encoded start resourceVersion (version ${tokenVersion})`);
  }
  if (start === "") throw invalidToken(`encoded start key empty (version ${tokenVersion})`);
  if (typeof start !== "string") throw invalidToken("its start key is no text");
  if (!isCleanPath(start.replace(/\0$/, ""))) throw invalidToken(abridged(start));
  return { revision: rv, start };
}

function parseToken(token: string): { v?: unknown; rv?: unknown; start?: unknown } {
  try {
    const value = parseJson(Buffer.from(token, "base64url").toString("utf8"));
    if (isObject(value)) return value;
  } catch {
    // The same answer as for JSON of another shape.
  }
  throw invalidToken("it is not one that this server issued");
}

/** A path whose segments are names: nothing that could point outside the list's prefix. */
function isCleanPath(start: string): boolean {
  return start.split("/").every((segment) => segment !== "" && segment !== "." && segment !== "..");
}

const invalidToken = (why: string) => newBadRequest(`invalid continue token: continue key is not valid: ${why}`);
