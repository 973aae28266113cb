/** A release of a chart with a Function, as Helm 4 makes it: by server-side apply. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../../support/processes.ts";
import type { Kubectl } from "../support/kubectl.ts";
import { connection, wordcount } from "../support/manifests.ts";
import type { Steps } from "./steps.ts";

const run = promisify(execFile);

/** A chart of a ConfigMap and a Function, whose replicas and log level are values. */
const chartFiles: { readonly [file: string]: string } = {
  "Chart.yaml": "apiVersion: v2\nname: words\nversion: 0.1.0\n",
  "values.yaml": "replicas: 1\nlevel: info\n",
  "templates/connection.yaml": `${connection}  level: {{ .Values.level }}\n`,
  "templates/function.yaml": wordcount.replace("replicas: 1", "replicas: {{ .Values.replicas }}"),
};

export type Release = {
  readonly helm: string;
  readonly kubeconfig: string;
  readonly kubectl: Kubectl;
  readonly directory: string;
  readonly namespace: string;
};

/** Helm in a namespace: arguments in, stdout out. @throws where the command ends with another code than 0 */
export const helmFor =
  ({ helm, kubeconfig, directory, namespace }: Omit<Release, "kubectl">) =>
  async (...args: readonly string[]): Promise<string> => {
    const env = { ...process.env, HOME: directory, KUBECONFIG: kubeconfig };
    const { stdout } = await run(helm, [...args, "-n", namespace], { env });
    return stdout;
  };

/** @returns where the chart is now */
export async function writeChart(directory: string): Promise<string> {
  const chart = join(directory, "chart");
  for (const [file, text] of Object.entries(chartFiles)) {
    await mkdir(join(chart, file, ".."), { recursive: true });
    await writeFile(join(chart, file), text);
  }
  return chart;
}

export function helmSteps({ kubectl, ...release }: Release): Steps {
  const { directory, namespace } = release;
  const chart = join(directory, "chart");
  const helmRun = helmFor(release);
  const get = (what: string, jsonPath: string): Promise<string> =>
    kubectl.ok(["-n", namespace, "get", ...what.split(" "), "-o", `jsonpath=${jsonPath}`]);
  const states = async (): Promise<readonly string[]> => {
    const history: readonly { readonly status: string }[] = JSON.parse(
      await helmRun("history", "words", "--output=json"),
    );
    return history.map(({ status }) => status);
  };
  const isRunning = (replicas: string, level: string): Promise<void> =>
    eventually(async () => {
      assert.equal(
        await get("functions wordcount", "{.spec.replicas} {.status.readyReplicas}"),
        `${replicas} ${replicas}`,
      );
      assert.equal(await get("statefulset wordcount-function", "{.status.readyReplicas}"), replicas);
      assert.equal(await get("configmap pulsar", "{.data.level}"), level);
    });

  return {
    "install: the Function is Helm's, by server-side apply, and runs": async () => {
      await writeChart(directory);
      await helmRun("install", "words", chart, "--create-namespace", "--wait=legacy");
      await isRunning("1", "info");
      const managers = "{.metadata.managedFields[?(@.operation=='Apply')].manager}";
      assert.equal(await get("functions wordcount --show-managed-fields", managers), "helm");
      assert.deepEqual(await states(), ["deployed"]);
    },
    upgrade: async () => {
      await helmRun("upgrade", "words", chart, "--set", "replicas=2,level=debug", "--wait=legacy");
      await isRunning("2", "debug");
      assert.deepEqual(await states(), ["superseded", "deployed"]);
    },
    "upgrade with a value that is refused: the release has failed, the Function is as it was": async () => {
      await assert.rejects(helmRun("upgrade", "words", chart, "--set", "replicas=-1"), /spec\.replicas/);
      assert.equal(await get("functions wordcount", "{.spec.replicas}"), "2");
      assert.deepEqual(await states(), ["superseded", "deployed", "failed"]);
    },
    "upgrade over another's field: a conflict that names it, and taken by force": async () => {
      await kubectl.ok(["-n", namespace, "scale", "functions", "wordcount", "--replicas=3"]);
      const other = ["--set", "replicas=1,level=debug", "--wait=legacy"];
      await assert.rejects(helmRun("upgrade", "words", chart, ...other), /conflict with "kubectl".*spec\.replicas/);
      assert.equal(await get("functions wordcount", "{.spec.replicas}"), "3");
      await helmRun("upgrade", "words", chart, ...other, "--force-conflicts");
      await isRunning("1", "debug");
    },
    // Helm's default for --wait reads status.conditions as a list; those of Function Mesh are an object.
    "a plain --wait takes the conditions of a Function for no state, but applies": async () => {
      const upgrade = helmRun("upgrade", "words", chart, "--set", "replicas=2,level=warn", "--wait", "--timeout=3s");
      await assert.rejects(upgrade, /wordcount not ready\. status: Unknown/);
      await isRunning("2", "warn");
    },
    rollback: async () => {
      await helmRun("rollback", "words", "2", "--wait=legacy");
      await isRunning("2", "debug");
      assert.equal((await states()).at(-1), "deployed");
    },
    "uninstall waits for everything to go": async () => {
      await helmRun("uninstall", "words", "--wait");
      const left = await get("functions,configmaps,secrets", "{.items[*].metadata.name}");
      assert.equal(left, "kube-root-ca.crt");
      await eventually(async () => assert.equal(await get("statefulsets,pods", "{.items[*].metadata.name}"), ""));
      await kubectl.ok(["delete", "namespace", namespace]);
    },
  };
}
