import type { StorePosition } from "../interface.ts";

export type Remembered = {
  readonly position: StorePosition;
  /** How often somebody accepted another store in the place of the one before. */
  readonly acceptances: number;
};

/** Where an installation remembers its store: outside of it, so that both are not lost or put back together. */
export interface StoreMemory {
  /**
   * `undefined` when nothing is remembered; `accepted` is the name (`nameOfStore`) of a store that somebody accepts.
   * @throws when it cannot be told
   */
  read(signal: AbortSignal): Promise<{ readonly remembered?: Remembered; readonly accepted?: string }>;
  /** Keeps the newer of what is there and this; forgets what was accepted. @throws when it cannot be kept */
  write(remembered: Remembered, signal: AbortSignal): Promise<void>;
  /** What to do to go on with the store that was found: a command. */
  howToAccept(found: StorePosition): string;
}

/** For a store that has its memory beside itself. */
export const noMemory: StoreMemory = {
  read: async () => ({}),
  write: async () => {},
  howToAccept: () => "restart the server",
};

/** How somebody who accepts a store says which one. */
export function nameOfStore({ identity }: StorePosition): string {
  return identity ?? "empty";
}

/** Whether `next` says more than `previous`. */
export function isNewer(next: Remembered, previous: Remembered): boolean {
  if (next.acceptances !== previous.acceptances) return next.acceptances > previous.acceptances;
  return next.position.revision > previous.position.revision;
}
