/** The command of a workload's main container (FM 4.14). */
import type { Settings } from "../../settings.ts";
import { downloadAccess } from "../pulsar-access.ts";
import type { Runtime, Workload } from "../workload.ts";
import { downloadSteps, toolsOf } from "./download.ts";
import { shardStep } from "./flags.ts";
import { genericSteps } from "./generic.ts";
import { goSteps } from "./go.ts";
import { javaSteps } from "./java.ts";
import { packagePath, usesDownloader } from "./package-file.ts";
import { pythonSteps } from "./python.ts";
import { type Step, shellCommand } from "./shell.ts";

/** Absent when there is nothing to run: the image's own entry point is used. */
export function mainCommand(workload: Workload, settings: Settings): string[] | undefined {
  const { runtime } = workload;
  if (runtime === undefined || runtime.file === "") return undefined;
  return shellCommand(runtime.language === "generic" ? "sh" : "bash", [
    ...(usesDownloader(runtime, settings) ? [] : fetchSteps(workload, runtime)),
    shardStep,
    ...runSteps(workload, runtime, packagePath(runtime, settings)),
  ]);
}

function fetchSteps({ spec }: Workload, runtime: Runtime): Step[] {
  if (runtime.location === undefined) return [];
  const tools = runtime.language === "generic" ? { pulsarctl: true, wget: true } : toolsOf(spec);
  return downloadSteps(downloadAccess(spec), tools, runtime.location, runtime.file);
}

function runSteps(workload: Workload, runtime: Runtime, file: string): Step[] {
  switch (runtime.language) {
    case "java":
      return javaSteps(workload, runtime.java, file);
    case "python":
      return pythonSteps(workload, runtime.log, file);
    case "go":
      return goSteps(workload, file);
    case "generic":
      return genericSteps(workload, runtime.generic.language ?? "", file);
  }
}
