import { readFileSync } from "node:fs";
import type { VersionInfo } from "../endpoints/system-paths.ts";

const { version: released }: { readonly version: string } = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
);

/** The Kubernetes minor whose behaviour this server has; clients compare it with their own. */
const kubernetes = { major: "1", minor: "37" } as const;

export const version: VersionInfo = {
  ...kubernetes,
  gitVersion: `v${kubernetes.major}.${kubernetes.minor}.0+functionmesh-${released}`,
  gitCommit: "",
  gitTreeState: "",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: `node ${process.version}`,
  platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
};
