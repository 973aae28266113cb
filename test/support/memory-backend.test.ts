/** The double that other tests rely on keeps what real stores promise. */
import { linearizability } from "../conformance/linearizability.ts";
import { storageConformance } from "../conformance/storage.ts";
import { MemoryBackend } from "./memory-backend.ts";

const stores = new Map<string, MemoryBackend>();

async function open(store: string): Promise<MemoryBackend> {
  const opened = stores.get(store)?.reopen() ?? new MemoryBackend();
  stores.set(store, opened);
  return opened;
}

storageConformance({ name: "in memory", open, skip: [] });
linearizability({ name: "in memory", open });
