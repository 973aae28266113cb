/** `/version` and the index of everything that has a path of its own (API 1.4). */
import type { ApiHandler } from "./api-handler.ts";
import { indentedDocumentHandler } from "./documents.ts";

/** What `/version` says. `gitVersion` is read by clients that adapt to the server's age. */
export type VersionInfo = {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
};

export const versionHandler = (version: VersionInfo): ApiHandler => indentedDocumentHandler({ ...version });

/** @param paths  every registered root, in any order */
export function indexHandlers(paths: Iterable<string>): ReadonlyMap<string, ApiHandler> {
  const handler = indentedDocumentHandler({ paths: [...new Set(paths)].sort() });
  return new Map([
    ["/", handler],
    ["/index.html", handler],
  ]);
}
