/** Kubernetes' own specs, as its suite reports and runs them. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startProcess } from "../../support/processes.ts";
import { ensureTool } from "../support/tools.ts";

export type Spec = {
  /** Its whole text, from the outermost container on. */
  readonly name: string;
  /** Below `test/e2e/` of Kubernetes' source. */
  readonly file: string;
  /** As Ginkgo reports it: `passed`, `failed`, `skipped`, `timedout` … */
  readonly state: string;
  /** What went wrong; `""` if nothing did. */
  readonly message: string;
  readonly seconds: number;
};

/** What is read of Ginkgo's report; times are in nanoseconds. */
type Report = readonly {
  readonly SpecReports: readonly {
    readonly LeafNodeType: string;
    readonly LeafNodeText: string;
    readonly ContainerHierarchyTexts: readonly string[] | null;
    readonly LeafNodeLocation: { readonly FileName: string };
    readonly State: string;
    readonly RunTime: number;
    readonly Failure?: { readonly Message: string };
  }[];
}[];

/** Every spec that the suite has; none is run. */
export function everySpec(): Promise<readonly Spec[]> {
  return suite(["--ginkgo.dry-run", "--kubeconfig=/dev/null"]);
}

export type Target = { readonly url: string; readonly kubeconfig: string };

/** Runs the specs of these names one after the other. Those that were not run are not in the answer. */
export async function runSpecs(names: readonly string[], { url, kubeconfig }: Target): Promise<readonly Spec[]> {
  const kubectl = await ensureTool("kubectl");
  const wanted = new Set(names);
  const specs = await suite([
    `--host=${url}`,
    `--kubeconfig=${kubeconfig}`,
    `--kubectl-path=${kubectl}`,
    `--ginkgo.focus=(${names.map(escaped).join("|")})$`,
  ]);
  return specs.filter(({ name, state, message }) => wanted.has(name) && (state !== "skipped" || message !== ""));
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** A spec waits minutes for what never comes; the whole run is given up after so long. */
const suiteTimeout = "10m";

async function suite(args: readonly string[]): Promise<readonly Spec[]> {
  const directory = await mkdtemp(join(tmpdir(), "functionmesh-specs-"));
  try {
    const report = join(directory, "report.json");
    const common = [
      "--provider=skeleton",
      "--num-nodes=1",
      "--allowed-not-ready-nodes=-1",
      "--dump-logs-on-failure=false",
      "--ginkgo.no-color",
      "--ginkgo.succinct",
      "--ginkgo.seed=1",
      `--ginkgo.timeout=${suiteTimeout}`,
      `--ginkgo.json-report=${report}`,
    ];
    await using process = startProcess(await ensureTool("specs"), [...common, ...args], { env: { HOME: directory } });
    await process.exited;
    const text = await readFile(report, "utf8").catch(() => assert.fail(`no report of specs:\n${process.output()}`));
    return specsOf(JSON.parse(text));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function specsOf(report: Report): readonly Spec[] {
  return report
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(({ LeafNodeType }) => LeafNodeType === "It")
    .map((spec) => ({
      name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText].join(" "),
      file: spec.LeafNodeLocation.FileName.replace(/^.*\/test\/e2e\//, ""),
      state: spec.State,
      message: spec.Failure?.Message ?? "",
      seconds: spec.RunTime / 1e9,
    }));
}
