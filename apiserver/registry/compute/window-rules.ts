/** Windows over messages: by count or by time, and what is late (FM section 3). */
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../errors/field-error.ts";
import { isSet, numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import type { AnySpec } from "./defaults.ts";
import { topicProblem } from "./topics.ts";

/** Lengths and intervals that must be above zero when they are set. */
const windowNumbers = [
  "windowLengthCount",
  "windowLengthDurationMs",
  "slidingIntervalCount",
  "slidingIntervalDurationMs",
] as const;
/** … where messages have times of their own. */
const timedNumbers = ["maxLagMs", "watermarkEmitIntervalMs"] as const;

export function checkWindow({ spec, at }: { readonly spec: AnySpec; readonly at: string }): readonly FieldError[] {
  const window = objectOf(spec, "windowConfig");
  if (window === undefined) return [];
  const windowAt = joinPath(at, "windowConfig");
  const [byCount, byTime] = [isSet(window, "windowLengthCount"), isSet(window, "windowLengthDurationMs")];
  // Without a length there is no window for the rest to be about.
  if (!byCount && !byTime) return [required(windowAt, "windowLengthCount or windowLengthDurationMs")];
  const errors: FieldError[] = [];
  if (byCount && byTime) {
    errors.push(
      forbiddenField(joinPath(windowAt, "windowLengthDurationMs"), "cannot be combined with windowLengthCount"),
    );
  }
  const hasTimes = textOf(window, "timestampExtractorClassName") !== "";
  const timed = hasTimes ? timedNumbers : [];
  const late = textOf(window, "lateDataTopic");
  const lateAt = joinPath(windowAt, "lateDataTopic");
  const lateProblem = late === "" ? undefined : topicProblem(late);
  if (late !== "" && !hasTimes) {
    errors.push(forbiddenField(lateAt, "nothing is late without timestampExtractorClassName"));
  } else if (lateProblem !== undefined) errors.push(invalid(lateAt, late, lateProblem));
  for (const field of [...windowNumbers, ...timed]) {
    const value = numberOf(window, field);
    if (value !== undefined && value <= 0)
      errors.push(invalid(joinPath(windowAt, field), value, "must be greater than 0"));
  }
  return errors;
}
