/** The statuses that we wrote last, so that what somebody else wrote over them is noticed and put right. */
import type { JsonObject, KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { digest } from "./drift.ts";

/** More objects than one installation has; of one that is forgotten the next change of status costs a look. */
const maxRemembered = 50_000;

export class PublishedStatus {
  readonly #digests = new Map<string, string>();

  /** To be called before the write, as its event may come before its answer. */
  remember({ metadata }: KubeObject, status: JsonObject): void {
    const { uid = "" } = metadata;
    this.#digests.delete(uid);
    const [oldest] = this.#digests.keys();
    if (this.#digests.size >= maxRemembered && oldest !== undefined) this.#digests.delete(oldest);
    this.#digests.set(uid, digest(status));
  }

  isOurs({ metadata, status }: KubeObject): boolean {
    return this.#digests.get(metadata.uid ?? "") === digest(status ?? null);
  }
}
