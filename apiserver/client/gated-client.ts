import { newServiceUnavailable } from "../errors/status-error.ts";
import type { ResourceClient } from "./client.ts";

/**
 * A client that writes nothing while `refusal` gives a reason: what controllers would write then, they would conclude from
 * something that must not be believed (design D9). Reads go on.
 */
export function gatedClient(client: ResourceClient, refusal: () => string | undefined): ResourceClient {
  const ifOpen = async <T>(write: () => Promise<T>): Promise<T> => {
    const why = refusal();
    if (why !== undefined) throw newServiceUnavailable(why);
    return write();
  };
  return {
    get: (ref, options) => client.get(ref, options),
    list: (type, query, signal) => client.list(type, query, signal),
    watch: (type, query, signal) => client.watch(type, query, signal),
    create: (type, object, options) => ifOpen(() => client.create(type, object, options)),
    update: (type, object, options) => ifOpen(() => client.update(type, object, options)),
    patch: (ref, patch, options) => ifOpen(() => client.patch(ref, patch, options)),
    apply: (type, object, options) => ifOpen(() => client.apply(type, object, options)),
    delete: (ref, options) => ifOpen(() => client.delete(ref, options)),
  };
}
