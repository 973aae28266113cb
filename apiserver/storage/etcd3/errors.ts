import { StorageError, type StorageErrorCode } from "../errors.ts";

/** etcd tells these apart by their texts only: several share a gRPC code. */
const codeOfText: readonly (readonly [text: string, code: StorageErrorCode])[] = [
  ["required revision has been compacted", "Compacted"],
  ["required revision is a future revision", "FutureRevision"],
  ["etcdserver: request is too large", "TooLarge"],
  ["message larger than max", "TooLarge"],
  ["database space exceeded", "Full"],
];

/** Everything unknown is `Unreachable`: it was not said that nothing was written. */
export function interpretEtcdError(error: unknown, key = ""): StorageError {
  if (error instanceof StorageError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = codeOfText.find(([text]) => message.includes(text))?.[1] ?? "Unreachable";
  return new StorageError(
    code,
    { key, message: code === "Unreachable" ? `etcd: ${message}` : message },
    { cause: error },
  );
}
