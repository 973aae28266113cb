import { StorageError } from "./errors.ts";

/**
 * The answer, or `Unreachable` as soon as the caller stops waiting. The call itself goes on and its end is ignored;
 * with a signal that was aborted before it is not made at all.
 */
export function abortable<T>(call: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return call();
  return new Promise((resolve, reject) => {
    const abort = () =>
      reject(new StorageError("Unreachable", { message: "the reader stopped waiting" }, { cause: signal.reason }));
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    call()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
