import { isNewer, nameOfStore, type Remembered, type StoreMemory } from "../../apiserver/storage/guard/store-memory.ts";
import type { StorePosition } from "../../apiserver/storage/interface.ts";

/** Remembers where a test can see and change it. */
export class TestStoreMemory implements StoreMemory {
  remembered: Remembered | undefined;
  accepted: string | undefined;
  failure: Error | undefined;

  async read() {
    if (this.failure !== undefined) throw this.failure;
    const { remembered, accepted } = this;
    return {
      ...(remembered === undefined ? {} : { remembered }),
      ...(accepted === undefined ? {} : { accepted }),
    };
  }

  async write(next: Remembered): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    if (this.remembered !== undefined && !isNewer(next, this.remembered)) return;
    this.remembered = next;
    this.accepted = undefined;
  }

  howToAccept(found: StorePosition): string {
    return `accept ${nameOfStore(found)}`;
  }
}
