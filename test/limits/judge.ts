/** What is asked of every shape (design D10), of four samples of growing size. Pure. */
import { limits } from "../../apiserver/limits.ts";
import type { Sample } from "./measure.ts";

/** No request may hold the event loop for longer, in ms of CPU, which is what a machine that does nothing else has of time. */
const maxHoldMs = 100;
/** Twice the size may take so many times the CPU; four times would be quadratic. */
const maxGrowth = 3;
/** Less CPU than this says nothing: clock ticks, compilation and garbage collection are in it. */
const floorMs = 50;
/** Memory a request may take: a multiple of what was sent, and what a generation of the heap grows by. */
const bytesPerByte = 40;
const heapBytes = 160 * 1024 * 1024;

/** An answer may have so many times the bytes that were sent and that are stored: managers of fields, a Table's rows. */
const answerPerByte = 3;
/** Documents of the server's own (OpenAPI, metrics) have any size, but one that nobody can change. */
const documentBytes = 16 * 1024 * 1024;

/** What may make an answer large. */
export type Readable = {
  /** Of what is stored where a request may read, and of what it may make of it. */
  readonly storedBytes: number;
  /** It asked for indentation, or for a document. */
  readonly isExempt: boolean;
};

/** What is wrong with these samples, in words; none for good ones. */
export function problemsOf(samples: readonly Sample[], readable: Readable): readonly string[] {
  return [...samples.flatMap((sample) => problemsOfOne(sample, readable)), ...growthProblems(samples)];
}

function problemsOfOne({ n, status, ...cost }: Sample, { storedBytes, isExempt }: Readable): readonly string[] {
  const at = `n=${n}:`;
  const problems: string[] = [];
  if (status >= 500 && status !== 504) problems.push(`${at} answered ${status}`);
  if (cost.livezRefusals > 0) problems.push(`${at} /livez said no`);
  if (cost.heldMs > maxHoldMs) {
    problems.push(`${at} /livez waited ${Math.round(cost.livezMs)} ms, for ${Math.round(cost.heldMs)} ms of CPU`);
  }
  if (cost.grownBytes > heapBytes + bytesPerByte * cost.sentBytes) {
    problems.push(`${at} memory grew by ${Math.round(cost.grownBytes / 2 ** 20)} MiB for ${cost.sentBytes} bytes`);
  }
  const maxAnswerBytes = isExempt ? documentBytes : answerPerByte * (cost.sentBytes + storedBytes);
  if (status < 400 && cost.answerBytes > maxAnswerBytes) {
    problems.push(
      `${at} the answer has ${cost.answerBytes} bytes for ${cost.sentBytes} sent and ${storedBytes} stored`,
    );
  }
  if (status >= 400 && cost.answerBytes > 2 * limits.maxStatusBytes.value) {
    problems.push(`${at} the refusal has ${cost.answerBytes} bytes`);
  }
  return problems;
}

/** Each size against the one before: what grows faster than linearly does so at the large end at last. */
function growthProblems(samples: readonly Sample[]): readonly string[] {
  return samples.slice(1).flatMap(({ n, loopCpuMs }, index) => {
    const before = samples[index]?.loopCpuMs ?? 0;
    if (loopCpuMs <= maxGrowth * Math.max(before, floorMs)) return [];
    return [`n=${n}: ${Math.round(loopCpuMs)} ms of CPU after ${Math.round(before)} ms for half the size`];
  });
}
