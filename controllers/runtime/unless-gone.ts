import { isNotFound } from "../../apiserver/errors/status-error.ts";

/** What is gone already needs no deleting, changing or reading. */
export async function unlessGone<T>(request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
