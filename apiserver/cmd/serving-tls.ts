/** Where an aggregated server's certificate comes from, and how it stays true to that while the server runs. */

import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { delay, systemClock } from "../machinery/clock.ts";
import type { Logger } from "../observability/log.ts";
import type { ClusterPresence } from "../registration/presence.ts";
import type { TlsFiles } from "../server/server.ts";

/** PEM, as in `TlsFiles`. */
export type Served = Pick<TlsFiles, "cert" | "key">;

export type ServingTls = {
  readonly current: () => Served;
  /**
   * Keeps `current` true to its source and calls `onChange` for every new certificate, until the signal aborts. Failures
   * are logged and tried again; never rejects.
   */
  readonly attend: (onChange: () => void, signal: AbortSignal) => Promise<void>;
};

/** How often files are looked at, in ms: as kube-apiserver looks at its own (API R-24). */
const lookAtFilesMs = 60_000;
/** First look, and the next after one that failed, in ms at most. */
const retryMs = 5_000;

export const fixedTls = (tls: Served): ServingTls => ({ current: () => tls, attend: async () => undefined });

/** Files that an administrator or cert-manager replaces. @throws Error when they cannot be read */
export async function tlsFromFiles(certFile: string, keyFile: string, log: Logger): Promise<ServingTls> {
  const read = async (): Promise<Served> => {
    const [cert, key] = await Promise.all([readFile(certFile, "utf8"), readFile(keyFile, "utf8")]);
    return { cert, key };
  };
  return followed(await read(), { read, lookMs: lookAtFilesMs, log });
}

/** A certificate that replicas make themselves and share; looked at every `lookMs`. */
export async function tlsFromPresence(
  presence: ClusterPresence,
  { lookMs, log, signal }: { readonly lookMs: number; readonly log: Logger; readonly signal: AbortSignal },
): Promise<ServingTls> {
  const read = async (): Promise<Served> => {
    const { certificate, key } = await presence.refresh(signal);
    return { cert: certificate, key };
  };
  return followed(await read(), { read, lookMs, log });
}

type Source = { readonly read: () => Promise<Served>; readonly lookMs: number; readonly log: Logger };

function followed(first: Served, { read, lookMs, log }: Source): ServingTls {
  let current = first;
  const look = async (onChange: () => void): Promise<void> => {
    const next = await read();
    if (next.cert === current.cert && next.key === current.key) return;
    // Files are replaced one after the other; half of a pair is read again.
    createSecureContext(next);
    current = next;
    onChange();
    log.info({}, "serving certificate reloaded");
  };
  return {
    current: () => current,
    attend: async (onChange, signal) => {
      const soonMs = Math.min(retryMs, lookMs);
      for (let waitMs = soonMs; await waited(waitMs, signal); ) {
        try {
          await look(onChange);
          waitMs = lookMs;
        } catch (err) {
          waitMs = soonMs;
          if (!signal.aborted) log.warn({ err }, "cannot renew the serving certificate");
        }
      }
    },
  };
}

/** Whether the time passed; `false` when the signal aborted first. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  await delay(systemClock, ms, signal);
  return !signal.aborted;
}
