/** kubectl as a person runs it: arguments in, both outputs and the exit code out. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ensureTool } from "./tools.ts";

export type KubectlResult = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type Kubectl = {
  /** Runs a command and returns whatever came of it. */
  run(args: readonly string[], input?: string): Promise<KubectlResult>;
  /** Runs a command that must succeed and returns what it printed. */
  ok(args: readonly string[], input?: string): Promise<string>;
};

const commandTimeoutMs = 60_000;

/** `binary` is the kubectl to run, by default the pinned one. */
export async function kubectlFor(kubeconfig: string, cacheDirectory: string, binary?: string): Promise<Kubectl> {
  const command = binary ?? (await ensureTool("kubectl"));
  const run: Kubectl["run"] = (args, input) =>
    new Promise((resolve) => {
      const child = execFile(
        command,
        ["--kubeconfig", kubeconfig, `--cache-dir=${cacheDirectory}`, ...args],
        {
          timeout: commandTimeoutMs,
          maxBuffer: 64 * 1024 * 1024,
          // The editor of `kubectl edit` is a person who changes the annotation `note`.
          // ApplySets are an experiment to kubectl.
          env: {
            ...process.env,
            KUBECTL_APPLYSET: "true",
            HOME: cacheDirectory,
            KUBE_EDITOR: "sed -i 's/note: .*/note: edited/'",
          },
        },
        (error, stdout, stderr) => {
          const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
          resolve({ code, stdout, stderr });
        },
      );
      child.stdin?.end(input ?? "");
    });
  return {
    run,
    ok: async (args, input) => {
      const result = await run(args, input);
      if (result.code !== 0)
        throw new Error(`kubectl ${args.join(" ")} ended with ${result.code}:\n${result.stderr}${result.stdout}`);
      return result.stdout;
    },
  };
}

const runFile = promisify(execFile);

/** The oldest kubectl that is promised to work: 1.32. */
const oldestMinor = 32;

/** The kubectl that is installed where the tests run, if it is promised to work and not the minor version that is pinned. */
export async function machinesKubectl(): Promise<{ readonly version: string } | { readonly skip: string }> {
  const client = ["version", "--client", "--output=json"];
  const found = await runFile("kubectl", client).catch(() => undefined);
  if (found === undefined) return { skip: "no kubectl is installed here" };
  const pinned = await runFile(await ensureTool("kubectl"), client);
  const version = clientVersion(found.stdout);
  if (minorOf(version) < oldestMinor) return { skip: `${version} is older than 1.${oldestMinor}` };
  if (minorOf(version) === minorOf(clientVersion(pinned.stdout))) return { skip: `${version} is tested by the others` };
  return { version };
}

const clientVersion = (output: string): string => String(JSON.parse(output).clientVersion.gitVersion);
const minorOf = (version: string): number => Number(version.split(".")[1]);
