import { StatusError } from "../errors/status-error.ts";
import { systemClock } from "../machinery/clock.ts";

/** HTTP code of the host's answer, or that there was none; after how many ms. */
export type AnswerObserver = (code: number | "<error>", ms: number) => void;

/** Tells what the host answered to a question that creates a review (API MT-17). */
export async function observed<T>(ask: () => Promise<T>, onAnswer: AnswerObserver | undefined): Promise<T> {
  const startedMs = systemClock.elapsedMs();
  const told = (code: number | "<error>"): void => onAnswer?.(code, systemClock.elapsedMs() - startedMs);
  try {
    const answer = await ask();
    told(201);
    return answer;
  } catch (error) {
    told(error instanceof StatusError ? error.status.code : "<error>");
    throw error;
  }
}
