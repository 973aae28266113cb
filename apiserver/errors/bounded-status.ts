import type { Status, StatusCause, StatusDetails } from "../apis/meta/v1.ts";
import { limits } from "../limits.ts";
import { abridged, abridgedToBytes, jsonBytes } from "./abridge.ts";

type FailureStatus = Status & { code: number };

/** How the bytes of a Status are shared; the rest is for names, punctuation and indentation. */
const maxMessageBytes = Math.floor(limits.maxStatusBytes.value * 0.3);
const maxCausesBytes = Math.floor(limits.maxStatusBytes.value * 0.4);

/**
 * The Status as it may be sent: every text of it is cut, the first causes are kept, and the message tells how many are
 * left out. So no answer to a mistake is much larger than what made it.
 *
 * @param unlisted  causes there are besides those in `status`
 */
export function boundedStatus(status: FailureStatus, unlisted: number): FailureStatus {
  const { message = "", details } = status;
  const causes = firstCauses(details?.causes ?? []);
  const leftOut = unlisted + (details?.causes?.length ?? 0) - causes.length;
  const ending = leftOut === 0 ? "" : `; ${leftOut} more ${leftOut === 1 ? "error is" : "errors are"} left out`;
  return {
    ...status,
    message: `${abridgedToBytes(message, maxMessageBytes)}${ending}`,
    ...(details === undefined ? {} : { details: boundedDetails(details, causes) }),
  };
}

function boundedDetails(details: StatusDetails, causes: readonly StatusCause[]): StatusDetails {
  const bounded: StatusDetails = { ...details };
  for (const field of ["name", "group", "kind", "uid"] as const) {
    const text = details[field];
    if (text !== undefined) bounded[field] = abridged(text);
  }
  if (details.causes !== undefined) bounded.causes = [...causes];
  return bounded;
}

function firstCauses(causes: readonly StatusCause[]): readonly StatusCause[] {
  const kept: StatusCause[] = [];
  let bytes = 0;
  for (const cause of causes) {
    const short = boundedCause(cause);
    bytes += jsonBytes(short);
    if (kept.length === limits.maxCauses.value || bytes > maxCausesBytes) break;
    kept.push(short);
  }
  return kept;
}

function boundedCause({ reason, message, field }: StatusCause): StatusCause {
  return {
    ...(reason === undefined ? {} : { reason: abridged(reason) }),
    ...(message === undefined ? {} : { message: abridged(message, maxCauseLength) }),
    ...(field === undefined ? {} : { field: abridged(field) }),
  };
}
/** A value, the path it is at, and what is said about both. */
const maxCauseLength = 3 * limits.maxErrorValueLength.value;
