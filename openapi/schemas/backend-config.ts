import { flag, object, text, textMap } from "../nodes.ts";
import { kindSchemas } from "./kind.ts";
import { podPolicy } from "./pod-policy.ts";

export const backendConfigSpec = object("What is added to the pods.", {
  name: text("Without effect."),
  env: textMap("Environment variables of the main containers. What a workload sets itself wins."),
  pod: podPolicy,
  autoUpdate: flag(
    "Roll a change of this object out to workloads that already run. Default: false, they take it up when they change for another reason.",
  ),
});

export const backendConfigSchemas = kindSchemas(
  "BackendConfig",
  "Settings shared by the pods of all workloads: those of one namespace, or of the whole installation, as the server's options say.",
  {
    spec: backendConfigSpec,
    status: object("Always empty.", {}),
    keepUnknownMembers: true,
  },
);
