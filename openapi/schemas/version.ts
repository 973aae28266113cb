import { object, text } from "../nodes.ts";
import type { Schema } from "../schema.ts";

export const versionSchemaName = "io.k8s.apimachinery.pkg.version.Info";

/** What `/version` answers. */
export const versionSchema: Schema = object(
  "Version of the server and of what it was built with.",
  {
    major: text("First number of the version of Kubernetes whose API this is."),
    minor: text("Second number of it."),
    gitVersion: text("The whole version."),
    gitCommit: text("Commit the server was built from, if known."),
    gitTreeState: text("Whether there was more than that commit."),
    buildDate: text("When it was built."),
    goVersion: text("What runs it; the name is Kubernetes' own."),
    compiler: text("What it was translated with."),
    platform: text("Operating system and processor."),
  },
  ["major", "minor", "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"],
);
