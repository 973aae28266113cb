/** What one request cost a server: its event loop's CPU time, its memory, and the wait of another client meanwhile. */
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { loopCpuMs } from "./loop-cpu.ts";
import type { Shape } from "./shapes.ts";
import { type Told, wires } from "./wire.ts";

export type Sample = {
  readonly n: number;
  readonly sentBytes: number;
  /** 0 when the connection was ended instead of answered. */
  readonly status: number;
  readonly answerBytes: number;
  readonly wallMs: number;
  /** CPU time of the thread that has the event loop. */
  readonly loopCpuMs: number;
  /** Longest wait of a client that asked `/livez` meanwhile. */
  readonly livezMs: number;
  /** Most CPU time that the event loop used while one `/livez` waited: no other process on this machine is to blame for it. */
  readonly heldMs: number;
  /** Its answers that said the server isn't alive. */
  readonly livezRefusals: number;
  /** By which the resident memory grew at most. */
  readonly grownBytes: number;
};

function memory(pid: number, field: "VmRSS" | "VmHWM"): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1024;
}
export const residentBytes = (pid: number): number => memory(pid, "VmRSS");

/** Makes the highest resident memory start again from the current one. */
const resetPeak = (pid: number): void => writeFileSync(`/proc/${pid}/clear_refs`, "5");

const sizeOf = ({ path, headers }: Shape, n: number): number =>
  path(n).length + Object.entries(headers?.(n) ?? {}).join("").length;

/** What a front proxy says of who asks. */
const asAdmin = { "x-remote-user": "admin", "x-remote-group": "system:masters" };

export type Target = {
  readonly url: string;
  readonly pid: number;
  readonly identity: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer };
};

/** `longestMs`: of one request, also of one that is not over; `refusals`: answers other than 200. */
export type Observed = { readonly longestMs: number; readonly heldMs: number; readonly refusals: number };

export class Meter implements AsyncDisposable {
  readonly #target: Target;
  readonly #probe: Worker;

  constructor(target: Target) {
    this.#target = target;
    this.#probe = new Worker(new URL("./probe.ts", import.meta.url), {
      workerData: { url: target.url, pid: target.pid },
    });
  }

  /** Of `/livez` since the last call. */
  async observed(): Promise<Observed> {
    const answer = once(this.#probe, "message");
    this.#probe.postMessage("tell");
    const [observed]: Observed[] = await answer;
    if (observed === undefined) throw new Error("the probe said nothing");
    return observed;
  }

  async measure(shape: Shape, n: number): Promise<Sample> {
    const { pid } = this.#target;
    const body = shape.body?.(n);
    await this.observed();
    resetPeak(pid);
    const [before, cpuBefore, started] = [residentBytes(pid), loopCpuMs(pid), performance.now()];
    const { status, bytes } = await this.#send(shape, n, body);
    const wallMs = performance.now() - started;
    const usedMs = loopCpuMs(pid) - cpuBefore;
    const { longestMs, heldMs, refusals } = await this.observed();
    return {
      n,
      sentBytes: sizeOf(shape, n) + Buffer.byteLength(body ?? ""),
      status,
      answerBytes: bytes,
      wallMs,
      loopCpuMs: usedMs,
      livezMs: longestMs,
      heldMs,
      livezRefusals: refusals,
      grownBytes: Math.max(0, memory(pid, "VmHWM") - before),
    };
  }

  #send(shape: Shape, n: number, body: string | Uint8Array | undefined): Promise<Told> {
    const { url, identity } = this.#target;
    const { method, user, over = "http/1.1" } = shape;
    const common = { accept: "application/json", "user-agent": "limits", ...(user === "proxied" ? asAdmin : {}) };
    const headers = { ...common, ...shape.headers?.(n) };
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const who = user === "anonymous" ? { ca: identity.ca } : identity;
    return wires[over]({ url, method, path: shape.path(n), headers: { ...headers, ...length }, body, identity: who });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#probe.terminate();
  }
}
