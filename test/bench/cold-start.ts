/** From the start of the program to its first answer, with a directory that isn't there yet. */
import { join } from "node:path";
import { startStandalone } from "../e2e/support/server.ts";
import { cpuMs } from "./process-usage.ts";
import { startBare } from "./targets.ts";

export type ColdStart = { readonly cpuMs: number; readonly ms: number };

export async function coldStart(directory: string): Promise<ColdStart> {
  const began = performance.now();
  await using server = await startStandalone(join(directory, "cold"));
  return { ms: performance.now() - began, cpuMs: cpuMs(server.process.pid) };
}

/** Of the bare server, certificate included. */
export async function bareColdStart(directory: string): Promise<ColdStart> {
  await using stack = new AsyncDisposableStack();
  const began = performance.now();
  const { pid } = await startBare(join(directory, "cold-bare"), directory, stack);
  return { ms: performance.now() - began, cpuMs: cpuMs(pid) };
}
