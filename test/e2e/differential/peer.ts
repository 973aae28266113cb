/** One of the two servers, and what it has stored of each object. */
import type { JsonObject } from "../../../apiserver/apis/meta/v1.ts";
import { objectOf } from "../../../apiserver/machinery/fields.ts";
import type { Client, Reply } from "../../http/support/client.ts";
import type { Step } from "./steps.ts";
import { pathOf, type Target, take, whatIs } from "./take.ts";

export type Peer = {
  readonly client: Client;
  /**
   * The measure of the other: what it answers is what it has stored, and what it refuses changes nothing. Spares it most of
   * the reading.
   */
  readonly isMeasure: boolean;
};

export type Taken = {
  readonly reply: Reply;
  /** `undefined`: nothing. */
  readonly stored: JsonObject | undefined;
};

/** @param live  what the peer had stored before */
export async function takeAt(peer: Peer, target: Target, step: Step, live: JsonObject | undefined): Promise<Taken> {
  const reply = await take(peer.client, target, step, live);
  return { reply, stored: await storedAfter(peer, target, step, live, reply) };
}

async function storedAfter(
  { client, isMeasure }: Peer,
  target: Target,
  step: Step,
  live: JsonObject | undefined,
  reply: Reply,
): Promise<JsonObject | undefined> {
  if (isMeasure && (step.dryRun || reply.status >= 400)) return live;
  if (isMeasure && step.verb !== "delete" && isWhole(reply.body, target)) return reply.body;
  return whatIs(await client.get(pathOf(target)));
}

/** Whoever takes the last finalizer from an object that is being deleted is shown it a last time. */
const isWhole = (body: JsonObject, { subject }: Target): boolean =>
  body.kind === subject.kind && objectOf(body, "metadata")?.deletionTimestamp === undefined;
