/** The runtimes of the API, each under its own field names, as one kind of thing. */
import type {
  GenericRuntime,
  GoRuntime,
  JavaRuntime,
  PythonRuntime,
  RuntimeLogConfig,
} from "../../apiserver/apis/compute/v1alpha1/types.ts";
import type { Runtime } from "./workload.ts";

function packaged(file: string | undefined, location: string | undefined, log: RuntimeLogConfig | undefined) {
  return { file: file ?? "", ...(location ? { location } : {}), log: log ?? {} };
}

export const javaRuntime = (java: JavaRuntime): Runtime => ({
  language: "java",
  java,
  ...packaged(java.jar, java.jarLocation, java.log),
});

export const pythonRuntime = ({ py, pyLocation, log }: PythonRuntime): Runtime => ({
  language: "python",
  ...packaged(py, pyLocation, log),
});

export const goRuntime = ({ go, goLocation, log }: GoRuntime): Runtime => ({
  language: "go",
  ...packaged(go, goLocation, log),
});

export const genericRuntime = (generic: GenericRuntime): Runtime => ({
  language: "generic",
  generic,
  ...packaged(generic.functionFile, generic.functionFileLocation, undefined),
});
