/** A client-go informer that streams must stay in step with a server while many write; as a function of the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startProcess } from "../support/processes.ts";
import { ensureTool } from "./support/tools.ts";

/** What the reflector reports; counts of the whole run. */
type Report = {
  readonly Writes: number;
  readonly Events: number;
  readonly Objects: number;
  readonly Streams: number;
  readonly Lists: number;
  readonly Resumes: number;
  readonly Problems: readonly string[] | null;
};

/** How long the writers write, in s. */
const soakSeconds = Number(process.env.FUNCTIONMESH_SOAK_SECONDS ?? 60);
/** Creating the objects before and comparing after takes this much longer at most. */
const marginMs = 60_000;

/** Objects there are before the writers begin; half of all. */
const created = 250;

export type ReflectorRun = {
  readonly name: string;
  /** Of an administrator, once the server runs. */
  readonly at: () => { readonly kubeconfig: string };
  /** Whether nobody else writes to Functions, so that there is one event for each write. */
  readonly alone: boolean;
};

export function reflectorInStep({ name, at, alone }: ReflectorRun): void {
  test(`${name}: a streaming reflector stays in step with 500 objects changed by 8 writers`, {
    timeout: soakSeconds * 1000 + marginMs,
  }, async (t) => {
    await using reflector = startProcess(await ensureTool("reflector"), [
      ...["--kubeconfig", at().kubeconfig, "--namespace", "default"],
      ...["--objects", "500", "--writers", "8", "--seconds", String(soakSeconds), "--cut-after", "3s"],
    ]);
    const code = await reflector.exited;
    assert.equal(code, 0, reflector.output());
    const report = parseReport(reflector.output());
    assert.deepEqual(report.Problems ?? [], []);
    const least = created + report.Writes;
    assert.ok(report.Writes > 0 && (alone ? report.Events === least : report.Events >= least), reflector.output());
    t.diagnostic(
      `${report.Writes} writes and ${report.Events} events in ${soakSeconds} s, ${report.Objects} objects at the end, ` +
        `${report.Streams} streaming lists, ${report.Resumes} resumed watches, ${report.Lists} plain lists`,
    );
  });
}

function parseReport(output: string): Report {
  const line = output.split("\n").find((candidate) => candidate.startsWith("{"));
  assert.ok(line !== undefined, output);
  return JSON.parse(line);
}
