/** How parts of the server are told of objects that others change: whoever composes the server says who follows for them. */
import type { KubeObject } from "../apis/meta/v1.ts";
import type { ResourceClient, ResourceType } from "./client.ts";

/** Told of a collection object by object, at first of every one that is there; of what was missed in a gap as well. */
export interface FollowSink {
  upsert(object: KubeObject): void;
  remove(object: KubeObject): void;
}

export type Followed = {
  readonly type: ResourceType;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly fieldSelector?: string;
  /**
   * Longest time, in seconds, for which a connection may be dead without being noticed, and the collection old with it;
   * 630 unless given. While the connection lives, changes arrive as they are made.
   */
  readonly maxStaleSeconds?: number;
};

/**
 * Keeps `sink` true to a collection until the signal aborts; no failure ends that.
 * @returns resolves when the collection was read whole, or when the signal aborts before
 */
export type Follow = (
  client: ResourceClient,
  followed: Followed,
  sink: FollowSink,
  signal: AbortSignal,
) => Promise<void>;
