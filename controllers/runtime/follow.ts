import type { Follow } from "../../apiserver/client/follow.ts";
import type { Clock } from "../../apiserver/machinery/clock.ts";
import type { HealthObserver } from "./component-health.ts";
import { ResourceInformer } from "./informer.ts";
import type { Logger } from "./logger.ts";

/** Follows by an informer, as controllers do: there is one list-watch loop in the program (design D12). */
export function followByInformer(deps: {
  readonly clock: Clock;
  readonly log: Logger;
  readonly health?: HealthObserver;
}): Follow {
  return async (client, followed, { upsert, remove }, signal) => {
    const informer = new ResourceInformer({ ...deps, client, ...followed });
    informer.addHandler({ added: upsert, updated: upsert, deleted: remove });
    const running = informer.run(signal);
    await Promise.race([running, informer.whenSynced(signal).catch(() => running)]);
  };
}
