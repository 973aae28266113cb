/** What a run asked both servers for, and how often, as the results file has it. */
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import type { Step, Subject } from "./steps.ts";

export class Tally {
  readonly #run: { readonly seed: number };
  readonly #since = performance.now();
  readonly #steps = new Map<string, number>();
  readonly #codes = new Map<string, number>();
  readonly #kinds = new Map<string, number>();
  readonly #meant = new Map<string, number>();
  #taken = 0;

  constructor(run: { readonly seed: number }) {
    this.#run = run;
  }

  /** @param code  of kube-apiserver's answer */
  step({ kind }: Subject, step: Step, code: number): void {
    const at = "subresource" in step && step.subresource !== "" ? ` ${step.subresource}` : "";
    this.#taken++;
    count(this.#steps, `${step.verb}${at}${step.dryRun ? ", dry run" : ""}`);
    count(this.#codes, String(code));
    count(this.#kinds, kind);
  }

  meant(reason: string): void {
    count(this.#meant, reason);
  }

  async write(file: string): Promise<void> {
    const result = {
      date: new Date().toISOString().slice(0, 10),
      machine: {
        cpu: cpus()[0]?.model,
        cores: cpus().length,
        memoryBytes: totalmem(),
        node: process.version,
        platform: `${process.platform}/${process.arch}`,
      },
      seed: this.#run.seed,
      seconds: Math.round((performance.now() - this.#since) / 1000),
      steps: this.#taken,
      byKind: sorted(this.#kinds),
      byVerb: sorted(this.#steps),
      byCode: sorted(this.#codes),
      meantDifferences: sorted(this.#meant),
    };
    await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

const sorted = (counts: ReadonlyMap<string, number>) =>
  Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
