/** kubectl as a person runs it: arguments in, both outputs and the exit code out. */
import { execFile } from "node:child_process";
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
          env: { ...process.env, HOME: cacheDirectory, KUBE_EDITOR: "sed -i 's/note: .*/note: edited/'" },
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
